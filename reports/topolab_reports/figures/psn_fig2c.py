"""Gradient ratio against the inequality of fan-in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind
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
        """Columns run, group, step, epoch, layer, fan_in_ccv, ratio."""
        table = data.hidden_layers(data.table("gradient"))
        names = ["run", "group", "step", "epoch", "layer", "fan_in_ccv", "ratio"]
        return table.reindex(columns=names).dropna(subset=["ratio", "fan_in_ccv"])

    def caption_for(self, table: pd.DataFrame) -> str:
        """What a point is, and the correlation."""
        r, n = relation.correlation(table, "fan_in_ccv", "ratio")
        sentence = f"Pearson's r is {r:.2f} over {n} points" if np.isfinite(r) else "no correlation"
        return (
            "Mean absolute gradient of the active weights of the upper half of the neurons by "
            "fan-in, over that of the lower half; a point for each hidden layer and snapshot. "
            f"Here {sentence}; points of one run are not independent."
        )

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """One panel."""
        if table.empty:
            return []
        options = {"x": "fan_in_ccv", "y": "ratio"}
        return [
            Panel(
                table,
                bind(
                    relation.draw, **options, runs=runs, title=self.title,
                    xlabel="fan-in CCV (1)", ylabel="|gradient|, hubs over specialists (1)",
                    level=(1.0, "no hierarchy"),
                ),
                lambda rows: relation.describe(rows, **options, what=self.title),
            )
        ]  # fmt: skip
