"""The highest likelihood of a rival: Newton's method from several starts at once.

The parameters are chosen such that the likelihood is concave or nearly so. Derivatives are by
central differences. All points of a round are one array, so that a round costs two evaluations
of numpy however many starts and trial steps there are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from topolab.metrics.powerlaw.rivals.base import FloatArray

__all__ = ["lowest"]

# Half the stencil in units of a parameter's scale: its noise and its bias are both near 1e-9.
_STEP = 1e-4
_ROUNDS = 80
# Steps that are tried: damped ones, and longer ones for a likelihood that levels off.
_DAMPING = np.array([0.0, 0.0, 0.0, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0])
_LENGTH = np.array([1.0, 2.0, 5.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
# Rounds after which only the two best starts go on.
_HEATS = 6


def lowest(
    cost: Callable[[FloatArray], FloatArray], starts: FloatArray, low: FloatArray,
    high: FloatArray, scale: FloatArray,
) -> tuple[FloatArray, float] | None:  # fmt: skip
    """Where a function has its least value within bounds, and that value.

    Parameters
    ----------
    cost : callable
        Of points of shape (m, p); infinite where it is not defined.
    starts : ndarray, shape (s, p)
    low, high, scale : ndarray, shape (p,)
        Bounds, and by how much a parameter has to move until the function notices.

    Returns
    -------
    tuple of ndarray and float, or None
        None if it is infinite at every start.

    Examples
    --------
    >>> bowl = lambda q: ((q - [1.0, 5.0]) ** 2).sum(1)
    >>> ends = np.array([0.0, 0.0]), np.array([4.0, 4.0])
    >>> at, value = lowest(bowl, np.array([[3.0, 1.0]]), *ends, np.ones(2))
    >>> at.round(6).tolist(), round(value, 6)
    ([1.0, 4.0], 1.0)
    """
    q = np.clip(starts, low, high)
    value = cost(q)
    q, value = q[np.isfinite(value)], value[np.isfinite(value)]
    if not len(q):
        return None
    done: list[tuple[float, FloatArray]] = []
    for turn in range(_ROUNDS):
        if turn == _HEATS and len(q) > 2:
            keep = np.argsort(value, kind="stable")[:2]
            q, value = q[keep], value[keep]
        trials = _trials(q, *_derivatives(cost, q, low, high, scale), low, high, scale)
        found = cost(trials.reshape(-1, q.shape[1])).reshape(trials.shape[:2])
        best = np.argmin(found, axis=1)
        rows = np.arange(len(q))
        new, least = trials[rows, best], found[rows, best]
        better = least < value
        gained = value - np.where(better, least, value)
        q, value = np.where(better[:, None], new, q), np.where(better, least, value)
        ended = gained <= 1e-13 * (1.0 + np.abs(value))
        done += [(float(v), p) for v, p in zip(value[ended], q[ended], strict=True)]
        q, value = q[~ended], value[~ended]
        if not len(q):
            break
    done += [(float(v), p) for v, p in zip(value, q, strict=True)]
    least_value, point = min(done, key=lambda pair: pair[0])
    return point, least_value


def _derivatives(
    cost: Callable[[FloatArray], FloatArray], q: FloatArray, low: FloatArray, high: FloatArray,
    scale: FloatArray,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Gradient and Hessian at each point, in units of the scale."""
    m, p = q.shape
    h = _STEP * scale
    centre = np.clip(q, low + h, high - h)  # the stencil stays within bounds
    steps = [np.zeros(p)]
    for i in range(p):
        for j in range(i + 1):
            step = np.zeros(p)
            step[i] += 1.0
            if i != j:
                step[j] += 1.0
            steps += [step, -step]
    # rounding must not carry a point of the stencil over the bound that it touches
    at = np.clip(centre[:, None, :] + np.array(steps) * h, low, high)
    values = cost(at.reshape(-1, p)).reshape(m, len(steps))
    gradient, hessian = np.zeros((m, p)), np.zeros((m, p, p))
    with np.errstate(invalid="ignore"):
        place = 1
        for i in range(p):
            for j in range(i + 1):
                up, down = values[:, place], values[:, place + 1]
                place += 2
                hessian[:, i, j] = (up - 2 * values[:, 0] + down) / _STEP**2
                if i == j:
                    gradient[:, i] = (up - down) / (2 * _STEP)
        for i in range(p):
            for j in range(i):
                mixed = (hessian[:, i, j] - hessian[:, i, i] - hessian[:, j, j]) / 2
                hessian[:, i, j] = hessian[:, j, i] = mixed
        # from the stencil's centre back to the point
        gradient += np.einsum("mij,mj->mi", hessian, (q - centre) / scale)
    return np.nan_to_num(gradient, posinf=0.0, neginf=0.0), np.nan_to_num(
        hessian, posinf=0.0, neginf=0.0
    )


def _trials(
    q: FloatArray, gradient: FloatArray, hessian: FloatArray, low: FloatArray, high: FloatArray,
    scale: FloatArray,
) -> FloatArray:  # fmt: skip
    """Points to try next, shape (m, trials, p)."""
    p = q.shape[1]
    # A parameter at its bound that would leave it stays; the others move as if it were fixed.
    held = ((q <= low) & (gradient > 0)) | ((q >= high) & (gradient < 0))
    gradient = np.where(held, 0.0, gradient)
    hessian = np.where(held[:, :, None] | held[:, None, :], np.eye(p), hessian)
    curve, axes = np.linalg.eigh(hessian)
    along = np.einsum("mji,mj->mi", axes, gradient)
    size = np.abs(curve).max(1)[:, None] + 1e-300
    curve = np.maximum(np.abs(curve), 1e-9 * size)  # downhill also where it is not convex
    damped = curve[:, None, :] + _DAMPING[:, None] * size[:, None, :]
    step = -_LENGTH[:, None] * along[:, None, :] / damped
    moves = np.einsum("mij,mtj->mti", axes, step) * scale
    return np.asarray(np.clip(q[:, None, :] + moves, low, high))
