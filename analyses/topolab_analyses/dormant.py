"""Neurons that take no part, by structure alone, per layer through time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from topolab.analysis import Analysis
from topolab.errors import AnalysisError
from topolab.graph import LayeredGraph
from topolab.metrics.dormancy import below, on_path
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.common import LAYER, WHEN, check_chain, rows

__all__ = ["Dormant"]

_COLUMNS = (
    *WHEN,
    LAYER,
    Column(
        "measure",
        str,
        "1",
        "below_T = total degree below T; no_input, no_output = no edge on that side; "
        "off_path = on no path from an input to an output.",
    ),
    Column("count", int, "neurons", "Neurons of the layer for which it holds."),
    Column("share", float, "1", "The same as a share of the layer's neurons."),
    Column("n_neurons", int, "neurons", "Neurons of the layer."),
)


@dataclass(frozen=True)
class Dormant(Analysis):
    """Structurally dormant neurons.

    Parameters
    ----------
    thresholds : tuple of int
        A neuron with a total degree below one is counted for it. NSH uses 10 and 110.
    """

    thresholds: tuple[int, ...] = (10, 110)

    name = "dormant"
    version = 1
    summary = "Dormant neurons: below each degree threshold, without input or output, off any path"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"dormant": _COLUMNS}

    def prepare(self, run: Run) -> Any:
        """Check thresholds and that the layers chain."""
        check_chain(run)
        try:
            return tuple(int(t) for t in self.thresholds)
        except (TypeError, ValueError) as error:
            raise AnalysisError(
                f"dormant: thresholds {self.thresholds!r} is not a list of whole numbers"
            ) from error

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """Counts per layer and measure: no_input not of inputs, no_output not of the last layer."""
        graph = LayeredGraph.from_snapshot(snapshot)
        degrees = {direction: graph.degrees(direction) for direction in ("in", "out", "total")}
        names = graph.layer_names
        sizes = {n: graph.layer_slice(n).stop - graph.layer_slice(n).start for n in names}
        through = on_path(sizes, [(graph.source_of(n), n, graph.block(n)) for n in names[1:]])
        records = []
        for name in names:
            where = graph.layer_slice(name)
            counts = {f"below_{t}": below(degrees["total"][where], t) for t in state}
            if name != "input":
                counts["no_input"] = below(degrees["in"][where], 1)
            if name != names[-1]:
                counts["no_output"] = below(degrees["out"][where], 1)
            counts["off_path"] = int((~through[name]).sum())
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
        return {"dormant": rows(snapshot, records, _COLUMNS)}
