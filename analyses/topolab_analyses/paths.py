"""Paths: what of the wiring is connected from end to end, and by how many ways."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from topolab.analysis import Analysis
from topolab.graph import LayeredGraph
from topolab.hooks import LAYER, WHEN, check_chain, rows_of
from topolab.metrics.paths import trace
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["Paths"]

_COLUMNS = (
    *WHEN,
    LAYER,
    Column("n_neurons", int, "neurons", "Neurons of the layer."),
    Column("off_path", int, "neurons", "Those on no path from an input to an output."),
    Column("reached", float, "1", "Share of them that some input reaches."),
    Column("reaching", float, "1", "Share of them that reach some output."),
    Column(
        "log10_paths", float, "1",
        "log10 of the paths from an input to an output through the layer; -inf without any.",
    ),
    Column(
        "top1_share", float, "1",
        "Share of those paths that go through the top 1 % of the layer's neurons.",
    ),
    Column("edges", int, "edges", "Edges of the layer of weights; 0 for the inputs."),
    Column("effective_edges", int, "edges", "Those on a path from an input to an output."),
    Column("sparsity", float, "1", "Share of the layer's weights that are absent."),
    Column("effective_sparsity", float, "1", "The same, weights on no path counted as absent."),
)  # fmt: skip


@dataclass(frozen=True)
class Paths(Analysis):
    """Neurons and edges on no path, effective sparsity, path counts, reachability.

    Residual connections, biases and normalisation are no edges here.
    """

    name = "paths"
    version = 1
    summary = "Input-output paths: neurons and edges on none, effective sparsity, path counts"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"paths": _COLUMNS}
    compares = ("effective_sparsity", "log10_paths")

    def prepare(self, run: Run) -> Any:
        """Check that the layers chain."""
        check_chain(run)

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """One row per layer of neurons, with the layer of weights that feeds it."""
        graph = LayeredGraph.from_snapshot(snapshot)
        names = graph.layer_names
        sizes = graph.sizes
        found = trace(sizes, graph.blocks)
        records = []
        for name in names:
            on = found.from_input[name] & found.to_output[name]
            logs = found.log_through[name]
            peak = logs.max(initial=-math.inf)
            through = np.exp(logs - peak) if math.isfinite(peak) else np.zeros(len(logs))
            top = np.sort(through)[::-1][: math.ceil(0.01 * len(through))].sum()
            edges = effective = 0
            sparsity = effective_sparsity = math.nan
            if name not in graph.inputs:
                block = graph.block(name)
                edges, effective = block.nnz, found.effective[name]
                # Weights, not edges: an edge between channels is a kernel of several.
                size = snapshot.layer(name).size
                live = block @ found.from_input[graph.source_of(name)].astype(np.int64)
                sparsity = 1 - int(block.sum()) / size
                effective_sparsity = 1 - int(live[found.to_output[name]].sum()) / size
            records.append(
                {
                    "layer": name,
                    "n_neurons": sizes[name],
                    "off_path": int((~on).sum()),
                    "reached": found.from_input[name].mean(),
                    "reaching": found.to_output[name].mean(),
                    "log10_paths": (
                        (peak + math.log(through.sum())) / math.log(10)
                        if math.isfinite(peak)
                        else -math.inf
                    ),
                    "top1_share": top / through.sum() if through.any() else math.nan,
                    "edges": edges,
                    "effective_edges": effective,
                    "sparsity": sparsity,
                    "effective_sparsity": effective_sparsity,
                }
            )
        return {"paths": rows_of(snapshot, records, _COLUMNS)}
