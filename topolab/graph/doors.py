"""The doors of a graph: the same neurons, edges and attributes in scipy, igraph and networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy.sparse as sp

from topolab.errors import LayerError

if TYPE_CHECKING:
    import igraph
    import networkx

    from topolab.graph.layered import LayeredGraph

__all__ = ["to_igraph", "to_networkx", "to_scipy"]


def to_scipy(graph: LayeredGraph, values: Literal["active", "weight"]) -> sp.csr_array:
    """The adjacency matrix, row = source, column = target: see `LayeredGraph.to_scipy`."""
    attributes = graph.edge_attributes()
    if values not in ("active", "weight"):
        raise LayerError(f"values {values!r} is none of active, weight")
    if values not in attributes:
        raise LayerError(
            "no weights were recorded for this graph, so a matrix can hold only values='active'"
        )
    source, target, _ = graph.edges
    shape = (graph.n_neurons, graph.n_neurons)
    return sp.csr_array(sp.coo_array((attributes[values], (source, target)), shape=shape))


def to_igraph(graph: LayeredGraph) -> igraph.Graph:
    """A directed igraph with the attributes of the vocabulary."""
    import igraph

    source, target, _ = graph.edges
    out = igraph.Graph(n=graph.n_neurons, edges=np.column_stack([source, target]), directed=True)
    for name, value in graph.about.items():
        out[name] = value
    for name, values in _neurons(graph).items():
        out.vs[name] = values
    for name, values in _edges(graph).items():
        out.es[name] = values
    return out


def to_networkx(graph: LayeredGraph) -> networkx.DiGraph:
    """A networkx DiGraph with the attributes of the vocabulary."""
    import networkx

    out = networkx.DiGraph(**graph.about)
    neurons = _neurons(graph)
    out.add_nodes_from(
        (node, dict(zip(neurons, values, strict=True)))
        for node, values in enumerate(zip(*neurons.values(), strict=True))
    )
    edges = _edges(graph)
    source, target, _ = graph.edges
    out.add_edges_from(
        (s, t, dict(zip(edges, values, strict=True)))
        for s, t, *values in zip(source.tolist(), target.tolist(), *edges.values(), strict=True)
    )
    return out


def _neurons(graph: LayeredGraph) -> dict[str, list[Any]]:
    numbers = {name: values.tolist() for name, values in graph.neuron_attributes().items()}
    return {"id": graph.ids, "layer": graph.neuron_layers, **numbers}


def _edges(graph: LayeredGraph) -> dict[str, list[Any]]:
    return {name: values.tolist() for name, values in graph.edge_attributes().items()}
