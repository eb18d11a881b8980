"""k-core decomposition of an undirected graph, vectorised over neurons and edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError

__all__ = ["coreness", "roles"]

IntArray = npt.NDArray[np.int64]


def coreness(indptr: npt.NDArray[Any], indices: npt.NDArray[Any]) -> IntArray:
    """The largest k for which each neuron is in the k-core.

    Peels all neurons of the lowest remaining degree together, round after round, and takes their
    edges away; there is no loop over neurons or edges.

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
    starts = np.asarray(indptr, dtype=np.int64)
    neighbours = np.asarray(indices, dtype=np.int64)
    degree = np.diff(starts)
    n = len(degree)
    core = np.zeros(n, dtype=np.int64)
    left = np.arange(n)
    k = 0
    while len(left):
        k = max(k, int(degree[left].min()))
        peel = left[degree[left] <= k]
        while len(peel):
            core[peel] = k
            degree[peel] = -1  # gone: never peeled again, never counted as a neighbour
            counts = starts[peel + 1] - starts[peel]
            # The edges of all peeled neurons, one slice after the other.
            offsets = np.repeat(starts[peel] - np.cumsum(counts) + counts, counts)
            touched = neighbours[offsets + np.arange(len(offsets))]
            touched = touched[degree[touched] >= 0]
            lost = np.bincount(touched, minlength=n)
            degree -= lost
            hit = np.flatnonzero(lost)
            peel = hit[degree[hit] <= k]
        left = left[degree[left] >= 0]
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
