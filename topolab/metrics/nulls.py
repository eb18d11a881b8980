"""Random networks to hold a wiring against: the same degrees rewired, or only the same size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.errors import AnalysisError
from topolab.metrics.jit import jit
from topolab.metrics.splitmix import State, below, next_bits, state_from

__all__ = ["assortativity", "rewired", "shared_edges", "uniform", "z_score"]

ByteArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]


@jit
def _list_edges(
    indptr: npt.NDArray[Any], indices: npt.NDArray[Any], shift: int,
    ends: npt.NDArray[Any], there: ByteArray,
) -> None:  # fmt: skip
    """Row and column of every edge in one word, and a byte for every place, 1 where an edge is."""
    width = there.size // (len(indptr) - 1)
    for row in range(len(indptr) - 1):
        for i in range(indptr[row], indptr[row + 1]):
            ends[i] = (np.uint64(row) << np.uint64(shift)) | np.uint64(indices[i])
            there[row * width + indices[i]] = 1


@jit
def _swap(
    ends: npt.NDArray[Any], shift: int, there: ByteArray, width: int, attempts: int, state: State
) -> None:
    """Exchange the columns of two edges at a time wherever that makes no edge twice.

    (All is unsigned so that compiled code need not ask whether an index counts from the end.)
    """
    edges = np.uint64(len(ends))
    across = np.uint64(width)
    half = np.uint64(32)
    bits = np.uint64(shift)
    low = (np.uint64(1) << bits) - np.uint64(1)
    for _ in range(attempts):
        # One number for two edges. Some are likelier by edges / 2^32, but a swap is as likely as
        # the one that undoes it, so that all graphs are visited alike.
        drawn = next_bits(state)
        i = ((drawn >> half) * edges) >> half
        j = ((drawn & np.uint64(0xFFFFFFFF)) * edges) >> half
        a = np.uint64(ends[i])
        b = np.uint64(ends[j])
        row_a = (a >> bits) * across
        row_b = (b >> bits) * across
        col_a = a & low
        col_b = b & low
        # Two edges of one row or one column come out as themselves, which are there.
        if there[row_a + col_b] | there[row_b + col_a]:
            continue
        there[row_a + col_a] = 0
        there[row_b + col_b] = 0
        there[row_a + col_b] = 1
        there[row_b + col_a] = 1
        ends[i] = a - col_a + col_b
        ends[j] = b - col_b + col_a


@jit
def _scatter(there: ByteArray, wanted: int, mark: int, state: State) -> None:
    """Mark so many places that are not, each as likely."""
    done = 0
    while done < wanted:
        place = below(state, len(there))
        if there[place] != mark:
            there[place] = mark
            done += 1


@jit
def _collect(there: ByteArray, indptr: npt.NDArray[Any], columns: npt.NDArray[Any]) -> None:
    """The rows of a block from its places; `columns` has one entry more than there are edges."""
    width = there.size // (len(indptr) - 1)
    found = 0
    for row in range(len(indptr) - 1):
        indptr[row] = found
        for column in range(width):
            columns[found] = column
            found += there[row * width + column]
    indptr[-1] = found


@jit
def _count_there(there: ByteArray, indptr: npt.NDArray[Any], indices: npt.NDArray[Any]) -> int:
    width = there.size // (len(indptr) - 1)
    count = 0
    for row in range(len(indptr) - 1):
        for i in range(indptr[row], indptr[row + 1]):
            count += there[row * width + indices[i]]
    return count


def _block_of(there: ByteArray, edges: int, shape: tuple[int, int]) -> sp.csr_array:
    """A block of ones at the places that are marked."""
    dtype: type[np.int32 | np.int64] = np.int32 if max(edges, *shape) < 2**31 else np.int64
    indptr, columns = np.zeros(shape[0] + 1, dtype), np.empty(edges + 1, dtype)
    if there.size:
        _collect(there, indptr, columns)
    out = sp.csr_array((np.ones(edges), columns[:edges], indptr), shape=shape)
    out.has_canonical_format = True
    return out


def _only_edges(block: sp.csr_array) -> sp.csr_array:
    """The block without stored zeros, which are no edges."""
    if block.data.all():
        return block
    block = block.copy()
    block.eliminate_zeros()
    return block


def shared_edges(a: sp.csr_array, b: sp.csr_array) -> int:
    """How many edges two blocks of one shape have in common.

    Examples
    --------
    >>> shared_edges(sp.csr_array(np.eye(3)), sp.csr_array(np.ones((3, 3))))
    3
    """
    a, b = _only_edges(a), _only_edges(b)
    if not (a.nnz and b.nnz):
        return 0
    there = np.zeros(a.shape[0] * a.shape[1], dtype=np.uint8)
    _mark(b.indptr, b.indices, there)
    return _count_there(there, a.indptr, a.indices)


@jit
def _mark(indptr: npt.NDArray[Any], indices: npt.NDArray[Any], there: ByteArray) -> None:
    width = there.size // (len(indptr) - 1)
    for row in range(len(indptr) - 1):
        for i in range(indptr[row], indptr[row + 1]):
            there[row * width + indices[i]] = 1


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
    block = _only_edges(block)
    edges, width = block.nnz, block.shape[1]
    if not edges:
        return _block_of(np.zeros(0, dtype=np.uint8), 0, block.shape), 0.0
    # Two halves of a word, and the smaller word where it is enough: memory is what takes time.
    shift, word = (16, np.uint32) if max(block.shape) <= 2**16 else (32, np.uint64)
    ends = np.empty(edges, dtype=word)
    there = np.zeros(block.shape[0] * width, dtype=np.uint8)
    _list_edges(block.indptr, block.indices, shift, ends, there)
    attempts = math.ceil(swaps_per_edge * edges)
    _swap(ends, shift, there, width, attempts, state_from(rng))
    moved = (edges - _count_there(there, block.indptr, block.indices)) / edges
    return _block_of(there, edges, block.shape), moved


def uniform(block: sp.csr_array, rng: np.random.Generator) -> sp.csr_array:
    """A layer of as many edges at places chosen uniformly.

    Examples
    --------
    >>> uniform(sp.csr_array(np.eye(4)), np.random.default_rng(0)).nnz
    4
    """
    edges, places = int(block.count_nonzero()), block.shape[0] * block.shape[1]
    crowded = 2 * edges > places  # then the places that stay free are drawn
    there = np.full(places, crowded, dtype=np.uint8)
    _scatter(there, places - edges if crowded else edges, 1 - int(crowded), state_from(rng))
    return _block_of(there, edges, block.shape)


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
    block = _only_edges(block)
    if not block.nnz:
        return math.nan
    fan_in = np.diff(block.indptr).astype(np.float64)
    fan_out = np.bincount(block.indices, minlength=block.shape[1]).astype(np.float64)
    some_in, some_out = fan_in[fan_in > 0], fan_out[fan_out > 0]
    if some_in.min() == some_in.max() or some_out.min() == some_out.max():
        return math.nan
    # Over the edges, at whose ends a neuron is as often as it has edges; from the means, so that
    # nothing cancels.
    into = fan_in - fan_in @ fan_in / block.nnz
    outof = fan_out - fan_out @ fan_out / block.nnz
    together = _sum_products(block.indptr, block.indices, into, outof)
    return float(together / math.sqrt((fan_in @ into**2) * (fan_out @ outof**2)))


@jit
def _sum_products(
    indptr: npt.NDArray[Any], indices: npt.NDArray[Any], rows: FloatArray, columns: FloatArray
) -> float:
    """Over the edges, the product of a number of the row and one of the column."""
    total = 0.0
    for row in range(len(indptr) - 1):
        inner = 0.0
        for i in range(indptr[row], indptr[row + 1]):
            inner += columns[indices[i]]
        total += rows[row] * inner
    return total


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
