"""Counts by degree: what happened to neurons of k edges, and the bins that they fall into."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError

__all__ = ["bins", "chance", "check_counts", "exposure", "number_updates"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


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


def chance(events: FloatArray, places: FloatArray) -> FloatArray:
    """Events that chance gives: each row's total, shared out by places; shape (rows, K)."""
    total = places.sum(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(total > 0, places / total, 0.0)
    return np.asarray(events.sum(1, keepdims=True) * share)


def bins(
    events: FloatArray, places: FloatArray, *, ratio: float = 1.25, least: float = 25.0
) -> IntArray:
    """Where bins of degree begin: geometric, and wide enough for `least` events by chance.

    Parameters
    ----------
    events, places : ndarray, shape (rows, K)
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
    expected = chance(events, places).sum(0)
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


def check_counts(
    events: npt.ArrayLike, places: npt.ArrayLike, *, several: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Both as arrays, if they can be counts of draws and of what was there to draw.

    Raises
    ------
    AnalysisError
        If they do not fit, or more was drawn than there was; if `several` is set, a neuron may
        have any number of events.
    """
    e, p = np.asarray(events, dtype=np.float64), np.asarray(places, dtype=np.float64)
    finite = np.isfinite(e).all() and np.isfinite(p).all()
    if e.ndim != 2 or e.shape != p.shape or not finite or (e < 0).any() or (p < 0).any():
        raise AnalysisError(
            "events and places must be two arrays (updates, degrees) of numbers not below 0, "
            f"got shapes {e.shape} and {p.shape}"
        )
    if (e[p == 0] > 0).any():
        raise AnalysisError("an event at a degree where there was no place for it")
    if not several and (e > p).any():
        raise AnalysisError("more events than places at a degree: each place is drawn once at most")
    return e, p


def number_updates(update: npt.ArrayLike | None, rows: int) -> npt.NDArray[np.intp]:
    """The updates that rows belong to, numbered in order; each its own without any.

    Raises
    ------
    AnalysisError
        If there is not one for each row.

    Examples
    --------
    >>> number_updates([7, 7, 9], 3).tolist(), number_updates(None, 2).tolist()
    ([0, 0, 1], [0, 1])
    """
    if update is None:
        return np.arange(rows)
    given = np.asarray(update)
    if given.shape != (rows,):
        raise AnalysisError(f"one update for each of {rows} rows is needed, got {given.shape}")
    return np.unique(given, return_inverse=True)[1].reshape(-1)
