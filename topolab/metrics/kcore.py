"""k-core decomposition of an undirected graph, linear in its edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError
from topolab.metrics.jit import jit

__all__ = ["coreness", "coreness_of_blocks", "roles"]

IntArray = npt.NDArray[np.int64]
#: Where a block's columns and rows begin among all neurons, and its CSR structure.
Block = tuple[int, int, npt.NDArray[Any], npt.NDArray[Any]]


@jit
def _peel(starts: npt.NDArray[Any], neighbours: npt.NDArray[Any], core: IntArray) -> None:
    """Batagelj and Zaversnik's bucket algorithm; `core` holds the degrees and becomes coreness."""
    n = len(core)
    most = 0
    for v in range(n):
        most = max(most, core[v])
    bins = np.zeros(most + 2, np.int64)
    for v in range(n):
        bins[core[v] + 1] += 1
    for d in range(most + 1):
        bins[d + 1] += bins[d]
    # Neurons by degree, where each is in that order, and where each degree begins.
    order = np.empty(n, np.int64)
    place = np.empty(n, np.int64)
    fill = bins[: most + 1].copy()
    for v in range(n):
        place[v] = fill[core[v]]
        order[place[v]] = v
        fill[core[v]] += 1
    for i in range(n):
        v = order[i]
        mine = core[v]
        for j in range(starts[v], starts[v + 1]):
            u = neighbours[j]
            theirs = core[u]
            if theirs > mine:  # u loses a neighbour: to the front of its bucket, and that shrinks
                at = place[u]
                front = bins[theirs]
                w = order[front]
                if u != w:
                    order[at] = w
                    place[w] = at
                    order[front] = u
                    place[u] = front
                bins[theirs] += 1
                core[u] = theirs - 1


@jit
def _count(
    degree: IntArray, column: int, row: int, indptr: npt.NDArray[Any], indices: npt.NDArray[Any]
) -> None:
    for r in range(len(indptr) - 1):
        degree[row + r] += indptr[r + 1] - indptr[r]
    for i in range(len(indices)):
        degree[column + indices[i]] += 1


@jit
def _join(
    neighbours: npt.NDArray[Any], fill: IntArray, column: int, row: int,
    indptr: npt.NDArray[Any], indices: npt.NDArray[Any],
) -> None:  # fmt: skip
    for r in range(len(indptr) - 1):
        target = row + r
        for i in range(indptr[r], indptr[r + 1]):
            source = column + indices[i]
            neighbours[fill[target]] = source
            fill[target] += 1
            neighbours[fill[source]] = target
            fill[source] += 1


def coreness_of_blocks(n_neurons: int, blocks: Sequence[Block]) -> IntArray:
    """The coreness of every neuron of a layered graph, from its blocks of edges.

    Parameters
    ----------
    n_neurons : int
    blocks : sequence of (column, row, indptr, indices)
        Per layer of weights: where its source and its target neurons begin, and its biadjacency
        in CSR form, a row per target. No edge is in two blocks.

    Returns
    -------
    ndarray of int64, shape (n_neurons,)

    Notes
    -----
    Linear in neurons and edges. Both directions of every edge are held once, in 8 bytes an edge
    (16 beyond 2^31 neurons), besides 32 bytes a neuron.

    Examples
    --------
    Two inputs, both feeding one neuron:

    >>> coreness_of_blocks(3, [(0, 2, np.array([0, 2]), np.array([0, 1]))])
    array([1, 1, 1])
    """
    degree = np.zeros(n_neurons, dtype=np.int64)
    for column, row, indptr, indices in blocks:
        _count(degree, column, row, indptr, indices)
    starts = np.zeros(n_neurons + 1, dtype=np.int64)
    np.cumsum(degree, out=starts[1:])
    small = np.int32 if n_neurons < 2**31 else np.int64
    neighbours = np.empty(int(starts[-1]), dtype=small)
    fill = starts[:-1].copy()
    for column, row, indptr, indices in blocks:
        _join(neighbours, fill, column, row, indptr, indices)
    _peel(starts, neighbours, degree)
    return degree


def coreness(indptr: npt.NDArray[Any], indices: npt.NDArray[Any]) -> IntArray:
    """The largest k for which each neuron is in the k-core.

    Parameters
    ----------
    indptr, indices : ndarray of int
        A symmetric adjacency structure in CSR form, without loops and without repeated edges.

    Returns
    -------
    ndarray of int64, shape (n_neurons,)

    References
    ----------
    S. B. Seidman, "Network structure and minimum degree", Social Networks 5 (1983);
    V. Batagelj, M. Zaversnik, "An O(m) algorithm for cores decomposition of networks" (2003).

    Examples
    --------
    A triangle with one more neuron hanging on it, and a neuron alone:

    >>> import scipy.sparse as sp
    >>> rows, cols = [0, 1, 0, 2, 1, 2, 2, 3], [1, 0, 2, 0, 2, 1, 3, 2]
    >>> graph = sp.csr_array((np.ones(8), (rows, cols)), shape=(5, 5))
    >>> coreness(graph.indptr, graph.indices)
    array([2, 2, 2, 1, 0])
    """
    starts: IntArray = np.asarray(indptr, dtype=np.int64)
    core: IntArray = starts[1:] - starts[:-1]
    _peel(starts, np.asarray(indices), core)
    return core


def roles(core: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
    """Core, crust or isolated, as NSH names the shells of a network.

    Parameters
    ----------
    core : ndarray of int64, shape (n_neurons,)
        Coreness of the whole network's neurons.

    Returns
    -------
    ndarray of str, shape (n_neurons,)
        ``core`` for the highest shell of the network, ``isolated`` for its lowest, ``crust`` for
        those between. Where all neurons are in one shell, they are its core.

    Examples
    --------
    >>> roles(np.array([0, 1, 2, 2])).tolist()
    ['isolated', 'crust', 'core', 'core']
    """
    if core.ndim != 1 or not len(core):
        raise AnalysisError("the shells of a graph without neurons were asked for")
    out = np.full(len(core), "crust", dtype="<U8")
    out[core == core.min()] = "isolated"
    out[core == core.max()] = "core"
    return out
