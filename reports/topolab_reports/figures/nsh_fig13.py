"""The degree distributions of several runs at their ends, in one panel."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind, rows_at_end
from topolab_reports.figures.degree_time import pool_layers
from topolab_reports.plots import ccdf_by_run
from topolab_reports.report_data import ReportData

__all__ = ["DegreesAtTheEnd"]


class DegreesAtTheEnd(RunFigure):
    """CCDF of the hidden degrees at the last snapshot, a line a run: for pruning criteria."""

    name = "nsh-fig13"
    title = "Degree distributions at the end"
    caption = (
        "All hidden neurons pooled at the last snapshot of each run, in the same panel; the total "
        "degree counts the edges of every layer, dense ones too. Runs of one group are pooled over "
        "their seeds."
    )
    source = "NSH, Fig. 13 (pruning by magnitude, by sign, at random): one run for each"
    needs = ("degree",)
    moment = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per group and degree."""
        table = data.table("degree_distribution")
        table = data.hidden_layers(table[table["direction"] == "total"])
        last = rows_at_end(data, table)
        # Seeds of a group end at the same step or not: here all count as the end.
        return pool_layers(last.assign(run=last["group"], step=0)).drop(columns="step")

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """One panel."""
        draw = bind(ccdf_by_run.draw, runs=runs, title=self.title)
        return [Panel(table, draw, ccdf_by_run.describe)]
