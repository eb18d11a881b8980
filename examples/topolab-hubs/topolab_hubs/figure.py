"""A figure: the overlap in time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import per_layer, time_panel
from topolab_reports.report_data import ReportData

__all__ = ["OverlapInTime"]


class OverlapInTime(RunFigure):
    """A line for each run, a panel for each layer."""

    name = "overlap"
    title = "How alike neurons are wired"
    caption = "Mean Jaccard index of the inputs of two neurons of a layer."
    needs = ("overlap",)
    by_layer = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """What the analysis has a number for."""
        return data.table("overlap").dropna(subset=["overlap"])

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per layer."""
        return [
            time_panel(
                part, y="overlap", ylabel="Jaccard index", what=f"{layer}: overlap of the inputs",
                runs=runs, zero=True,
            )
            for layer, part in per_layer(table)
        ]  # fmt: skip
