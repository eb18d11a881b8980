"""The most edges that a neuron can have: what bounds its degree."""

from __future__ import annotations

from collections.abc import Sequence

from topolab.chaining import chain_layers
from topolab.layers import LayerSpec

__all__ = ["edge_capacity"]


def edge_capacity(layers: Sequence[LayerSpec]) -> dict[str, dict[str, int]]:
    """By layer of neurons, the most edges at each end of one: ``in``, ``out`` and ``total``.

    As many as there are neurons that it can read, and that can read it. A neuron of a convolution
    is a channel, so that kernels count once and channels of other groups not at all.

    Parameters
    ----------
    layers : sequence of LayerSpec
        In the order of the network.

    Returns
    -------
    dict of str to dict of str to int
        The inputs of the network too, under the name of their layer of neurons.

    Raises
    ------
    LayerError
        If the layers do not chain.

    Examples
    --------
    >>> layers = [LayerSpec("fc1", "linear", (30, 20)), LayerSpec("fc2", "linear", (10, 30))]
    >>> edge_capacity(layers)["fc1"]
    {'in': 20, 'out': 10, 'total': 30}
    """
    found: dict[str, dict[str, int]] = {}
    for link in chain_layers(layers):
        layer = link.layer
        here = found.setdefault(layer.name, {"in": 0, "out": 0})
        there = found.setdefault(link.source, {"in": 0, "out": 0})
        here["in"] += layer.shape[1] // link.repeat
        there["out"] += layer.n_out // layer.groups  # several layers may read one
    return {name: {**ends, "total": ends["in"] + ends["out"]} for name, ends in found.items()}
