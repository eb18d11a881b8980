"""networkx's node-link data: one JSON document."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from topolab.exporters.base import Exporter
from topolab.graph import LayeredGraph
from topolab.graph.text import edge_chunks

__all__ = ["NodeLink"]


class NodeLink(Exporter):
    """As ``networkx.node_link_graph(data, edges="edges")`` reads it.

    JSON has no NaN: what has no value is null, so None in networkx.
    """

    name = "networkx-json"
    summary = "networkx, D3, anything that reads JSON"
    suffix = ".json"

    def write(self, graph: LayeredGraph, paths: Sequence[Path]) -> None:
        """Write one file."""
        with paths[0].open("w", encoding="utf-8", newline="\n") as file:
            for lines in _lines(graph):
                file.write(lines)


def _json(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    return json.dumps(value)


def _lines(graph: LayeredGraph) -> Iterator[str]:
    numbers = {name: values.tolist() for name, values in graph.neuron_attributes().items()}
    about = ", ".join(f'"{name}": {_json(value)}' for name, value in graph.about.items())
    yield f'{{"directed": true, "multigraph": false, "graph": {{{about}}}, "nodes": [\n'
    ids = [json.dumps(name) for name in graph.ids]
    layers = [json.dumps(name) for name in graph.neuron_layers]
    nodes = (
        f'{{"id": {ids[i]}, "layer": {layers[i]}, '
        + ", ".join(f'"{name}": {values[i]}' for name, values in numbers.items())
        + "}"
        for i in range(graph.n_neurons)
    )
    yield ",\n".join(nodes)
    yield '\n], "edges": [\n'
    between = ""
    for sources, targets, active, weights in edge_chunks(graph):
        null = {"NaN": "null", "Infinity": "null", "-Infinity": "null"}
        shown = (
            [""] * len(sources)
            if weights is None
            else [f', "weight": {null.get(w, w)}' for w in weights]
        )
        yield between + ",\n".join(
            f'{{"source": {ids[s]}, "target": {ids[t]}, "active": {a}{w}}}'
            for s, t, a, w in zip(sources, targets, active, shown, strict=True)
        )
        between = ",\n"
    yield "\n]}\n"
