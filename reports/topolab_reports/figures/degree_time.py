"""Degree distributions of the hidden neurons through time, in one panel a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind
from topolab_reports.plots import ccdf_over_time
from topolab_reports.report_data import ReportData

__all__ = ["DegreeTime", "pool_layers"]


def pool_layers(table: pd.DataFrame) -> pd.DataFrame:
    """Degree distributions of several layers as one.

    Parameters
    ----------
    table : DataFrame
        Columns run, group, step, epoch, degree, count of the layers to pool.

    Returns
    -------
    DataFrame
        Columns run, group, step, epoch, degree, count, ccdf; runs in the order they came in,
        degrees ascending.
    """
    keys = ["run", "group", "step"]
    order = {run: i for i, run in enumerate(table["run"].unique())}
    counts = (
        table.groupby([*keys, "degree"], sort=True)
        .agg(epoch=("epoch", "first"), count=("count", "sum"))
        .reset_index()
        .sort_values("run", key=lambda runs: runs.map(order), kind="stable", ignore_index=True)
    )
    by_moment = counts.groupby(keys, sort=False)["count"]
    above = by_moment.transform("sum") - by_moment.cumsum() + counts["count"]
    counts["ccdf"] = above / by_moment.transform("sum")
    return counts[[*keys, "epoch", "degree", "count", "ccdf"]]


class DegreeTime(RunFigure):
    """CCDF of the total degrees of all hidden neurons, a line a moment."""

    name = "degree-time"
    title = "Degree distribution through time"
    caption = (
        "All hidden neurons pooled: share with at least a total degree (the edges of every layer, "
        "dense ones too), from light (start) to dark (end). Both axes are logarithmic."
    )
    source = "NSH, degree distributions through time"
    needs = ("degree",)

    def table(self, data: ReportData) -> pd.DataFrame:
        """The pooled distribution of each pictured run at a few moments, evenly chosen."""
        table = data.table("degree_distribution", representatives=True)
        table = data.hidden_layers(table[table["direction"] == "total"])
        return pool_layers(self._at_few_steps(table))

    @staticmethod
    def _at_few_steps(table: pd.DataFrame) -> pd.DataFrame:
        parts = []
        for _, part in table.groupby("run", sort=False):
            steps = np.unique(part["step"])
            n = min(ccdf_over_time.MOST, len(steps))
            at = steps[np.unique(np.linspace(0, len(steps) - 1, n).round().astype(int))]
            parts.append(part[part["step"].isin(at)])
        return pd.concat(parts, ignore_index=True) if parts else table

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per run."""
        return [self._panel(str(run), part) for run, part in table.groupby("run", sort=False)]

    @staticmethod
    def _panel(run: str, part: pd.DataFrame) -> Panel:
        return Panel(
            part,
            bind(ccdf_over_time.draw, title=run),
            lambda rows: ccdf_over_time.describe(rows, run=run),
        )
