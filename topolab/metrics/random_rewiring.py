"""Degrees after a training that drops and grows anywhere: what chance alone makes of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError
from topolab.metrics.hypergeometric import hypergeometric
from topolab.metrics.jit import jit
from topolab.metrics.splitmix import State

__all__ = ["random_rewiring"]

IntArray = npt.NDArray[np.int64]


@jit
def _rewire(
    degrees: IntArray, capacity: int, edges: int, places: int, lost: IntArray, gained: IntArray,
    state: State,
) -> None:  # fmt: skip
    """Drop and grow at random; `degrees` are of some neurons, `edges` and `places` of all.

    Which edges of a neuron go makes no difference to its degree, so that numbers are drawn, one
    neuron after the other out of what the others before it have left.
    """
    for t in range(len(lost)):
        held = edges
        free = places - edges
        drop = lost[t]
        grow = gained[t]
        for i in range(len(degrees)):
            k = degrees[i]
            room = capacity - k
            dropped = hypergeometric(k, held, drop, state)
            grown = hypergeometric(room, free, grow, state)
            held -= k
            drop -= dropped
            free -= room
            grow -= grown
            degrees[i] = k - dropped + grown
        edges += gained[t] - lost[t]


def random_rewiring(
    degrees: npt.ArrayLike,
    capacity: int,
    lost: npt.ArrayLike,
    gained: npt.ArrayLike,
    *,
    neurons: npt.ArrayLike | None = None,
    replicates: int = 100,
    seed: int = 0,
) -> IntArray:
    """Degrees after a training that dropped and grew as many edges, but anywhere.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
        At the start.
    capacity : int
        The most edges a neuron can have.
    lost, gained : array_like of int, shape (T,)
        Edges dropped and grown in each update, over all neurons. An update drops among the edges
        that are there and grows among the places that were free before it.
    neurons : array_like of int, shape (m,), optional
        Follow only these, by position: the less work. All without it.
    replicates : int
    seed : int

    Returns
    -------
    ndarray of int64, shape (replicates, n) or (replicates, m)

    Raises
    ------
    AnalysisError
        If a degree is above the capacity, there is no replicate, an update drops or grows what is
        not there, or a neuron that is followed is not there or named twice.

    Examples
    --------
    >>> after = random_rewiring([0, 8], 8, [2] * 50, [2] * 50, replicates=200)
    >>> set(after.sum(1).tolist()), bool(abs(after[:, 0].mean() - 4) < 0.5)
    ({8}, True)
    """
    k = np.asarray(degrees, dtype=np.int64)
    if replicates < 1 or (len(k) and (k.max() > capacity or k.min() < 0)):
        raise AnalysisError(
            f"degrees must be in 0 ... {capacity} and replicates at least 1 for a random rewiring"
        )
    drop, grow = np.asarray(lost, dtype=np.int64), np.asarray(gained, dtype=np.int64)
    if drop.ndim != 1 or drop.shape != grow.shape:
        raise AnalysisError(
            f"as many losses as gains are needed, got shapes {drop.shape} and {grow.shape}"
        )
    held = int(k.sum()) + np.concatenate([[0], np.cumsum(grow - drop)])[:-1]
    room = len(k) * capacity - held
    if (np.minimum(drop, grow) < 0).any() or (drop > held).any() or (grow > room).any():
        raise AnalysisError("an update drops more edges than there are, or grows more than fit")
    at = np.arange(len(k)) if neurons is None else np.asarray(neurons, dtype=np.int64)
    if len(np.unique(at)) < len(at) or (len(at) and not 0 <= at.min() <= at.max() < len(k)):
        raise AnalysisError(f"neurons must be different positions in 0 ... {len(k) - 1}")
    out = np.repeat(k[None, at], replicates, axis=0)
    states = np.random.SeedSequence(seed).generate_state(replicates, np.uint64).astype(np.uint64)
    for r in range(replicates):
        state = states[r : r + 1].copy()
        _rewire(out[r], capacity, int(k.sum()), len(k) * capacity, drop, grow, state)
    return out
