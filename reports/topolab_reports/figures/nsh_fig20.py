"""Topology correlation: Kendall's tau-b between every two snapshots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind
from topolab_reports.plots import matrix
from topolab_reports.report_data import ReportData

__all__ = ["TopologyCorrelation"]


class TopologyCorrelation(RunFigure):
    """A matrix per pictured run and layer, on one colour scale."""

    name = "nsh-fig20"
    title = "Topology correlation"
    caption = (
        "Kendall's τ-b of the neurons' total degrees (the edges of every layer) at two steps: "
        "1 if they are in the same order, 0 if the orders have nothing in common. All panels share "
        "one colour scale."
    )
    source = "NSH, Fig. 20"
    needs = ("kendall",)
    by_layer = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run, layer and pair of steps; the dense last layer left out."""
        table = data.table("kendall", representatives=True)
        names = ["run", "group", "layer", "step_a", "step_b", "tau"]
        table = table.reindex(columns=names)
        keep = np.ones(len(table), dtype=bool)
        for view in data.representatives:  # a dense last layer has constant degrees at all times
            last = view.run.layers[-1]
            if not last.maskable:
                keep &= ~((table["run"] == view.label) & (table["layer"] == last.name)).to_numpy()
        return table[keep].reset_index(drop=True)

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per run and layer."""
        low = table["tau"].min()
        vmin = min(float(np.floor(10 * low) / 10), 0.9) if np.isfinite(low) else -1.0
        return [
            self._panel(str(run), str(layer), part, vmin)
            for (run, layer), part in table.groupby(["run", "layer"], sort=False)
        ]

    @staticmethod
    def _panel(run: str, layer: str, part: pd.DataFrame, vmin: float) -> Panel:
        return Panel(
            part,
            bind(matrix.draw, title=f"{run}: {layer}", vmin=vmin),
            lambda rows: matrix.describe(rows, run=run, layer=layer),
            cursor="both",
            size=matrix.SIZE,
        )
