"""The gamma law, rounded to the nearest integer: x^(shape - 1) e^(-rate x)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln

from topolab.metrics.powerlaw.rivals.base import FloatArray, Rival, Tail, log_mass

__all__ = ["GAMMA"]

# Twelve nodes give the integral over one degree to 1e-13, also from 1/2 to 3/2; five from here on.
_NEAR, _FAR, _FAR_FROM = (
    np.polynomial.legendre.leggauss(12), np.polynomial.legendre.leggauss(5), 16.0
)  # fmt: skip


def _log_tails(shape: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """ln P(X < x) and ln P(X >= x) at rate 1."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        below, above = np.log(gammainc(shape, x)), np.log(gammaincc(shape, x))
        # Far above the mean the integral is below any float; its continued fraction is not.
        f = np.zeros_like(x)
        for i in range(60, 0, -1):
            f = i * (i - shape) / (x + 2 * i + 1 - shape - f)
        tail = shape * np.log(x) - x - gammaln(shape) - np.log(x + 1 - shape - f)
    return below, np.where((above < -650) & (x > shape + 1), tail, above)


def _gamma(k: FloatArray, q: FloatArray, x_min: float, x_max: float) -> FloatArray:
    shape, rate = q[:, :1], q[:, 1:]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        around = np.empty((len(q), len(k)))
        for (nodes, weights), at in ((_NEAR, k < _FAR_FROM), (_FAR, k >= _FAR_FROM)):
            step = nodes / 2
            inner = (shape - 1)[..., None] * np.log1p(step / k[at, None])
            around[:, at] = np.log(np.exp(inner - rate[..., None] * step) @ (weights / 2))
        mass = (shape - 1) * np.log(k) - rate * k + around
        first = _log_tails(shape, rate * (x_min - 0.5))
        whole = first[1]
        if math.isfinite(x_max):
            whole = log_mass(*first, *_log_tails(shape, rate * (x_max + 0.5)))
        out = mass - (whole + gammaln(shape) - shape * np.log(rate))
    return np.where(np.isfinite(whole) & np.isfinite(out), out, -np.inf)


def _starts(tail: Tail) -> list[list[float]]:
    mean, sd = tail.mean(tail.k), max(tail.spread(tail.k), 0.3)
    return [
        [(mean / sd) ** 2, mean / sd**2],  # of these moments
        [0.1, 0.5 / sd],
        [1.0, 1 / max(mean - tail.x_min, 0.5)],
    ]


GAMMA = Rival(
    _gamma,
    _starts,
    lambda tail: [
        1 / max(tail.spread(np.log(tail.k)), 1e-3),
        1 / max(tail.spread(tail.k), 0.1),
    ],
    ((1e-4, 1e6), (1e-9, 1e4)),
    (("truncated power law", ""), ("power law", "")),
    lambda q, x_min: {"shape": float(q[0]), "rate": float(q[1])},
)
