"""Exponential and stretched exponential: a geometric law and a discrete Weibull law."""

from __future__ import annotations

import math

import numpy as np

from topolab.metrics.powerlaw.rivals.base import FloatArray, Rival, Tail, log_difference

__all__ = ["EXPONENTIAL", "STRETCHED_EXPONENTIAL"]

_LEAST = 1e-300  # a rate of 0, which is equal shares, without a logarithm of 0


def _exponential(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    rate = np.maximum(q, _LEAST)
    out = -rate * (k - x_min) + np.log(-np.expm1(-rate))
    return out - np.log(-np.expm1(-rate * (x_max - x_min + 1))) if math.isfinite(x_max) else out


def _stretched(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    """P(K >= k) = exp(-(k / tau)^beta), as exp(-u ((k / x_min)^beta - 1) / beta).

    u = beta (x_min / tau)^beta is how fast ln P falls with ln k at x_min: at beta = 0 the exponent
    of a power law.
    """
    log_u, beta = q[:, :1], q[:, 1:]

    def log_survival(v: FloatArray) -> FloatArray:
        y = np.log(v / x_min)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            grown = np.where(beta > 1e-12, np.expm1(beta * y) / beta, y)
            # a product of 0 and infinity is what the logarithms say
            out = -np.exp(np.minimum(log_u + np.log(grown), 690.0))
        return np.where(y > 0, out, 0.0)

    out = log_difference(log_survival(k), log_survival(k + 1))
    if math.isfinite(x_max):
        whole = log_difference(np.zeros_like(beta), log_survival(np.array([x_max + 1.0])))
        out = out - np.where(np.isfinite(whole), whole, np.inf)  # no mass at all: no law
    return np.where(np.isnan(out), -np.inf, out)


def _starts_stretched(tail: Tail) -> list[list[float]]:
    mean = tail.mean(tail.k)
    slope = max(tail.alpha - 1.0, 0.05)
    spread = max(tail.spread(tail.k) / mean, 1e-3)
    beta = min(spread**-1.086, 1000.0)  # of a Weibull law of this spread
    log_tau = math.log(mean) - math.lgamma(1 + 1 / beta)
    return [
        [-math.log(max(mean / tail.x_min - 1, 1e-3)), 1.0],
        [math.log(beta) + beta * (math.log(tail.x_min) - log_tau), beta],
        [math.log(slope), 0.0],
        [math.log(slope), 0.3],
    ]


EXPONENTIAL = Rival(
    _exponential,
    lambda tail: [[math.log1p(1 / max(tail.mean(tail.k) - tail.x_min, 1e-9))]],
    lambda tail: [1 / max(tail.spread(tail.k), 0.1)],
    ((0.0, 400.0),),
    (("equal shares", ""),),
    lambda q, x_min: {"rate": float(q[0])},
)
STRETCHED_EXPONENTIAL = Rival(
    _stretched,
    _starts_stretched,
    lambda tail: [1.0, 1 / max(tail.spread(np.log(tail.k)), 1e-3)],
    ((-6000.0, 40.0), (0.0, 2000.0)),
    (("", ""), ("power law", "")),
    lambda q, x_min: {
        "log_tau": float(math.log(x_min) - (q[0] - math.log(q[1])) / q[1]) if q[1] else math.inf,
        "beta": float(q[1]),
    },
)
