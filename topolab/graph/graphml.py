"""GraphML: XML with typed attributes; Gephi, igraph, networkx, yEd and Cytoscape open it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from topolab.graph.text import attribute, edge_chunks, text

if TYPE_CHECKING:
    from topolab.graph.layered import LayeredGraph

__all__ = ["write_graphml"]

_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"
_TYPES = {str: "string", int: "long", float: "double"}


def write_graphml(graph: LayeredGraph, path: Path) -> None:
    """Write a graph as a stream, some edges at a time."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for lines in _lines(graph):
            file.write(lines)


def _lines(graph: LayeredGraph) -> Iterator[str]:
    numbers = {name: values.tolist() for name, values in graph.neuron_attributes().items()}
    keys = [("graph", name, _TYPES[type(value)]) for name, value in graph.about.items()]
    keys += [("node", "layer", "string"), *(("node", name, "long") for name in numbers)]
    keys += [("edge", "active", "long")]
    keys += [("edge", "weight", "double")] if graph.weight is not None else []
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="{_NAMESPACE}">\n'
    for of, name, kind in keys:
        yield f'<key id="{of}-{name}" for="{of}" attr.name="{name}" attr.type="{kind}"/>\n'
    yield f'<graph id={attribute("G")} edgedefault="directed">\n'
    for name, value in graph.about.items():
        yield f'<data key="graph-{name}">{text(value)}</data>\n'
    ids = [attribute(name) for name in graph.ids]
    layers = [text(name) for name in graph.neuron_layers]
    for i, node in enumerate(ids):
        data = "".join(f'<data key="node-{k}">{v[i]}</data>' for k, v in numbers.items())
        yield f'<node id={node}><data key="node-layer">{layers[i]}</data>{data}</node>\n'
    for sources, targets, active, weights in edge_chunks(graph):
        if weights is None:
            yield "".join(
                f'<edge source={ids[s]} target={ids[t]}><data key="edge-active">{a}</data></edge>\n'
                for s, t, a in zip(sources, targets, active, strict=True)
            )
        else:
            yield "".join(
                f'<edge source={ids[s]} target={ids[t]}><data key="edge-active">{a}</data>'
                f'<data key="edge-weight">{w}</data></edge>\n'
                for s, t, a, w in zip(sources, targets, active, weights, strict=True)
            )
    yield "</graph>\n</graphml>\n"
