"""Attachment kernels: do neurons with many edges gain more of them, or lose fewer?

Between two successive masks, neurons with k edges gain g_k and lose l_k edge ends. With n_k such
neurons and room for c edges at each, growth that takes no notice of degrees gives a gain with a
chance proportional to n_k (c - k), and random pruning a loss proportional to n_k k: the
`exposure`. A kernel is by how much the events differ from that, known up to scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from topolab.errors import AnalysisError

__all__ = ["Kernel", "Slope", "bins", "block_weights", "exposure", "fit_kernel", "fit_slope"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
# Exponents beyond this are no kernel: all events are at one edge of the degrees.
_LARGEST = 50.0


@dataclass(frozen=True)
class Kernel:
    """A kernel by bins of degree; 1 where events are as many as chance would give.

    Attributes
    ----------
    low, high : ndarray of int64, shape (bins,)
        First and last degree of each bin.
    mean_degree : ndarray
        Mean over the exposure.
    value : ndarray
    value_low, value_high : ndarray
        95 % interval by block bootstrap over time; NaN with fewer than five steps, or where
        nothing was ever exposed.
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


@dataclass(frozen=True)
class Slope:
    """The exponent of a kernel of the form max(k, 1)^gamma.

    Attributes
    ----------
    gamma : float
        0 where degree does not matter beyond room (or, for a loss, edges to lose).
    low, high : float
        95 % interval, by Student's quantile for as many blocks as the steps fall into.
    standard_error : float
        Of the block bootstrap over time, or of the likelihood if that is larger.
    null_error : float
        Standard error of gamma if it is 0, from the Fisher information: with events drawn by
        chance, 95 % of the slopes are within 1.96 of these.
    p_positive, p_negative : float
        One-sided, from gamma over the larger of both errors, by the same Student distribution.
    events : int
    reason : str
    """

    gamma: float
    low: float
    high: float
    standard_error: float
    null_error: float
    p_positive: float
    p_negative: float
    events: int
    reason: str = ""


