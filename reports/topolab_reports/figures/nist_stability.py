"""Stability over seeds: the spread of accuracy at each moment."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import columns, metrics_table, time_panel
from topolab_reports.report_data import ReportData

__all__ = ["Stability"]


class Stability(RunFigure):
    """Standard deviation of the test accuracy over the seeds of a group, through time."""

    name = "nist-stability"
    title = "Stability over seeds"
    caption = (
        "Sample standard deviation of the test accuracy over the runs that differ only by their "
        "seed, at each snapshot."
    )
    source = "NIST, its stability over seeds (test in place of validation accuracy)"

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per group with several seeds and snapshot."""
        wide = columns(metrics_table(data), ["run", "group", "step", "epoch", "test_accuracy"])
        empty = pd.DataFrame(columns=["run", "group", "step", "epoch", "sd", "seeds"])
        if "test_accuracy" not in wide:
            return empty
        groups = wide.groupby(["group", "step"], sort=False)
        table = groups.agg(
            epoch=("epoch", "mean"), sd=("test_accuracy", "std"), seeds=("test_accuracy", "count")
        ).reset_index()
        table = table[table["seeds"] > 1]
        return table.assign(run=table["group"])[list(empty.columns)] if len(table) else empty

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """One panel, if any group has several seeds."""
        if table.empty:
            return []
        return [
            time_panel(
                table, y="sd", ylabel="SD of test accuracy (points)", what="Spread over seeds",
                percent=True, zero=True, runs=runs,
            )
        ]  # fmt: skip
