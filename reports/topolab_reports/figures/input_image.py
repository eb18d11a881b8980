"""What the two heatmaps share: a view of the inputs as an image, at each moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind
from topolab_reports.plots import pixels
from topolab_reports.report_data import ReportData

__all__ = ["InputImage"]


class InputImage(RunFigure):
    """A view of the heatmap analysis, a moving panel a run, on one colour scale."""

    view: ClassVar[str]
    unit: ClassVar[str]
    needs = ("heatmap",)
    moment = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per pictured run, moment and input."""
        table = data.table("heatmap", representatives=True)
        if table.empty:
            return table
        table = data.at_moments(table[table["view"] == self.view])
        return table[["run", "group", "step", "epoch", "channel", "row", "col", "value"]]

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per run."""
        top = float(table["value"].max()) if len(table) else 1.0
        return [self._panel(str(run), part, top) for run, part in table.groupby("run", sort=False)]

    def _panel(self, run: str, part: pd.DataFrame, top: float) -> Panel:
        return Panel(
            part,
            bind(pixels.draw, title=run, label=self.unit, vmax=top),
            lambda rows: pixels.describe(rows, run=run, what=self.title),
            run=run,
            size=pixels.SIZE,
        )
