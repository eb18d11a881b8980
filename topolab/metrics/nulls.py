"""Random networks to hold a wiring against: the same degrees rewired, or only the same size."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.errors import AnalysisError
from topolab.metrics.jit import jit

__all__ = ["assortativity", "random_rewiring", "rewired", "uniform", "z_score"]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@jit
def _swap(ends: npt.NDArray[np.uint32], there: BoolArray, pairs: IntArray) -> None:
    """Exchange the columns of pairs of edges wherever that makes no edge twice.

    An edge is a row of `ends`: its row and its column, side by side, so that both come at once.
    (They are unsigned so that compiled code need not ask whether one counts from the end.)
    """
    for i in range(pairs.shape[0]):
        a = pairs[i, 0]
        b = pairs[i, 1]
        row_a = ends[a, 0]
        row_b = ends[b, 0]
        col_a = ends[a, 1]
        col_b = ends[b, 1]
        if row_a == row_b or col_a == col_b:
            continue
        if there[row_a, col_b] or there[row_b, col_a]:
            continue
        there[row_a, col_a] = False
        there[row_b, col_b] = False
        there[row_a, col_b] = True
        there[row_b, col_a] = True
        ends[a, 1] = col_b
        ends[b, 1] = col_a


def _ends(block: sp.csr_array) -> tuple[IntArray, IntArray]:
    """Row and column of every edge; a stored 0 is none."""
    coo = block.tocoo()
    some = coo.data != 0
    return coo.row[some].astype(np.int64), coo.col[some].astype(np.int64)


def rewired(
    block: sp.csr_array, rng: np.random.Generator, swaps_per_edge: float = 10.0
) -> tuple[sp.csr_array, float]:
    """A layer of the same fan-ins and fan-outs, otherwise at random.

    Two edges at a time exchange their sources, as often as asked, wherever no edge results twice.

    Parameters
    ----------
    block : csr_array, shape (n_out, n_in)
    rng : numpy.random.Generator
    swaps_per_edge : float
        Attempts.

    Returns
    -------
    block : csr_array of float64
    moved : float
        Share of the edges that are not where they were. 0 where none could move, as in a layer
        that is dense.

    References
    ----------
    R. Milo et al., "On the uniform generation of random graphs with prescribed degree sequences"
    (2003).

    Examples
    --------
    >>> layer = sp.csr_array(np.eye(4))
    >>> other, moved = rewired(layer, np.random.default_rng(0))
    >>> other.sum(0).tolist(), other.sum(1).tolist(), moved > 0
    ([1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0], True)
    """
    if not 0 < swaps_per_edge < math.inf:
        raise AnalysisError(f"swaps_per_edge = {swaps_per_edge} must be above 0")
    there = np.zeros(block.shape, dtype=np.bool_)
    begin = _ends(block)
    there[begin] = True
    edges = len(begin[0])
    if edges > 1:
        ends = np.stack(begin, axis=1).astype(np.uint32)
        left = math.ceil(swaps_per_edge * edges)
        while left > 0:
            some = min(left, 2**15)
            _swap(ends, there, rng.integers(0, edges, (some, 2)))
            left -= some
    moved = (edges - int(there[begin].sum())) / edges if edges else 0.0
    return _block_at(np.flatnonzero(there), block.shape), moved


def _block_at(places: IntArray, shape: tuple[int, int]) -> sp.csr_array:
    """A block of ones at these places, which are row-major and ascending."""
    rows, cols = np.divmod(places, shape[1])
    indptr = np.zeros(shape[0] + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=indptr[1:])
    dtype = np.int32 if max(len(places), *shape) < 2**31 else np.int64
    out = sp.csr_array(
        (np.ones(len(places)), cols.astype(dtype), indptr.astype(dtype)), shape=shape
    )
    out.has_canonical_format = True
    return out


def uniform(block: sp.csr_array, rng: np.random.Generator) -> sp.csr_array:
    """A layer of as many edges at places chosen uniformly.

    Examples
    --------
    >>> uniform(sp.csr_array(np.eye(4)), np.random.default_rng(0)).nnz
    4
    """
    n_out, n_in = block.shape
    chosen = rng.choice(n_out * n_in, block.count_nonzero(), replace=False, shuffle=False)
    return _block_at(np.sort(chosen), block.shape)


def assortativity(block: sp.csr_array) -> float:
    """Correlation, over the edges, of the fan-in at one end and the fan-out at the other.

    Returns
    -------
    float
        NaN without edges, or where all ends of one side have the same degree.

    References
    ----------
    M. E. J. Newman, "Assortative mixing in networks", Physical Review Letters 89 (2002).

    Examples
    --------
    A hub on each side, each with the other side's specialists:

    >>> assortativity(sp.csr_array(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]]))).__round__(6)
    -1.0
    """
    rows, cols = _ends(block)
    if not len(rows):
        return math.nan
    fan_in = np.bincount(rows, minlength=block.shape[0])[rows]
    fan_out = np.bincount(cols, minlength=block.shape[1])[cols]
    if fan_in.min() == fan_in.max() or fan_out.min() == fan_out.max():
        return math.nan
    return float(np.corrcoef(fan_in, fan_out)[0, 1])


def z_score(observed: float, drawn: npt.ArrayLike) -> tuple[float, float, float, str]:
    """How far a value lies from what random networks give.

    Returns
    -------
    mean, std, z : float
        Of the random networks (sample standard deviation), and the distance in those.
    reason : str
        Why z is NaN; empty where it is not.

    Examples
    --------
    >>> z_score(3.0, [1.0, 2.0, 0.0])
    (1.0, 1.0, 2.0, '')
    """
    values = np.asarray(drawn, dtype=np.float64)
    if not math.isfinite(observed):
        return math.nan, math.nan, math.nan, "the network itself has no value"
    if len(values) < 2 or not np.isfinite(values).all():
        return math.nan, math.nan, math.nan, "not every random network has a value"
    mean, std = float(values.mean()), float(values.std(ddof=1))
    if std <= 1e-9 * max(1.0, abs(mean)):
        return mean, std, math.nan, "every random network has the same value"
    return mean, std, (observed - mean) / std, ""


@jit
def _next(state: npt.NDArray[np.uint64]) -> np.uint64:
    """SplitMix64 (Steele, Lea, Flood 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint64(z ^ (z >> np.uint64(31)))


@jit
def _below(state: npt.NDArray[np.uint64], n: int) -> int:
    """A whole number in [0, n), n < 2^32; the bias is n / 2^64 of nothing that matters here."""
    return int(((_next(state) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@jit
def _rewire_at_random(
    places: IntArray, active: int, lost: IntArray, gained: IntArray, degrees: IntArray,
    state: npt.NDArray[np.uint64],
) -> None:  # fmt: skip
    """Drop and grow at random; `places` names the neuron of each place, the active ones first."""
    size = len(places)
    e = active
    for t in range(len(lost)):
        drop = lost[t]
        grow = gained[t]
        for i in range(drop):  # chosen ones to the end of the active places
            at = _below(state, e - i)
            last = e - 1 - i
            held = places[at]
            places[at] = places[last]
            places[last] = held
            degrees[held] -= 1
        for i in range(grow):  # chosen ones to the beginning of the free places
            at = e + i + _below(state, size - e - i)
            held = places[at]
            places[at] = places[e + i]
            places[e + i] = held
            degrees[held] += 1
        # dropped are at [e - drop, e), grown at [e, e + grow): the grown come first
        start = e - drop
        end = e + grow
        for i in range(min(drop, grow)):
            held = places[start + i]
            places[start + i] = places[end - 1 - i]
            places[end - 1 - i] = held
        e = start + grow


def random_rewiring(
    degrees: npt.ArrayLike,
    capacity: int,
    lost: npt.ArrayLike,
    gained: npt.ArrayLike,
    *,
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
    replicates : int
    seed : int

    Returns
    -------
    ndarray of int64, shape (replicates, n)

    Raises
    ------
    AnalysisError
        If a degree is above the capacity, there is no replicate, or an update drops or grows what
        is not there.

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
    neurons = np.arange(len(k), dtype=np.int64)
    filled = np.concatenate([np.repeat(neurons, k), np.repeat(neurons, capacity - k)])
    out = np.empty((replicates, len(k)), dtype=np.int64)
    states = np.random.SeedSequence(seed).generate_state(replicates, np.uint64).astype(np.uint64)
    for r in range(replicates):
        out[r] = k
        _rewire_at_random(filled.copy(), int(k.sum()), drop, grow, out[r], states[r : r + 1].copy())
    return out
