"""Neurons that take no part, by structure and by activation, per layer through time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from topolab.analysis import Analysis
from topolab.errors import AnalysisError
from topolab.graph import LayeredGraph
from topolab.hooks import LAYER, WHEN, check_chain, rows_of
from topolab.metrics.dormancy import below, on_path, tau_dormant
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["Dormant"]

_COLUMNS = (
    *WHEN,
    LAYER,
    Column(
        "measure",
        str,
        "1",
        "below_T = total degree below T; no_input, no_output = no edge on that side; "
        "off_path = on no path from an input to an output; tau_T = mean |activation| at most T "
        "times the layer's mean.",
    ),
    Column("count", int, "neurons", "Neurons of the layer for which it holds."),
    Column("share", float, "1", "The same as a share of the layer's neurons."),
    Column("n_neurons", int, "neurons", "Neurons of the layer."),
)


@dataclass(frozen=True)
class Dormant(Analysis):
    """Dormant neurons: by their edges, and by activation where that was recorded.

    Parameters
    ----------
    thresholds : tuple of int
        A neuron with a total degree below one is counted for it. NSH uses 10 and 110.
    taus : tuple of float
        A neuron is tau-dormant if its mean absolute activation is at most tau times its layer's
        mean (Sokar et al. 2023). Rows are there for layers whose activity was recorded and is
        finite.
    """

    thresholds: tuple[int, ...] = (10, 110)
    taus: tuple[float, ...] = (0.0, 0.025, 0.1)

    name = "dormant"
    version = 2
    summary = "Dormant neurons: few edges, none on a side, on no path; hardly ever active (tau)"
    compares = ("share",)
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"dormant": _COLUMNS}

    def prepare(self, run: Run) -> Any:
        """Check thresholds and that the layers chain."""
        check_chain(run)
        try:
            taus = tuple(float(t) for t in self.taus)
        except (TypeError, ValueError) as error:
            raise AnalysisError(f"dormant: taus {self.taus!r} is not a list of numbers") from error
        if not all(t >= 0 for t in taus):
            raise AnalysisError(f"dormant: taus {self.taus!r} must not be below 0")
        try:
            return tuple(int(t) for t in self.thresholds), taus
        except (TypeError, ValueError) as error:
            raise AnalysisError(
                f"dormant: thresholds {self.thresholds!r} is not a list of whole numbers"
            ) from error

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """Counts per layer and measure: no_input not of inputs, no_output not of outputs."""
        graph = LayeredGraph.from_snapshot(snapshot)
        degrees = {direction: graph.degrees(direction) for direction in ("in", "out", "total")}
        names = graph.layer_names
        sizes = graph.sizes
        through = on_path(sizes, graph.blocks)
        records = []
        for name in names:
            where = graph.layer_slice(name)
            counts = {f"below_{t}": below(degrees["total"][where], t) for t in state[0]}
            if name not in graph.inputs:
                counts["no_input"] = below(degrees["in"][where], 1)
            if name not in graph.unread:
                counts["no_output"] = below(degrees["out"][where], 1)
            counts["off_path"] = int((~through[name]).sum())
            activity = None if name in graph.inputs else snapshot.activity[name]
            if activity is not None and np.isfinite(activity).all() and activity.min() >= 0:
                for tau in state[1]:
                    counts[f"tau_{tau:g}"] = int(tau_dormant(activity, tau).sum())
            for measure, count in counts.items():
                records.append(
                    {
                        "layer": name,
                        "measure": measure,
                        "count": count,
                        "share": count / sizes[name],
                        "n_neurons": sizes[name],
                    }
                )
        return {"dormant": rows_of(snapshot, records, _COLUMNS)}
