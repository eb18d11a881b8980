"""One block of a graph's adjacency matrix: the edges of a layer of weights, and their weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

__all__ = ["describe_weights", "merge_inputs", "no_edges", "sum_by_edge", "without_zeros"]

FloatArray = npt.NDArray[np.float32]


def no_edges(n_out: int, n_in: int) -> sp.csr_array:
    """A block that holds no edge."""
    return sp.csr_array(sp.coo_array((n_out, n_in), dtype=np.int32))


def without_zeros(block: sp.csr_array) -> sp.csr_array:
    """The block without the zeros it stores, which are no edges; itself where it stores none."""
    if block.data.all():
        return block
    block = block.copy()
    block.eliminate_zeros()
    return block


def sum_by_edge(block: sp.csr_array, stored: FloatArray | None) -> FloatArray:
    """Of one layer the sum of the active weights on every edge; NaN where none were recorded."""
    if stored is None:
        return np.full(block.nnz, np.nan, dtype=np.float32)
    if len(stored) == block.nnz:
        return stored
    # Active weights lie row-major, so that those of one edge are neighbours.
    first = np.cumsum(block.data, dtype=np.int64) - block.data
    return np.add.reduceat(stored.astype(np.float64), first).astype(np.float32)


def describe_weights(stored: Sequence[FloatArray | None]) -> str:
    """Whether the weights of the layers were recorded, in words."""
    known = [values is not None for values in stored]
    if all(known):
        return "recorded"
    return "recorded for some layers" if any(known) else "not recorded"


def merge_inputs(matrix: sp.csr_array, repeat: int) -> sp.csr_array:
    """Sum each `repeat` consecutive columns: the places of one channel's flattened map."""
    if repeat == 1:
        return matrix
    coo = matrix.tocoo()
    shape = (matrix.shape[0], matrix.shape[1] // repeat)
    return sp.csr_array(sp.coo_array((coo.data, (coo.row, coo.col // repeat)), shape=shape))
