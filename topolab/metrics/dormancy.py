"""Neurons that take no part: few edges, none on one side, or no way through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.errors import AnalysisError

__all__ = ["below", "on_path", "tau_dormant"]

BoolArray = npt.NDArray[np.bool_]
#: Where edges come from, where they go to, and their biadjacency of shape (n_to, n_from).
Block = tuple[str, str, sp.csr_array]


def below(degrees: npt.NDArray[np.int64], threshold: int) -> int:
    """Number of neurons with a degree below the threshold.

    Examples
    --------
    >>> below(np.array([0, 9, 10, 11]), 10)
    2
    """
    return int((degrees < threshold).sum())


def on_path(sizes: Mapping[str, int], blocks: Sequence[Block]) -> dict[str, BoolArray]:
    """Which neurons lie on a path from an input to an output.

    Parameters
    ----------
    sizes : mapping of str to int
        Neurons per layer; paths begin at those that no block feeds.
    blocks : sequence of (source, target, biadjacency)
        In the order of the network: no block comes before one that feeds its source. Layers that
        no block reads are where paths end.

    Returns
    -------
    dict of str to ndarray of bool, shape (n_neurons of the layer,)

    Examples
    --------
    >>> first = sp.csr_array(np.array([[1, 0], [0, 0], [0, 1]]))   # 2 inputs, 3 hidden
    >>> second = sp.csr_array(np.array([[1, 1, 0]]))               # 1 output
    >>> sizes = {"input": 2, "fc1": 3, "fc2": 1}
    >>> [v.astype(int).tolist() for v in on_path(
    ...     sizes, [("input", "fc1", first), ("fc1", "fc2", second)]).values()]
    [[1, 0], [1, 0, 0], [1]]
    """
    fed = {target for _, target, _ in blocks}
    from_input = {name: np.full(size, name not in fed) for name, size in sizes.items()}
    for source, target, block in blocks:
        reached = _there(block) @ from_input[source].astype(np.int64)
        from_input[target] |= reached > 0
    read = {source for source, _, _ in blocks}
    to_output = {name: np.full(size, name not in read) for name, size in sizes.items()}
    for source, target, block in reversed(blocks):
        reached = _there(block).T @ to_output[target].astype(np.int64)
        to_output[source] |= reached > 0
    return {name: from_input[name] & to_output[name] for name in sizes}


def _there(block: sp.csr_array) -> sp.csr_array:
    present = block.copy()
    present.data = (present.data != 0).astype(np.int64)
    return present


def tau_dormant(activity: npt.ArrayLike, tau: float) -> BoolArray:
    """Which neurons are tau-dormant: active at most tau times as much as their layer's mean.

    Parameters
    ----------
    activity : array_like, shape (n,)
        Mean absolute activation of each neuron of a layer.
    tau : float
        0 counts the neurons that are never active; Sokar et al. use 0, 0.025 and 0.1.

    Returns
    -------
    ndarray of bool, shape (n,)
        All of them in a layer that is silent.

    References
    ----------
    G. Sokar, R. Agarwal, P. S. Castro, U. Evci, "The dormant neuron phenomenon in deep
    reinforcement learning", ICML 2023.

    Examples
    --------
    >>> tau_dormant([0.0, 0.1, 1.9], 0.1).tolist()
    [True, False, False]
    """
    values = np.asarray(activity, dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any() or not tau >= 0:
        raise AnalysisError("activities must be finite and not negative, and tau not below 0")
    mean = values.mean() if len(values) else 0.0
    return np.asarray(values <= tau * mean)
