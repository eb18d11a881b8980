"""The negative binomial law, C(k + r - 1, k) p^r (1 - p)^k, on the degrees of a tail."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from topolab.metrics.jit import jit
from topolab.metrics.powerlaw.rivals.base import FloatArray, Rival, Tail

__all__ = ["NEGATIVE_BINOMIAL"]

# Terms of a sum at most. A law that needs more is too flat to be told from one without an end.
_TERMS = 1_000_000


@jit
def _log_sum(r: float, log_fail: float, x_min: float, x_max: float) -> float:
    """ln of the sum over x_min ... x_max of all terms, in units of the first.

    A term follows from the one before by (k + r) / (k + 1) (1 - p).
    """
    fail = math.exp(log_fail)
    term = 1.0
    total = 0.0
    scale = 0.0
    k = x_min
    for _ in range(_TERMS):
        total += term
        ratio = (k + r) / (k + 1.0) * fail
        term *= ratio
        k += 1.0
        # What is left is at most a geometric sum: by this ratio, or by its limit if it rises.
        top = max(ratio, fail)
        if k > x_max or (top < 1.0 and term < 1e-17 * total * (1.0 - top)):
            return scale + math.log(total)
        if total > 1e200:
            term *= 1e-200
            total *= 1e-200
            scale += 200.0 * math.log(10.0)
    return math.inf


def _negative_binomial(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    """q = (ln r, ln mean): straight lines lead to a Poisson law and to a logarithmic one."""
    r = np.exp(q[:, :1])
    log_fail = -np.log1p(np.exp(q[:, :1] - q[:, 1:]))  # mean / (mean + r)
    log_z = np.array([_log_sum(a, f, x_min, x_max) for a, f in zip(r[:, 0], log_fail[:, 0],
                      strict=True)])  # fmt: skip
    first = gammaln(x_min + r) - gammaln(x_min + 1)
    terms = gammaln(k + r) - gammaln(k + 1) + (k - x_min) * log_fail - first
    return np.asarray(terms - log_z[:, None])


def _starts(tail: Tail) -> list[list[float]]:
    mean, variance = tail.mean(tail.k), tail.spread(tail.k) ** 2
    r = mean**2 / max(variance - mean, 0.01 * mean)
    fall = 1 / max(mean - tail.x_min, 0.5)  # as a logarithmic law that falls like the tail
    return [
        [math.log(r), math.log(mean)],
        [math.log(0.05), math.log(0.05 / math.expm1(fall))],
        [0.0, math.log(max(mean - tail.x_min, 0.5))],
    ]


NEGATIVE_BINOMIAL = Rival(
    _negative_binomial,
    _starts,
    lambda tail: [1.0, 1.0],
    ((math.log(1e-4), math.log(1e5)), (-40.0, 40.0)),
    (("logarithmic law", "Poisson law"), ("", "")),
    lambda q, x_min: {
        "r": math.exp(q[0]),
        "p": 1 / (1 + math.exp(q[1] - q[0])),
    },
)
