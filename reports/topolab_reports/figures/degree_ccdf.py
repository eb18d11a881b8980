"""Degree distributions at each moment."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind
from topolab_reports.plots import ccdf
from topolab_reports.report_data import ReportData

__all__ = ["DegreeCCDF"]


class DegreeCCDF(RunFigure):
    """CCDF of the total degrees of the inputs and each hidden layer, a panel a run."""

    name = "degree-ccdf"
    title = "Degree distribution"
    caption = (
        "Share of neurons with at least a total degree (the edges of every layer, dense ones too), "
        "both axes logarithmic. A power law would be a straight line. Move the time control to see "
        "it change."
    )
    source = "NSH, degree distributions (P(k) of the hidden neurons; inputs apart)"
    needs = ("degree",)
    by_layer = True
    moment = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """Degrees with their counts and CCDF at the moments shown."""
        table = data.table("degree_distribution", representatives=True)
        # The last layer is mostly dense, and its handful of outputs is no distribution.
        table = data.hidden_layers(table[table["direction"] == "total"], inputs=True)
        return data.at_moments(table).drop(columns="direction")

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A moving panel per run, all with the same limits."""
        positive = table[(table["degree"] > 0) & table["ccdf"].notna()]
        xlim, ylim = (0.9, 10.0), (0.1, 1.4)
        if len(positive):
            xlim = (positive["degree"].min() * 0.9, positive["degree"].max() * 1.1)
            ylim = (positive["ccdf"].min() * 0.7, 1.4)
        return [self._panel(str(run), part, xlim, ylim)
                for run, part in table.groupby("run", sort=False)]  # fmt: skip

    @staticmethod
    def _panel(
        run: str, part: pd.DataFrame, xlim: tuple[float, float], ylim: tuple[float, float]
    ) -> Panel:
        layers = list(part["layer"].unique())
        draw = bind(ccdf.draw, title=run, layers=layers, xlim=xlim, ylim=ylim)
        return Panel(part, draw, lambda rows: ccdf.describe(rows, run=_when(run, rows)), run=run)


def _when(run: str, rows: pd.DataFrame) -> str:
    return f"{run} at step {int(rows['step'].iloc[0]):,}" if len(rows) else run
