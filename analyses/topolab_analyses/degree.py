"""Degree distributions, and how unequal they are, per layer through time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from topolab.analysis import Analysis
from topolab.graph import LayeredGraph
from topolab.hooks import LAYER, WHEN, check_chain, rows_of
from topolab.metrics import degree as metrics
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["Degree"]

_DIRECTION = Column("direction", str, "1", "in = fan-in, out = fan-out, total = their sum.")
_SUMMARY = (
    *WHEN,
    LAYER,
    _DIRECTION,
    Column("n_neurons", int, "neurons", "Neurons of the layer."),
    Column("n_edges", int, "edges", "Edge ends of the layer in this direction: the degrees' sum."),
    Column("mean", float, "edges", "Mean degree."),
    Column("std", float, "edges", "Population standard deviation of the degrees."),
    Column("ccv", float, "1", "Coefficient of variation, std / mean; NaN without edges."),
    Column("gini", float, "1", "Gini coefficient of the degrees; NaN without edges."),
    Column("top1_share", float, "1", "Share of the edge ends held by the top 1 % of neurons."),
    Column("max", int, "edges", "Largest degree."),
    Column("min", int, "edges", "Smallest degree."),
)
_DISTRIBUTION = (
    *WHEN,
    LAYER,
    _DIRECTION,
    Column("degree", int, "edges", "A degree that occurs in the layer."),
    Column("count", int, "neurons", "Neurons that have it."),
    Column("ccdf", float, "1", "Share of the layer's neurons with at least this degree."),
)


@dataclass(frozen=True)
class Degree(Analysis):
    """Degrees of all neurons: in, out and total, of every layer.

    The inputs have no in-degree and the last layer no out-degree; those rows are left out, and
    for these two layers total is the one that is there.
    """

    name = "degree"
    version = 1
    summary = "Degree distributions per layer: CCDF, CCV, Gini, share of the top 1 %"
    compares = ("ccv", "gini", "top1_share")
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "degree": _SUMMARY,
        "degree_distribution": _DISTRIBUTION,
    }

    def prepare(self, run: Run) -> Any:
        """Check that the layers chain."""
        check_chain(run)

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """One row per layer and direction, and its distribution."""
        graph = LayeredGraph.from_snapshot(snapshot)
        summary: list[dict[str, Any]] = []
        distribution: list[dict[str, Any]] = []
        none = {"in": graph.inputs, "out": graph.unread, "total": frozenset[str]()}
        for direction in ("in", "out", "total"):
            degrees = graph.degrees(direction)
            for layer in graph.layer_names:
                if layer in none[direction]:
                    continue
                values = degrees[graph.layer_slice(layer)]
                key = {"layer": layer, "direction": direction}
                summary.append(
                    {
                        **key,
                        "n_neurons": len(values),
                        "n_edges": int(values.sum()),
                        "mean": values.mean(),
                        "std": values.std(),
                        "ccv": metrics.ccv(values),
                        "gini": metrics.gini(values),
                        "top1_share": metrics.top_share(values, 0.01),
                        "max": int(values.max()),
                        "min": int(values.min()),
                    }
                )
                for k, count, at_least in zip(*metrics.ccdf(values), strict=True):
                    distribution.append({**key, "degree": k, "count": count, "ccdf": at_least})
        return {
            "degree": rows_of(snapshot, summary, _SUMMARY),
            "degree_distribution": rows_of(snapshot, distribution, _DISTRIBUTION),
        }
