"""Finite-size scaling: do hubs and cut-offs move with the width of the layers?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from topolab.analysis import Analysis
from topolab.errors import AnalysisError
from topolab.graph import LayeredGraph
from topolab.hooks import LAYER, WHEN, check_chain, hidden_layers, rows_of
from topolab.metrics.scaling import STRUCTURAL, fit_scaling, natural, tail_measures
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.capacity import edge_capacity

__all__ = ["SizeScaling"]

_COLUMNS = (
    *WHEN,
    LAYER,
    Column("neurons", int, "neurons", "Of the layer: its size n."),
    Column("capacity", int, "edges", "The most edges that one of them can have, at both ends."),
    Column("mean", float, "edges", "Mean total degree."),
    Column("k_max", int, "edges", "Largest total degree."),
    Column("top", float, "edges", "Mean of the hundredth of the neurons with the most edges."),
    Column("cutoff", float, "edges", "1 / rate of the truncated power law k^-alpha e^(-rate k)."),
    Column("alpha", float, "1", "Exponent of that law."),
    Column("x_min", int, "edges", "From where it is fitted."),
    Column("reason", str, "1", "Why there is no cut-off; empty where there is one."),
)
#: What is held against n, and what to call it.
_MEASURES = {
    "mean": "the mean degree",
    "k_max": "the largest degree",
    "top": "the degree of the top hundredth",
    "cutoff": "the cut-off of the truncated power law",
    "capacity": "the capacity of a neuron",
}
_POOLED = (
    Column("group", str, "1", "all: the groups are the sizes."),
    LAYER,
    Column("measure", str, "1", "mean, k_max, top, cutoff or capacity."),
    Column("exponent", float, "1", "b of measure ~ n^b, n the neurons of the layer."),
    Column("low", float, "1", "Lower end of its 95 % interval over seeds."),
    Column("high", float, "1", "Upper end."),
    Column("natural", float, "1", "1 / (alpha - 1), by the median alpha of the runs."),
    Column("structural", float, "1", "1 / 2."),
    Column("sizes", int, "1", "Different sizes."),
    Column("runs", int, "1", "Runs that have the measure."),
    Column("reason", str, "1", "Why a number is missing; empty where none is."),
)


@dataclass(frozen=True)
class SizeScaling(Analysis):
    """How far the degrees of each hidden layer reach, and how that grows with its width over runs.

    Parameters
    ----------
    x_min : int
        Where the truncated power law begins; 0 searches.
    seed : int
        Of the bootstrap over seeds.
    """

    x_min: int = 0
    seed: int = 0

    name = "scaling"
    version = 1
    summary = "Finite-size scaling: largest degrees and cut-offs against the width, over runs"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"scaling": _COLUMNS}
    compares = ("mean", "k_max", "top", "cutoff")
    pooled_schema = _POOLED

    def prepare(self, run: Run) -> Any:
        """The last step: it alone is looked at."""
        check_chain(run)
        if self.x_min < 0:
            raise AnalysisError("scaling: x_min must be at least 1, or 0 to search it")
        if len(run.layers) < 2:
            raise AnalysisError(f"{run.path}: a single layer of weights has no hidden neurons")
        return run.steps[-1]

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """At the last snapshot, one row per hidden layer."""
        if snapshot.step != state:
            return {}
        graph, capacity = LayeredGraph.from_snapshot(snapshot), edge_capacity(snapshot.layers)
        degrees = graph.degrees("total")
        records = []
        for layer in hidden_layers(graph):
            of_layer = degrees[graph.layer_slice(layer)]
            most = capacity[layer]["total"]
            found = tail_measures(of_layer, self.x_min or None, most if most > 1 else None)
            records.append(
                {
                    "layer": layer,
                    "neurons": len(of_layer),
                    "capacity": most,
                    "mean": found.mean,
                    "k_max": found.k_max,
                    "top": found.top,
                    "cutoff": found.cutoff,
                    "alpha": found.alpha,
                    "x_min": found.x_min,
                    "reason": found.reason,
                }
            )
        return {"scaling": rows_of(snapshot, records, _COLUMNS)}

    def across(self, tables: Mapping[str, dict[str, pd.DataFrame]]) -> pd.DataFrame | None:
        """Every run's rows."""
        parts = [of_run["scaling"].assign(run=run) for run, of_run in tables.items()]
        return pd.concat(parts, ignore_index=True)

    def pool(self, across: pd.DataFrame) -> pd.DataFrame | None:
        """The exponents over all runs; nothing where all have one size."""
        rows = []
        for layer, part in across.groupby("layer", sort=False):
            if part["neurons"].nunique() < 2:
                continue
            mixed = part.groupby("neurons")["group"].nunique().max() > 1
            for measure in _MEASURES:
                found = fit_scaling(part["neurons"], part[measure], seed=self.seed)
                row = {
                    "group": "all", "layer": layer, "measure": measure,
                    "exponent": found.exponent, "low": found.low, "high": found.high,
                    "natural": natural(float(part["alpha"].median())), "structural": STRUCTURAL,
                    "sizes": found.sizes, "runs": found.runs, "reason": found.reason,
                }  # fmt: skip
                if mixed:
                    row |= dict.fromkeys(("exponent", "low", "high"), float("nan"))
                    row["reason"] = "runs of one size are in several groups: compare one at a time"
                rows.append(row)
        return pd.DataFrame(rows) if rows else None

    def statements(self, table: pd.DataFrame) -> tuple[str, ...]:
        """What grows by which power of the number of neurons."""
        if "measure" not in table:
            return ()
        said = []
        for layer, part in table.groupby("layer", sort=False):
            rows: list[dict[str, Any]] = part.to_dict("records")  # type: ignore[assignment]
            known = [row for row in rows if math.isfinite(row["exponent"])]
            if not known:
                said.append(f"{layer}: no exponent of size, since {rows[0]['reason']}.")
                continue
            law = rows[0]["natural"]
            theirs = f"a structural cut-off goes as n^{STRUCTURAL:.2f}"
            if math.isfinite(law):
                theirs += f", a power law's natural one as n^{law:.2f}"
            said.append(
                f"{layer}: over {max(row['sizes'] for row in rows)} sizes "
                f"{', '.join(_clause(row) for row in known)}. For comparison: {theirs}."
            )
        return tuple(said)


def _clause(row: Mapping[str, Any]) -> str:
    told = f"{_MEASURES[row['measure']]} goes as n^{row['exponent']:.2f}"
    if row["high"] - row["low"] > 0.005:
        told += f" ({row['low']:.2f} to {row['high']:.2f})"
    return told
