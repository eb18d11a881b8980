"""The graph of a network: neurons and edges, what is said of each, and the ways out of it.

`LayeredGraph` is the one graph of topolab: analyses measure it, exporters write it. The names of
what neurons and edges carry are those of `LayeredGraph.neuron_attributes` and
`LayeredGraph.edge_attributes` everywhere.
"""

from __future__ import annotations

from topolab.graph.layered import LayeredGraph

__all__ = ["LayeredGraph"]