def exposure(
    degrees: npt.ArrayLike, gained: npt.ArrayLike, lost: npt.ArrayLike, capacity: int, size: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What happened in one step, by degree.

    Parameters
    ----------
    degrees, gained, lost : array_like of int, shape (n,)
        Per neuron its degree before the step, the edges it gained and those it lost.
    capacity : int
        The most edges a neuron can have.
    size : int
        Degrees are counted up to size - 1.

    Returns
    -------
    neurons, gains, losses : ndarray, shape (size,)
        n_k, g_k and l_k.

    Raises
    ------
    AnalysisError
        If a neuron has more edges than there is room for, or loses more than it has.

    Examples
    --------
    >>> [a.tolist() for a in exposure([1, 1, 2], [1, 0, 0], [0, 0, 1], 4, 4)]
    [[0.0, 2.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    """
    k, g, loss = (np.asarray(a, dtype=np.int64) for a in (degrees, gained, lost))
    if k.ndim != 1 or k.shape != g.shape or k.shape != loss.shape:
        raise AnalysisError(
            f"one degree, gain and loss per neuron are needed, got shapes {k.shape}, {g.shape} and "
            f"{loss.shape}"
        )
    if len(k) and (min(k.min(), g.min(), loss.min()) < 0 or k.max() >= size):
        raise AnalysisError(f"degrees must be in 0 ... {size - 1}, gains and losses not below 0")
    if len(k) and (k.max() > capacity or (loss > k).any() or (g > capacity - k).any()):
        raise AnalysisError(
            f"degrees up to {k.max()} with room for {capacity}: a neuron gained or lost more "
            "edges than it could"
        )
    return (
        np.bincount(k, minlength=size).astype(np.float64)[:size],
        np.bincount(k, weights=g, minlength=size).astype(np.float64)[:size],
        np.bincount(k, weights=loss, minlength=size).astype(np.float64)[:size],
    )


def _chance(events: FloatArray, exposed: FloatArray) -> FloatArray:
    """Events that chance gives: each step's total, shared out by exposure; shape (T, K)."""
    total = exposed.sum(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, exposed / total, 0.0)
    return np.asarray(events.sum(1, keepdims=True) * share)


def bins(
    events: FloatArray, exposed: FloatArray, *, ratio: float = 1.25, least: float = 25.0
) -> IntArray:
    """Where bins of degree begin: geometric, and wide enough for `least` events by chance.

    Parameters
    ----------
    events, exposed : ndarray, shape (T, K)
    ratio : float
        Of successive edges.
    least : float

    Returns
    -------
    ndarray of int64
        First degrees, ascending; the last bin goes to the end.

    Examples
    --------
    >>> bins(np.full((1, 8), 10.0), np.ones((1, 8)), ratio=1.5)
    array([0, 3])
    """
    expected = _chance(events, exposed).sum(0)
    size = len(expected)
    edges = [0]
    while edges[-1] < size:
        edges.append(max(edges[-1] + 1, math.ceil(max(edges[-1], 1) * ratio)))
    starts = [0]
    held = 0.0
    for low, high in pairwise(edges):
        held += expected[low : min(high, size)].sum()
        if held >= least and high < size:
            starts.append(high)
            held = 0.0
    if len(starts) > 1 and held < least:
        starts.pop()
    return np.array(starts, dtype=np.int64)


def block_weights(
    steps: int, replicates: int, rng: np.random.Generator, length: int | None = None
) -> FloatArray:
    """How often each step is drawn, by the circular block bootstrap; shape (replicates, steps).

    Parameters
    ----------
    steps, replicates : int
    rng : numpy.random.Generator
    length : int, optional
        Of a block; the cube root of the steps, rounded up, without it.

    References
    ----------
    D. N. Politis, J. P. Romano, "A circular block-resampling procedure for stationary data" (1992).

    Examples
    --------
    >>> block_weights(6, 2, np.random.default_rng(0)).sum(1)
    array([6., 6.])
    """
    size = length or _block_length(steps)
    count = -(-steps // size)
    begin = rng.integers(0, steps, (replicates, count))
    drawn = ((begin[:, :, None] + np.arange(size)) % steps).reshape(replicates, -1)[:, :steps]
    weights = np.zeros((replicates, steps))
    np.add.at(weights, (np.arange(replicates)[:, None], drawn), 1.0)
    return weights


def _block_length(steps: int) -> int:
    return math.ceil(round(math.pow(steps, 1 / 3), 9))


def _shape_checked(events: FloatArray, exposed: FloatArray) -> tuple[FloatArray, FloatArray]:
    e, x = np.asarray(events, dtype=np.float64), np.asarray(exposed, dtype=np.float64)
    finite = np.isfinite(e).all() and np.isfinite(x).all()
    if e.ndim != 2 or e.shape != x.shape or not finite or (e < 0).any() or (x < 0).any():
        raise AnalysisError(
            f"events and exposure must be two arrays (steps, degrees) of numbers not below 0, "
            f"got shapes {e.shape} and {x.shape}"
        )
    if (e[x == 0] > 0).any():
        raise AnalysisError("an event at a degree where nothing is exposed to it")
    return e, x


def fit_kernel(
    events: npt.ArrayLike,
    exposed: npt.ArrayLike,
    *,
    replicates: int = 200,
    seed: int = 0,
    starts: npt.ArrayLike | None = None,
) -> Kernel:
    """The kernel by bins of degree, by maximum likelihood, with intervals.

    a_b = sum_t e_tb / sum_t (E_t x_tb / Z_t), Z_t = sum_b x_tb a_b, iterated to its fixed point:
    the maximum of the multinomial likelihood of the events given each step's total E_t.

    Parameters
    ----------
    events, exposed : array_like, shape (T, K)
        Per step and degree the events, and n_k (c - k) for a gain or n_k k for a loss.
    replicates : int
        Of the block bootstrap.
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
        If the arrays do not fit, or an event happened where nothing was exposed.

    References
    ----------
    H. Jeong, Z. Neda, A.-L. Barabasi, Europhysics Letters 61 (2003); M. E. J. Newman, Physical
    Review E 64 (2001); T. Pham, P. Sheridan, H. Shimodaira, PLOS ONE 10 (2015). They treat
    insertions into growing networks; rewiring with a bounded degree is ours.

    Examples
    --------
    Twice the events per exposure at degree 2:

    >>> kernel = fit_kernel([[40, 80]], [[10, 10]], starts=[0, 1])
    >>> (kernel.value[1] / kernel.value[0]).round(6)
    np.float64(2.0)
    """
    e, x = _shape_checked(np.asarray(events), np.asarray(exposed))
    if not e.sum():
        none: Any = np.zeros(0)
        return Kernel(none.astype(int), none.astype(int), none, none, none, none, none, none)
    first = np.asarray(bins(e, x) if starts is None else starts, dtype=np.int64)
    if not len(first) or first[0] != 0 or (np.diff(first) <= 0).any() or first[-1] >= e.shape[1]:
        raise AnalysisError(
            f"bins must begin at 0, rise and end below {e.shape[1]}: {first.tolist()}"
        )
    degree = np.arange(e.shape[1], dtype=np.float64)
    chance = _chance(e, x)
    by_bin = np.add.reduceat(e, first, axis=1)
    exposed_bin = np.add.reduceat(x, first, axis=1)
    expected = np.add.reduceat(chance.sum(0), first)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_degree = np.add.reduceat(chance.sum(0) * degree, first) / expected
    value = _fixed_point(by_bin, exposed_bin, np.ones((1, len(e))))[0]
    low = high = np.full(len(first), math.nan)
    if len(e) >= 5 and replicates >= 2:
        weights = block_weights(len(e), replicates, np.random.default_rng(seed))
        drawn = _fixed_point(by_bin, exposed_bin, weights)
        low, high = low.copy(), high.copy()
        for b in range(len(first)):
            known = drawn[np.isfinite(drawn[:, b]), b]
            if len(known) >= 2:
                low[b], high[b] = np.quantile(known, [0.025, 0.975])
    return Kernel(
        low=first,
        high=np.append(first[1:] - 1, e.shape[1] - 1),
        mean_degree=mean_degree,
        value=value,
        value_low=low,
        value_high=high,
        events=by_bin.sum(0),
        expected=expected,
    )


def _fixed_point(events: FloatArray, exposed: FloatArray, weights: FloatArray) -> FloatArray:
    """Kernels for several weightings of the steps at once; shape (replicates, bins)."""
    totals = events.sum(1)
    seen = weights @ events
    value = np.ones_like(seen)
    # Chance's share of the events in each bin sets the scale: the mean of a kernel is 1.
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = np.where(
            exposed.sum(1) > 0, totals / np.maximum(exposed.sum(1), 1e-300), 0.0
        )  # fmt: skip
        scale = (weights * chance) @ exposed
        scale /= scale.sum(1, keepdims=True)
        for _ in range(2000):
            z = value @ exposed.T
            under = (weights * np.where(z > 0, totals / z, 0.0)) @ exposed
            new = np.where(under > 0, seen / under, math.nan)
            new /= np.nansum(new * scale, axis=1, keepdims=True)
            change = np.nanmax(np.abs(new - value) / np.maximum(value, 1e-12), initial=0.0)
            value = np.where(np.isnan(new), 0.0, new)
            if change < 1e-10:
                break
    return np.where(scale > 0, value, math.nan)


def fit_slope(
    events: npt.ArrayLike,
    exposed: npt.ArrayLike,
    *,
    replicates: int = 200,
    seed: int = 0,
) -> Slope:
    """The exponent gamma of a kernel max(k, 1)^gamma, by maximum likelihood, with intervals.

    With an exposure of n_k (c - k) it is that of the attachment kernel a(k): 0 for growth at
    random. With n_k alone it is that of the rate (c - k) a(k) of a neuron: 1 for the preferential
    attachment of Barabasi and Albert.

    Parameters
    ----------
    events, exposed : array_like, shape (T, K)
    replicates : int
        Of the block bootstrap over time.
    seed : int

    Returns
    -------
    Slope
        NaN with a reason where there are fewer than ten events, or all at one degree.

    Raises
    ------
    AnalysisError
        If the arrays do not fit.

    Notes
    -----
    Degree 0 counts as 1, as in Pham, Sheridan and Shimodaira (2015).

    Examples
    --------
    >>> exposed = np.array([[0.0, 100, 100, 0, 100]])
    >>> slope = fit_slope(exposed * np.array([0, 1, 2, 3, 4]), exposed)
    >>> round(slope.gamma, 6)
    1.0
    """
    e, x = _shape_checked(np.asarray(events), np.asarray(exposed))
    log_k = np.log(np.maximum(np.arange(e.shape[1]), 1))
    count = round(e.sum())
    nan = math.nan

    def none(reason: str) -> Slope:
        return Slope(nan, nan, nan, nan, nan, nan, nan, count, reason)

    if count < 10:
        return none(f"{count} events are fewer than ten")
    totals = e.sum(1)
    information = _information(x, totals, log_k, 0.0)
    if not information > 1e-9:
        return none("all neurons have the same degree (0 counts as 1)")
    gamma = float(_newton(e, x, log_k, np.ones((1, len(e))))[0])
    if not math.isfinite(gamma):
        return none("no finite exponent: all events are at the edge of the degrees")
    null_error = 1 / math.sqrt(information)
    low = high = error = nan
    freedom = 1.0
    reason = "fewer than five updates: no interval"
    if len(e) >= 5 and replicates >= 2:
        weights = block_weights(len(e), replicates, np.random.default_rng(seed))
        drawn = _newton(e, x, log_k, weights)
        drawn = drawn[np.isfinite(drawn)]
        if len(drawn) >= 2:
            here = _information(x, totals, log_k, gamma)
            by_likelihood = 1 / math.sqrt(here) if here > 1e-12 else 0.0
            error = max(float(drawn.std(ddof=1)), by_likelihood)
            # Few blocks say little about their own spread: Student's quantile, not the normal one.
            freedom = max(1.0, len(e) / _block_length(len(e)) - 1)
            half = float(stdtrit(freedom, 0.975)) * error
            low, high = gamma - half, gamma + half
            reason = ""
    if math.isnan(error):
        return Slope(gamma, low, high, error, null_error, nan, nan, count, reason)
    t = gamma / max(error, null_error)
    return Slope(
        gamma, low, high, error, null_error,
        float(stdtr(freedom, -t)), float(stdtr(freedom, t)), count, reason,
    )  # fmt: skip


def _information(x: FloatArray, totals: FloatArray, log_k: FloatArray, gamma: float) -> float:
    """Fisher information of gamma: each step's events times the variance of ln k among them."""
    x = x * np.exp(gamma * (log_k - (log_k.max() if gamma > 0 else 0.0)))
    z = x.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(z > 0, x @ log_k / z, 0.0)
        square = np.where(z > 0, x @ log_k**2 / z, 0.0)
    return float((totals * np.maximum(square - mean**2, 0.0)).sum())


def _newton(e: FloatArray, x: FloatArray, log_k: FloatArray, weights: FloatArray) -> FloatArray:
    """gamma for several weightings of the steps at once; NaN where it runs away.

    The score falls with gamma: Newton's steps, kept inside a bracket.
    """
    totals = e.sum(1)
    seen = (weights * (e @ log_k)).sum(1)
    gamma = np.zeros(len(weights))
    low, high = np.full(len(weights), -_LARGEST), np.full(len(weights), _LARGEST)
    peak = float(log_k.max())
    done = np.zeros(len(weights), dtype=np.bool_)
    with np.errstate(all="ignore"):
        for _ in range(200):
            scaled = np.exp(gamma[:, None] * (log_k - np.where(gamma > 0, peak, 0.0)[:, None]))
            z = scaled @ x.T
            mean = np.where(z > 0, (scaled * log_k) @ x.T / z, 0.0)
            square = np.where(z > 0, (scaled * log_k**2) @ x.T / z, 0.0)
            score = seen - (weights * totals * mean).sum(1)
            information = (weights * totals * (square - mean**2)).sum(1)
            low = np.where(score > 0, gamma, low)
            high = np.where(score > 0, high, gamma)
            new = gamma + score / information
            inside = (information > 0) & (new > low) & (new < high)
            new = np.where(inside, new, (low + high) / 2)
            done |= np.abs(new - gamma) < 1e-10
            gamma = new
            if done.all():
                break
    return np.where(done & (np.abs(gamma) < _LARGEST - 1), gamma, math.nan)
