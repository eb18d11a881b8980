"""Parquet: a table of neurons and a table of edges, for pandas, polars, DuckDB and R."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from topolab.exporters.base import Exporter
from topolab.graph import LayeredGraph

__all__ = ["Parquet"]


class Parquet(Exporter):
    """``source`` and ``target`` of an edge are row numbers in the table of neurons."""

    name = "parquet"
    summary = "pandas, polars, DuckDB, igraph's DataFrame, R"
    suffix = ".parquet"
    parts = ("nodes", "edges")

    def write(self, graph: LayeredGraph, paths: Sequence[Path]) -> None:
        """Write neurons, then edges."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        layers = pa.DictionaryArray.from_arrays(
            pa.array(graph.layer_positions.astype(np.int32)), pa.array(graph.layer_names)
        )
        nodes = {"id": pa.array(graph.ids), "layer": layers, **graph.neuron_attributes()}
        source, target, _ = graph.edges
        edges = {"source": source, "target": target, **graph.edge_attributes()}
        about = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in graph.about.items()
        }
        for path, columns in zip(paths, (nodes, edges), strict=True):
            table = pa.table(columns)
            table = table.replace_schema_metadata({b"topolab": json.dumps(about).encode()})
            pq.write_table(table, path, compression="zstd", write_page_checksum=True)
