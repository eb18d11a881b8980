"""The negative binomial law, C(k + r - 1, k) p^r (1 - p)^k, on the degrees of a tail."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from topolab.metrics.jit import jit
from topolab.metrics.powerlaw.rivals.base import FloatArray, Rival, Tail

__all__ = ["NEGATIVE_BINOMIAL"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(160)
# Terms that are summed one by one where the rest only falls, and at most: a bell among larger
# degrees than that has no sum here.
_FIRST, _TERMS = 512, 400_000


@jit
def _log_sum(
    r: float, log_fail: float, x_min: float, x_max: float, nodes: FloatArray, weights: FloatArray
) -> float:
    """ln of the sum over x_min ... x_max of all terms, in units of the first.

    A term follows from the one before by (k + r) / (k + 1) (1 - p). Where terms only fall, the
    rest is by Euler-Maclaurin with the integral in u = ln k.
    """
    fail = math.exp(log_fail)
    term = 1.0
    total = 0.0
    scale = 0.0
    k = x_min
    for i in range(_TERMS):
        if i == _FIRST and r <= 1.0:
            break
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
    if r > 1.0 or (log_fail >= 0.0 and math.isinf(x_max)):
        return math.inf
    far = min(x_max + 1.0, k - 60.0 / log_fail) if log_fail < 0.0 else x_max + 1.0
    base = math.log(term) - (math.lgamma(k + r) - math.lgamma(k + 1.0) + k * log_fail)
    half = math.log(far / k) / 2
    for i in range(len(nodes)):
        u = math.log(k) + half * (nodes[i] + 1.0)
        t = math.exp(u)
        total += half * weights[i] * math.exp(
            u + base + math.lgamma(t + r) - math.lgamma(t + 1.0) + t * log_fail
        )  # fmt: skip
    for end in (k, far):
        if end == far and far <= x_max:
            continue
        sign = 1.0 if end == k else -1.0
        at = math.exp(base + math.lgamma(end + r) - math.lgamma(end + 1.0) + end * log_fail)
        slope = math.log((end - 0.5 + r) / (end + 0.5)) + log_fail
        total += sign * at * (0.5 - slope / 12)
    return scale + math.log(total)


def _negative_binomial(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    """q = (w, ln(mean / w)) with w = r / (1 + r): smooth at both ends.

    At w = 0 it is a logarithmic law, at w = 1 a Poisson law.
    """
    w, odds = q[:, :1], np.exp(q[:, 1:]) * (1 - q[:, :1])  # (1 - p) / p
    r, log_fail = w / (1 - w), -np.log1p(1 / odds)
    log_z = [
        _log_sum(a, f, x_min, x_max, _NODES, _WEIGHTS)
        for a, f in zip(r[:, 0], log_fail[:, 0], strict=True)
    ]
    first = gammaln(x_min + r) - gammaln(x_min + 1)
    terms = gammaln(k + r) - gammaln(k + 1) + (k - x_min) * log_fail - first
    return np.asarray(terms - np.array(log_z)[:, None])


def _starts(tail: Tail) -> list[list[float]]:
    mean, variance = tail.mean(tail.k), tail.spread(tail.k) ** 2
    r = mean**2 / max(variance - mean, 0.01 * mean)
    fall = 1 / max(mean - tail.x_min, 0.5)  # of a logarithmic law that falls like the tail
    excess = max(mean - tail.x_min, 0.5)
    return [
        [r / (1 + r), math.log(mean * (1 + r) / r)],
        [0.05, math.log(0.95 / math.expm1(fall)) - 2 * math.log(0.95)],
        [0.5, math.log(2 * excess)],
    ]


NEGATIVE_BINOMIAL = Rival(
    _negative_binomial,
    _starts,
    lambda tail: [1 / math.sqrt(tail.mean(tail.k)), 1.0],
    ((0.0, 1 - 1e-5), (-40.0, 40.0)),
    (("logarithmic law", "Poisson law"), ("", "")),
    lambda q, x_min: {
        "r": float(q[0] / (1 - q[0])),
        "p": float(1 / (1 + math.exp(q[1]) * (1 - q[0]))),
    },
)
