"""The degree sequences of hidden neurons: by layer and for all together, at each end of edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from topolab.graph import LayeredGraph
from topolab.hooks import hidden_layers
from topolab.snapshot import Snapshot
from topolab_analyses.capacity import edge_capacity

__all__ = ["ENDS", "HiddenDegrees", "chosen_ends", "hidden_degrees"]

#: Edges from a neuron's inputs, to its outputs, and both.
ENDS = ("in", "out", "total")


class HiddenDegrees(NamedTuple):
    """The degrees of one layer of hidden neurons, or of all (``hidden``), at one end.

    Attributes
    ----------
    layer, end : str
    degrees : ndarray of int64
    capacity : int
        The most that one of them can have; the largest of the layers for all together.
    """

    layer: str
    end: str
    degrees: npt.NDArray[np.int64]
    capacity: int


def chosen_ends(direction: str) -> tuple[str, ...]:
    """The ends that a parameter asks for: one of them, or ``all``.

    Examples
    --------
    >>> chosen_ends("all"), chosen_ends("in")
    (('in', 'out', 'total'), ('in',))
    """
    return ENDS if direction == "all" else (direction,)


def hidden_degrees(snapshot: Snapshot, ends: Sequence[str]) -> Iterator[HiddenDegrees]:
    """Every hidden layer in order, then all of them, at each of the ends.

    Examples
    --------
    >>> shot = getfixture("example_run")[-1]
    >>> [(found.layer, found.capacity) for found in hidden_degrees(shot, ["in"])]
    [('fc1', ...), ('fc2', ...), ('hidden', ...)]
    """
    graph, capacity = LayeredGraph.from_snapshot(snapshot), edge_capacity(snapshot.layers)
    names = hidden_layers(graph)
    degrees = {end: graph.degrees(end) for end in ends}  # type: ignore[arg-type]  # one of ENDS
    for name in (*names, "hidden"):
        layers = names if name == "hidden" else (name,)
        for end in ends:
            parts = [degrees[end][graph.layer_slice(layer)] for layer in layers]
            most = max(capacity[layer][end] for layer in layers)
            yield HiddenDegrees(name, end, np.concatenate(parts), most)
