"""A kernel by bins of degree: what it looks like where no power of the degree is assumed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError
from topolab.metrics.attachment.blocks import block_weights
from topolab.metrics.attachment.counts import bins, chance, check_counts, number_updates
from topolab.metrics.attachment.draws import drawn_once

__all__ = ["Kernel", "fit_kernel"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
#: Events that are expected at most where none was seen, 39 of 40 times.
_NONE_SEEN = -math.log(0.025)


@dataclass(frozen=True)
class Kernel:
    """A kernel by bins of degree; 1 where events are as many as chance would give.

    Attributes
    ----------
    low, high : ndarray of int64, shape (bins,)
        First and last degree of each bin.
    mean_degree : ndarray
        Mean over the places.
    value : ndarray
        Hazards of a place, in units of their mean by chance.
    value_low, value_high : ndarray
        95 % interval by block bootstrap over updates; NaN with fewer than five of them, or where
        there never was a place.
    events, expected : ndarray
        Events seen, and those that chance would give.
    """

    low: IntArray
    high: IntArray
    mean_degree: FloatArray
    value: FloatArray
    value_low: FloatArray
    value_high: FloatArray
    events: FloatArray
    expected: FloatArray


def fit_kernel(
    events: npt.ArrayLike,
    places: npt.ArrayLike,
    *,
    update: npt.ArrayLike | None = None,
    replicates: int = 200,
    seed: int = 0,
    starts: npt.ArrayLike | None = None,
) -> Kernel:
    """The kernel by bins of degree, by maximum likelihood, with intervals.

    Of the places in bin b an update takes each with probability 1 - exp(-tau a_b), as in
    `fit_slope`; a_b is known up to scale.

    Parameters
    ----------
    events, places : array_like, shape (rows, K)
        By degree 0 ... K - 1 what was drawn and what there was to draw.
    update : array_like, shape (rows,), optional
        The update that a row belongs to; each row its own without it.
    replicates : int
        Of the block bootstrap over updates, each one Newton step from the optimum.
    seed : int
    starts : array_like of int, optional
        First degrees of the bins; `bins` chooses without it.

    Returns
    -------
    Kernel
        Of no bins where there are no events.

    Raises
    ------
    AnalysisError
        If the arrays do not fit, or more was drawn than there was.

    References
    ----------
    H. Jeong, Z. Neda, A.-L. Barabasi, Europhysics Letters 61 (2003); M. E. J. Newman, Physical
    Review E 64 (2001); T. Pham, P. Sheridan, H. Shimodaira, PLOS ONE 10 (2015). They treat
    insertions into growing networks; rewiring with a bounded degree is ours.

    Examples
    --------
    Twice the hazard at degree 2:

    >>> places = np.array([[1000, 1000]])
    >>> kernel = fit_kernel(places * (1 - np.exp([-0.1, -0.2])), places, starts=[0, 1])
    >>> (kernel.value[1] / kernel.value[0]).round(6)
    np.float64(2.0)
    """
    e, p = check_counts(events, places)
    number = number_updates(update, len(e))
    if not e.sum():
        none: Any = np.zeros(0)
        return Kernel(none.astype(int), none.astype(int), none, none, none, none, none, none)
    first = np.asarray(bins(e, p) if starts is None else starts, dtype=np.int64)
    if not len(first) or first[0] != 0 or (np.diff(first) <= 0).any() or first[-1] >= e.shape[1]:
        raise AnalysisError(
            f"bins must begin at 0, rise and end below {e.shape[1]}: {first.tolist()}"
        )
    degree = np.arange(e.shape[1], dtype=np.float64)
    expected = chance(e, p)
    by_bin, in_bin = np.add.reduceat(e, first, axis=1), np.add.reduceat(p, first, axis=1)
    by_chance = np.add.reduceat(expected, first, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = by_chance.sum(0)
        mean_degree = np.add.reduceat(expected.sum(0) * degree, first) / total
    value, low, high = _values(by_bin, in_bin, by_chance, number, replicates, seed)
    return Kernel(
        low=first,
        high=np.append(first[1:] - 1, e.shape[1] - 1),
        mean_degree=mean_degree,
        value=value,
        value_low=low,
        value_high=high,
        events=by_bin.sum(0),
        expected=total,
    )


def _values(
    events: FloatArray,
    places: FloatArray,
    by_chance: FloatArray,
    number: npt.NDArray[np.intp],
    replicates: int,
    seed: int,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Values of the bins and their intervals: 0 where nothing happened, NaN without a place."""
    total = by_chance.sum(0)
    value = np.where(total > 0, 0.0, math.nan)
    rows = events.sum(1) > 0
    fitted = (events.sum(0) > 0) & (events.sum(0) < places[rows].sum(0))
    value[(events.sum(0) > 0) & ~fitted] = math.nan  # all taken: no hazard is high enough
    rows &= (events[:, fitted].sum(1) > 0) & (
        events[:, fitted].sum(1) < places[:, fitted].sum(1)
    )  # fmt: skip
    low = high = np.full(len(value), math.nan)
    if not rows.any():
        return np.full(len(value), math.nan), low, high
    log_value, slope, bend = _newton(events[rows][:, fitted], places[rows][:, fitted])
    weight = total[fitted] / total.sum()
    scale = float((np.exp(log_value) * weight).sum())
    value[fitted] = np.exp(log_value) / scale
    updates = len(np.unique(number[rows]))
    if updates < 5 or replicates < 2:
        return value, low, high
    low, high = np.where(total > 0, 0.0, math.nan), np.full(len(value), math.nan)
    unseen = (total > 0) & (events.sum(0) == 0)
    high[unseen] = _NONE_SEEN / total[unseen]
    at = np.unique(number[rows], return_inverse=True)[1].reshape(-1)
    weights = block_weights(updates, replicates, np.random.default_rng(seed))
    steps = _steps(slope, bend, weights[:, at])
    drawn = np.exp(log_value + steps)
    shares = weights[:, at] @ by_chance[rows][:, fitted]
    drawn /= (drawn * shares).sum(1, keepdims=True) / (weights[:, at] @ by_chance[rows]).sum(
        1, keepdims=True
    )  # fmt: skip
    low[fitted], high[fitted] = np.quantile(drawn, [0.025, 0.975], axis=0)
    low[np.isnan(value)] = high[np.isnan(value)] = math.nan
    return value, low, high


