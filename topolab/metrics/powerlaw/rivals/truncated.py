"""The truncated power law, k^-alpha e^(-rate k), alpha >= 0 and rate >= 0.

A power law with a cut-off falls everywhere. With alpha below 0 the same formula is a bell, which
can win against a power law without being a kin of it; that one is called `gamma` here.
"""

from __future__ import annotations

import math

import numpy as np

from topolab.metrics.jit import jit
from topolab.metrics.powerlaw.rivals.base import FloatArray, Rival, Tail

__all__ = ["TRUNCATED_POWER_LAW"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(160)
# Terms that are summed one by one; beyond them the sum is nearly an integral.
_TERMS = 256.0


@jit
def _log_lerch(
    alpha: float, rate: float, x_min: float, x_max: float, nodes: FloatArray, weights: FloatArray
) -> float:
    """ln sum_{k = x_min}^{x_max} (k / x_min)^-alpha e^(-rate (k - x_min)).

    Term by term at first, the rest by Euler-Maclaurin with the integral in u = ln k.
    """
    edge = min(x_min + _TERMS, x_max + 1.0)
    total = 0.0
    k = x_min
    while k < edge:
        total += math.exp(-alpha * math.log(k / x_min) - rate * (k - x_min))
        k += 1.0
    if edge > x_max:
        return math.log(total)
    # Beyond `far` either factor has fallen below rounding.
    far = math.inf if rate <= 0 else edge + 60.0 / rate
    if alpha > 1:
        far = min(far, edge * math.exp(min(60.0 / (alpha - 1.0), 690.0)))
    far = min(far, x_max + 1.0)
    if math.isinf(far):
        return math.inf  # no law
    half = math.log(far / edge) / 2
    integral = 0.0
    for i in range(len(nodes)):
        u = math.log(edge) + half * (nodes[i] + 1.0)
        t = math.exp(u)
        integral += weights[i] * math.exp(u - alpha * math.log(t / x_min) - rate * (t - x_min))
    total += half * integral
    for end in (edge, far):
        if end == far and far <= x_max:
            continue
        sign = 1.0 if end == edge else -1.0
        at = math.exp(-alpha * math.log(end / x_min) - rate * (end - x_min))
        total += sign * (at / 2 + (alpha / end + rate) * at / 12)
    return math.log(total)


def _truncated(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    log_z = np.array([_log_lerch(a, r, x_min, x_max, _NODES, _WEIGHTS) for a, r in q])
    terms = -q[:, :1] * np.log(k / x_min) - q[:, 1:] * (k - x_min)
    return np.asarray(terms - log_z[:, None])


def _starts(tail: Tail) -> list[list[float]]:
    rate = 1 / max(tail.mean(tail.k) - tail.x_min, 0.5)
    return [
        [tail.alpha, 0.0],
        [max(tail.alpha - 1, 0.5), 0.1 * rate],
        [0.0, rate],
    ]


TRUNCATED_POWER_LAW = Rival(
    _truncated,
    _starts,
    lambda tail: [
        1 / max(tail.spread(np.log(tail.k)), 1e-3),
        1 / max(tail.spread(tail.k), 0.1),
    ],
    ((0.0, 1000.0), (0.0, 50.0)),
    (("exponential", ""), ("power law", "")),
    lambda q, x_min: {"alpha": float(q[0]), "rate": float(q[1])},
    nested=True,
)
