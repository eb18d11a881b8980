"""GEXF 1.2: the format of Gephi, which shows an edge's weight as its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from topolab.exporters.base import Exporter
from topolab.graph import LayeredGraph
from topolab.graph.text import attribute, edge_chunks, text

__all__ = ["GEXF"]

_NAMESPACE = "http://www.gexf.net/1.2draft"


class GEXF(Exporter):
    """Written as a stream, a few edges at a time."""

    name = "gexf"
    summary = "Gephi, networkx"
    suffix = ".gexf"

    def write(self, graph: LayeredGraph, paths: Sequence[Path]) -> None:
        """Write one file."""
        with paths[0].open("w", encoding="utf-8", newline="\n") as file:
            for lines in _lines(graph):
                file.write(lines)


def _lines(graph: LayeredGraph) -> Iterator[str]:
    numbers = {name: values.tolist() for name, values in graph.neuron_attributes().items()}
    about = "; ".join(f"{name}: {text(value)}" for name, value in graph.about.items())
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="{_NAMESPACE}" version="1.2">\n'
    yield f"<meta><creator>topolab</creator><description>{about}</description></meta>\n"
    yield '<graph defaultedgetype="directed" mode="static">\n<attributes class="node">\n'
    yield '<attribute id="layer" title="layer" type="string"/>\n'
    for name in numbers:
        yield f'<attribute id="{name}" title="{name}" type="long"/>\n'
    yield '</attributes>\n<attributes class="edge">\n'
    yield '<attribute id="active" title="active" type="long"/>\n</attributes>\n<nodes>\n'
    ids = [attribute(name) for name in graph.ids]
    layers = [attribute(name) for name in graph.neuron_layers]
    for i, node in enumerate(ids):
        data = "".join(f'<attvalue for="{k}" value="{v[i]}"/>' for k, v in numbers.items())
        yield (
            f"<node id={node} label={node}><attvalues>"
            f'<attvalue for="layer" value={layers[i]}/>{data}</attvalues></node>\n'
        )
    yield "</nodes>\n<edges>\n"
    number = count()
    for sources, targets, active, weights in edge_chunks(graph):
        shown = [""] * len(sources) if weights is None else [f' weight="{w}"' for w in weights]
        yield "".join(
            f'<edge id="{next(number)}" source={ids[s]} target={ids[t]}{w}>'
            f'<attvalues><attvalue for="active" value="{a}"/></attvalues></edge>\n'
            for s, t, a, w in zip(sources, targets, active, shown, strict=True)
        )
    yield "</edges>\n</graph>\n</gexf>\n"
