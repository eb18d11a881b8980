"""The shells themselves: how many neurons are in each, through time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind
from topolab_reports.plots import shellmap
from topolab_reports.report_data import ReportData

__all__ = ["Shells"]


class Shells(RunFigure):
    """Neurons per shell over time, a panel per run and hidden layer."""

    name = "nsh-fig12"
    title = "Shells through time"
    caption = (
        "Neurons in each shell of the whole network, on one logarithmic colour scale; white where "
        "there is none. The edges of the last layer are left out."
    )
    source = "NSH, Figs. 11 and 12 (k-shell decomposition): sizes of the shells"
    needs = ("kshell",)
    by_layer = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per pictured run, step, layer and shell that is not empty."""
        table = data.hidden_layers(data.table("kshell_shells", representatives=True), inputs=True)
        return table.reindex(
            columns=["run", "group", "step", "epoch", "layer", "coreness", "count"]
        )

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per run and layer, with the same axes and colours."""
        if table.empty:
            return []
        top, most = int(table["coreness"].max()), float(table["count"].max())
        return [
            self._panel(str(run), str(layer), part, top, most)
            for (run, layer), part in table.groupby(["run", "layer"], sort=False)
        ]

    @staticmethod
    def _panel(run: str, layer: str, part: pd.DataFrame, top: int, most: float) -> Panel:
        return Panel(
            part,
            bind(shellmap.draw, title=f"{run}: {layer}", top=top, most=most),
            lambda rows: shellmap.describe(rows, run=run, layer=layer),
            cursor="x",
            size=shellmap.SIZE,
        )
