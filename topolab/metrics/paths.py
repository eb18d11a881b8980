"""Paths from inputs to outputs: which neurons and edges lie on one, and how many there are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.metrics.dormancy import Block

__all__ = ["Paths", "trace"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Paths:
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


def trace(sizes: Mapping[str, int], blocks: Sequence[Block]) -> Paths:
    """Follow all paths of a layered graph, forwards and backwards.

    Counts are carried with their scale apart, so that a network of any depth stays finite.

    Parameters
    ----------
    sizes : mapping of str to int
        Neurons per layer; paths begin at the layer "input".
    blocks : sequence of (source, target, biadjacency)
        In the order of the network. Paths end at layers that no block reads.

    Returns
    -------
    Paths

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
    forward = {name: (np.zeros(size), 0.0) for name, size in sizes.items()}
    forward["input"] = (np.ones(sizes["input"]), 0.0)
    for source, target, block in ones:
        forward[target] = _add(forward[target], _times(block, forward[source]))
    read = {source for source, _, _ in blocks}
    backward = {
        name: (np.zeros(size) if name in read else np.ones(size), 0.0)
        for name, size in sizes.items()
    }
    for source, target, block in reversed(ones):
        backward[source] = _add(backward[source], _times(sp.csr_array(block.T), backward[target]))
    through = {}
    with np.errstate(divide="ignore"):
        for name in sizes:
            (f, log_f), (b, log_b) = forward[name], backward[name]
            through[name] = np.log(f) + log_f + np.log(b) + log_b
    total = [value for name in sizes if name not in read for value in through[name]]
    from_input = {name: forward[name][0] > 0 for name in sizes}
    to_output = {name: backward[name][0] > 0 for name in sizes}
    effective = {
        target: int(to_output[target].astype(np.int64)
                    @ (block @ from_input[source].astype(np.int64)))
        for source, target, block in ones
    }  # fmt: skip
    return Paths(from_input, to_output, through, _log_sum(np.array(total)), effective)


def _present(block: sp.csr_array) -> sp.csr_array:
    present = block.copy()
    present.data = (present.data != 0).astype(np.float64)
    return present


Scaled = tuple[FloatArray, float]


def _times(block: sp.csr_array, value: Scaled) -> Scaled:
    out = np.asarray(block @ value[0])
    peak = float(out.max(initial=0.0))
    if peak <= 2.0**500:
        return out, value[1]
    return out / peak, value[1] + math.log(peak)


def _add(a: Scaled, b: Scaled) -> Scaled:
    if not a[0].any():
        return b
    if not b[0].any():
        return a
    top = max(a[1], b[1])
    return a[0] * math.exp(a[1] - top) + b[0] * math.exp(b[1] - top), top


def _log_sum(logs: FloatArray) -> float:
    peak = float(logs.max(initial=-math.inf))
    if math.isinf(peak):
        return -math.inf
    return peak + math.log(np.exp(logs - peak).sum())
