"""Normal and lognormal: a variable rounded to the nearest integer, P(K >= k) = P(X >= k - 1/2).

Both are fitted as exp(-a y - b y^2) over y >= 0, in which the likelihood is concave: y is the
distance from the beginning of the tail, or its logarithm. At b = 0 they are an exponential and a
power law.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfcx, log_ndtr

from topolab.metrics.powerlaw.rivals.base import FloatArray, Rival, Tail, log_mass

__all__ = ["LOGNORMAL", "NORMAL"]

# sigma of the lognormal up to 32 and down to 0.001. Wider ones are the power law for every purpose;
# how wide matters only to Vuong's statistic at that rim, which for word frequencies is then CSN's.
_WIDEST, _NARROWEST = 1 / (2 * 32.0**2), 1 / (2 * 0.001**2)


def _between(low: FloatArray, high: FloatArray) -> FloatArray:
    """ln of P(low <= Z < high) for a standard normal Z."""
    return log_mass(log_ndtr(low), log_ndtr(-low), log_ndtr(high), log_ndtr(-high))


def _log_pmf(y: FloatArray, after: FloatArray, end: float, q: FloatArray) -> FloatArray:
    """ln of P(y <= Y < after | 0 <= Y < end), Y with density exp(-a y - b y^2)."""
    falls = q[:, 0] > 0
    out = np.empty((len(q), len(y)))
    out[falls] = _falling(y, after, end, q[falls])
    out[~falls] = _rising(y, after, end, q[~falls])
    return out


def _falling(y: FloatArray, after: FloatArray, end: float, q: FloatArray) -> FloatArray:
    """For a > 0, by survivals relative to each other: near the rim b = 0 no digit is lost."""
    a, b = q[:, :1], q[:, 1:]
    root = np.sqrt(b)  # erfcx has its argument in units of sigma sqrt(2)
    shift = a / (2 * root)

    def log_ratio(low: FloatArray, high: FloatArray) -> FloatArray:
        """ln P(Y >= high) / P(Y >= low)."""
        fall = (high - low) * (a + b * (high + low))
        scaled = np.log(erfcx(high * root + shift) / erfcx(low * root + shift))
        return np.asarray(scaled - fall)

    zero = np.zeros(1)
    out = log_ratio(zero, y) + np.log(-np.expm1(log_ratio(y, after)))
    if math.isfinite(end):
        out = out - np.log(-np.expm1(log_ratio(zero, np.array([end]))))
    return out


def _rising(y: FloatArray, after: FloatArray, end: float, q: FloatArray) -> FloatArray:
    """For a <= 0, where the bell's mode is in the tail or beyond."""
    a, b = q[:, :1], q[:, 1:]
    root = np.sqrt(2 * b)  # 1 / sigma
    shift = a / root  # -mean / sigma
    whole = _between(shift, shift + end * root if math.isfinite(end) else np.full_like(a, np.inf))
    with np.errstate(invalid="ignore"):
        out = _between(y * root + shift, after * root + shift) - whole
    return np.where(np.isfinite(whole) & ~np.isnan(out), out, -np.inf)


def _lognormal(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    first = x_min - 0.5
    return _log_pmf(
        np.log((k - 0.5) / first), np.log((k + 0.5) / first), math.log((x_max + 0.5) / first), q
    )


def _normal(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    # sizes in units of x_min, so that the bound on b means the same everywhere
    return _log_pmf((k - x_min) / x_min, (k + 1 - x_min) / x_min, (x_max + 1 - x_min) / x_min, q)


def _lognormal_starts(tail: Tail) -> list[list[float]]:
    y = np.log(tail.k / (tail.x_min - 0.5))
    mean, sd = tail.mean(y), max(tail.spread(y), 0.02)
    return [
        [-mean / sd**2, 1 / (2 * sd**2)],  # the bell of these moments
        [1 / max(mean, 1e-3), _WIDEST * 2],  # nearly the power law
        [0.5 / max(mean, 1e-3), 1 / (8 * sd**2)],
    ]


def _normal_starts(tail: Tail) -> list[list[float]]:
    y = (tail.k - tail.x_min + 0.5) / tail.x_min
    mean, sd = tail.mean(y), max(tail.spread(y), 0.2 / tail.x_min)
    return [
        [-mean / sd**2, 1 / (2 * sd**2)],
        [1 / mean, 1e-4 / mean**2],  # nearly the exponential
        [0.5 / mean, 1 / (8 * sd**2)],
    ]


def _scales(y: FloatArray, tail: Tail) -> list[float]:
    return [1 / max(tail.spread(y), 1e-6), 1 / max(tail.spread(y * y), 1e-9)]


def _lognormal_parameters(q: FloatArray, x_min: float) -> dict[str, float]:
    variance = 1 / (2 * q[1])
    return {
        "mu": float(math.log(x_min - 0.5) - q[0] * variance),
        "sigma": float(math.sqrt(variance)),
    }


def _normal_parameters(q: FloatArray, x_min: float) -> dict[str, float]:
    variance = x_min**2 / (2 * q[1])
    return {
        "mu": float(x_min - 0.5 - q[0] / x_min * variance),
        "sigma": float(math.sqrt(variance)),
    }


LOGNORMAL = Rival(
    _lognormal,
    _lognormal_starts,
    lambda tail: _scales(np.log(tail.k / (tail.x_min - 0.5)), tail),
    ((-1e7, 100.0), (_WIDEST, _NARROWEST)),
    (("", ""), ("power law", "")),
    _lognormal_parameters,
)
NORMAL = Rival(
    _normal,
    _normal_starts,
    lambda tail: _scales((tail.k - tail.x_min + 0.5) / tail.x_min, tail),
    ((-1e9, 1e6), (1e-7, 1e9)),
    (("", ""), ("exponential", "")),
    _normal_parameters,
)
