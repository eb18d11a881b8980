"""The gradient hierarchy through time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import per_layer, time_panel
from topolab_reports.report_data import ReportData

__all__ = ["GradientRatio"]


class GradientRatio(RunFigure):
    """Ratio of gradients, hubs over specialists, per layer."""

    name = "gradient-ratio"
    title = "Hubs over specialists"
    caption = (
        "Mean absolute gradient of the active weights of the upper half of the neurons by fan-in, "
        "over that of the lower half; 1 where fan-in makes no difference."
    )
    source = "PSN, gradient ratio of structured profiles (2 to 5)"
    needs = ("gradient",)
    by_layer = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run, step and layer."""
        table = data.table("gradient")
        names = ["run", "group", "step", "epoch", "layer", "ratio", "fan_in_ccv", "reason"]
        return table.reindex(columns=names)

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per layer in which any run has a ratio."""
        return [
            time_panel(
                part, y="ratio", ylabel="|gradient|, hubs over specialists (1)", title=layer,
                what=f"{layer}: ratio", runs=runs, zero=True,
            )
            for layer, part in per_layer(table)
            if part["ratio"].notna().any()
        ]  # fmt: skip
