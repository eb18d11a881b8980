"""GraphML, which Gephi, igraph, networkx, yEd and Cytoscape open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from topolab.exporters.base import Exporter
from topolab.graph import LayeredGraph

__all__ = ["GraphML"]


class GraphML(Exporter):
    """The same bytes as `LayeredGraph.write_graphml`."""

    name = "graphml"
    summary = "Gephi, igraph, networkx, Cytoscape"
    suffix = ".graphml"

    def write(self, graph: LayeredGraph, paths: Sequence[Path]) -> None:
        """Write one file."""
        graph.write_graphml(paths[0])
