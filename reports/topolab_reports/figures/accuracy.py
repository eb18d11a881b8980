"""Test accuracy and losses at each snapshot."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import columns, metrics_table, time_panel
from topolab_reports.report_data import ReportData

__all__ = ["Accuracy"]

_MEASURES = (
    ("test_accuracy", "test accuracy (%)", "Test accuracy", True),
    ("test_loss", "test loss (nats)", "Test loss", False),
    ("train_loss", "training loss (nats)", "Training loss since the last snapshot", False),
)


class Accuracy(RunFigure):
    """Accuracy and loss, a panel each."""

    name = "accuracy"
    title = "Accuracy and loss"
    caption = (
        "On the test set at each snapshot, right after the update that it records: what was "
        "dropped is gone, what was grown is still 0. A dip there is the price of the update."
    )

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run and snapshot."""
        return columns(
            metrics_table(data), ["run", "group", "step", "epoch", *[m[0] for m in _MEASURES]]
        )

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel for each measure that any run recorded."""
        return [
            time_panel(table, y=y, ylabel=label, what=what, percent=percent, runs=runs)
            for y, label, what, percent in _MEASURES
            if y in table and table[y].notna().any()
        ]