def _newton(events: FloatArray, places: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logarithms of the values and, at the optimum, slope and curvature by row and bin."""
    log_tau = np.log(events.sum(1) / places.sum(1))
    log_value = np.zeros(events.shape[1])

    def look(log_tau: FloatArray, log_value: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        found = drawn_once(events, places, log_tau[:, None] + log_value)
        return float(found[0].sum()), found[1], found[2]

    best, slope, bend = look(log_tau, log_value)
    for _ in range(200):
        by_row = np.maximum(bend.sum(1), 1e-300)
        pull = slope.sum(1)
        matrix = np.diag(bend.sum(0)) - (bend / by_row[:, None]).T @ bend
        step = np.linalg.lstsq(matrix, slope.sum(0) - bend.T @ (pull / by_row), rcond=1e-12)[0]
        step = np.clip(step - step.mean(), -3.0, 3.0)
        others = np.clip((pull - bend @ step) / by_row, -3.0, 3.0)
        for _ in range(40):
            new = look(log_tau + others, log_value + step)
            if new[0] >= best - 1e-12 * abs(best):
                break
            step, others = step / 2, others / 2
        log_tau, log_value = log_tau + others, log_value + step
        best, slope, bend = new
        if max(np.abs(step).max(), np.abs(others).max()) < 1e-9:
            break
    return log_value, slope, bend


def _steps(slope: FloatArray, bend: FloatArray, weights: FloatArray) -> FloatArray:
    """One Newton step of the values for every weighting of the rows; shape (replicates, bins)."""
    by_row = np.maximum(bend.sum(1), 1e-300)
    size = bend.shape[1]
    crossed = bend[:, :, None] * (bend / by_row[:, None])[:, None, :]
    matrix = -np.tensordot(weights, crossed, 1)
    matrix[:, np.arange(size), np.arange(size)] += weights @ bend
    # Values are known up to scale: this fixes it, and leaves the rest of the step as it is.
    matrix += bend.sum() / size**2
    matrix[:, np.arange(size), np.arange(size)] += 1e-9 * bend.sum() / size
    return np.clip(np.linalg.solve(matrix, (weights @ slope)[:, :, None])[:, :, 0], -3.0, 3.0)
