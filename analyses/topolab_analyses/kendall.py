"""Rank correlation of the degrees between all pairs of snapshots, per layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from topolab.analysis import Analysis
from topolab.errors import AnalysisError
from topolab.graph import LayeredGraph
from topolab.hooks import LAYER, check_chain
from topolab.metrics.correlation import kendall_matrix
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["Kendall"]

_COLUMNS = (
    LAYER,
    Column("step_a", int, "steps", "Step of the one snapshot."),
    Column("step_b", int, "steps", "Step of the other."),
    Column("tau", float, "1", "Kendall's tau-b of the total degrees; NaN where one is constant."),
    Column("n_neurons", int, "neurons", "Neurons of the layer."),
    Column("note", str, "1", "Why tau is NaN; empty where it is a number."),
)
_DEGREES = (
    Column("step", int, "steps", "Optimiser steps done when the snapshot was taken."),
    LAYER,
    Column("neuron", int, "1", "Index of the neuron in its layer."),
    Column("degree", int, "edges", "Its degree."),
)


@dataclass(frozen=True)
class Kendall(Analysis):
    """Kendall's tau-b between the degree sequences of every two snapshots, a matrix per layer.

    Parameters
    ----------
    direction : {"total", "in", "out"}
    """

    direction: str = "total"

    name = "kendall"
    version = 2
    summary = "Kendall tau-b between the degrees of every two snapshots, a T x T matrix per layer"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "kendall": _COLUMNS,
        "kendall_degrees": _DEGREES,
    }

    def prepare(self, run: Run) -> Any:
        """Check the direction and that the layers chain."""
        check_chain(run)
        if self.direction not in ("in", "out", "total"):
            raise AnalysisError(f"kendall: direction {self.direction!r} is none of in, out, total")

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """The degrees of every neuron: what the matrices are made of."""
        graph = LayeredGraph.from_snapshot(snapshot)
        degrees = graph.degrees(self.direction)  # type: ignore[arg-type]  # checked in prepare
        parts = []
        for name in graph.layer_names:
            of_layer = degrees[graph.layer_slice(name)]
            parts.append(
                pd.DataFrame(
                    {
                        "step": snapshot.step,
                        "layer": name,
                        "neuron": np.arange(len(of_layer)),
                        "degree": of_layer,
                    }
                )
            )
        return {"kendall_degrees": pd.concat(parts, ignore_index=True)}

    def conclude(self, rows: dict[str, pd.DataFrame], state: Any) -> dict[str, pd.DataFrame]:
        """One matrix per layer, all pairs of steps, in rows."""
        parts = []
        long = rows["kendall_degrees"]
        for layer, part in long.groupby("layer", sort=False):
            # The frames come in order of the run, each with its neurons in order.
            steps = part["step"].unique()
            tau = kendall_matrix(part["degree"].to_numpy().reshape(len(steps), -1))
            parts.append(
                pd.DataFrame(
                    {
                        "layer": layer,
                        "step_a": np.repeat(steps, len(steps)),
                        "step_b": np.tile(steps, len(steps)),
                        "tau": tau.reshape(-1),
                        "n_neurons": len(part) // len(steps),
                        "note": np.where(
                            np.isnan(tau.reshape(-1)), "one of the two has equal degrees only", ""
                        ),
                    }
                )
            )
        return {"kendall": pd.concat(parts, ignore_index=True), "kendall_degrees": long}
