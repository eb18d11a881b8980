"""Gradient ratio against the inequality of fan-in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind
from topolab_reports.figures.gradient_ratio import READINGS
from topolab_reports.plots import relation
from topolab_reports.report_data import ReportData

__all__ = ["GradientAgainstCCV"]


class GradientAgainstCCV(RunFigure):
    """One point per run, hidden layer and snapshot."""

    name = "psn-fig2c"
    title = "Gradient ratio against fan-in CCV"
    source = "PSN, Fig. 2 (c): the gradient hierarchy follows the CV of fan-in (r = 0.93 there)"
    needs = ("gradient",)

    def table(self, data: ReportData) -> pd.DataFrame:
        """Columns run, group, step, epoch, layer, fan_in_ccv, ratio_all, ratio_active."""
        table = data.hidden_layers(data.table("gradient"))
        names = ["run", "group", "step", "epoch", "layer", "fan_in_ccv", *READINGS]
        return table.reindex(columns=names).dropna(subset=["ratio_active", "fan_in_ccv"])

    def caption_for(self, table: pd.DataFrame) -> str:
        """What a point is, and the correlation of each reading."""
        found = []
        for column, name in READINGS.items():
            r, n = relation.correlation(table, "fan_in_ccv", column)
            found.append(f"{r:.2f} over {name}" if np.isfinite(r) else f"not known over {name}")
        sentence = f"Here Pearson's r is {' and '.join(found)} ({n} points)"
        return (
            "Mean absolute gradient of the upper half of the neurons by fan-in over that of the "
            "lower half, a point for each hidden layer and snapshot. All entries: of the masked "
            "gradient, zeros included, as PSN seems to count. This contains the ratio of the "
            "fan-ins and so rises with their CV in any network. "
            f"Active weights: of these alone. {sentence}; points of one run are not independent."
        )

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per reading."""
        if table.empty:
            return []
        return [self._panel(table, column, name, runs) for column, name in READINGS.items()]

    def _panel(
        self, table: pd.DataFrame, column: str, name: str, runs: Sequence[str] | None
    ) -> Panel:
        options = {"x": "fan_in_ccv", "y": column}
        return Panel(
            table,
            bind(
                relation.draw, **options, runs=runs, title=f"{self.title}, {name}",
                xlabel="fan-in CCV (1)", ylabel=f"|gradient|, {name} (1)",
                level=(1.0, "no hierarchy"),
            ),
            lambda rows: relation.describe(rows, **options, what=f"{self.title}, {name}"),
        )  # fmt: skip
