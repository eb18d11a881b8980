"""Paths from inputs to outputs: which neurons and edges lie on one, and how many there are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.metrics.dormancy import Block

__all__ = ["PathCounts", "trace"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PathCounts:
    """Reachability and path counts of a layered graph.

    Attributes
    ----------
    from_input, to_output : dict of str to ndarray of bool
        Per layer of neurons, which are reached from an input, and which reach an output.
    log_through : dict of str to ndarray of float64
        Per neuron the natural logarithm of the number of paths through it; -inf for none.
    log_total : float
        ln of the number of paths from an input to an output.
    effective : dict of str to int
        Per layer of weights the edges that are on a path.
    """

    from_input: dict[str, BoolArray]
    to_output: dict[str, BoolArray]
    log_through: dict[str, FloatArray]
    log_total: float
    effective: dict[str, int]


def trace(sizes: Mapping[str, int], blocks: Sequence[Block]) -> PathCounts:
    """Follow all paths of a layered graph, forwards and backwards.

    Counts are carried as logarithms, so that a network of any depth stays finite.

    Parameters
    ----------
    sizes : mapping of str to int
        Neurons per layer; paths begin at those that no block feeds.
    blocks : sequence of (source, target, biadjacency)
        In the order of the network. Paths end at layers that no block reads.

    Returns
    -------
    PathCounts

    Examples
    --------
    Two inputs, three hidden neurons, one output; the third hidden neuron feeds nobody:

    >>> import scipy.sparse as sp
    >>> first = sp.csr_array(np.array([[1, 0], [1, 1], [0, 1]]))
    >>> second = sp.csr_array(np.array([[1, 1, 0]]))
    >>> paths = trace({"input": 2, "fc1": 3, "fc2": 1},
    ...               [("input", "fc1", first), ("fc1", "fc2", second)])
    >>> round(np.exp(paths.log_total)), paths.effective
    (3, {'fc1': 3, 'fc2': 2})
    """
    ones = [(s, t, _present(b)) for s, t, b in blocks]
    nothing = {name: np.full(size, -math.inf) for name, size in sizes.items()}
    fed = {target for _, target, _ in blocks}
    forward = {
        name: nothing[name] if name in fed else np.zeros(size) for name, size in sizes.items()
    }
    for source, target, block in ones:
        forward[target] = np.logaddexp(forward[target], _times(block, forward[source]))
    read = {source for source, _, _ in blocks}
    backward = {
        name: nothing[name] if name in read else np.zeros(size) for name, size in sizes.items()
    }
    for source, target, block in reversed(ones):
        back = _times(sp.csr_array(block.T), backward[target])
        backward[source] = np.logaddexp(backward[source], back)
    through = {name: forward[name] + backward[name] for name in sizes}
    total = np.concatenate([through[name] for name in sizes if name not in read])
    from_input = {name: np.isfinite(forward[name]) for name in sizes}
    to_output = {name: np.isfinite(backward[name]) for name in sizes}
    effective = {
        target: int(to_output[target].astype(np.int64)
                    @ (block @ from_input[source].astype(np.int64)))
        for source, target, block in ones
    }  # fmt: skip
    return PathCounts(from_input, to_output, through, _log_sum(total), effective)


def _present(block: sp.csr_array) -> sp.csr_array:
    present = block.copy()
    present.data = (present.data != 0).astype(np.int64)
    present.eliminate_zeros()
    return present


def _times(block: sp.csr_array, logs: FloatArray) -> FloatArray:
    """ln of the matrix times e^logs, row by row, each with its own scale."""
    out = np.full(block.shape[0], -math.inf)
    some = np.flatnonzero(np.diff(block.indptr))
    if not len(some):
        return out
    starts = block.indptr[some]
    values = logs[block.indices]
    peak = np.maximum.reduceat(values, starts)
    reached = np.isfinite(peak)
    scale = np.where(reached, peak, 0.0)
    sums = np.add.reduceat(
        np.exp(values - np.repeat(scale, np.diff(np.append(starts, len(values))))), starts
    )
    out[some[reached]] = peak[reached] + np.log(sums[reached])
    return out


def _log_sum(logs: FloatArray) -> float:
    peak = float(logs.max(initial=-math.inf))
    if math.isinf(peak):
        return -math.inf
    return peak + math.log(np.exp(logs - peak).sum())
