"""The gradient hierarchy through time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import per_layer, time_panel
from topolab_reports.report_data import ReportData

__all__ = ["READINGS", "GradientRatio"]


#: The columns of the two readings of PSN's ratio, the paper's first, and how they are called.
READINGS = {"ratio_all": "all entries", "ratio_active": "active weights"}


class GradientRatio(RunFigure):
    """Ratio of gradients, hubs over specialists, per layer and reading."""

    name = "gradient-ratio"
    title = "Hubs over specialists"
    caption = (
        "Mean absolute gradient of the upper half of the neurons by fan-in over that of the lower "
        "half. All entries: of their rows of the masked gradient, zeros included, as PSN seems to "
        "count; it is the ratio over active weights times that of the fan-ins, so hubs are above 1 "
        "by having more weights. Active weights: of these alone; 1 if fan-in makes no difference."
    )
    source = "PSN, gradient ratio of structured profiles (2 to 5)"
    needs = ("gradient",)
    by_layer = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run, step and layer."""
        table = data.table("gradient")
        names = ["run", "group", "step", "epoch", "layer", *READINGS, "fan_in_ratio",
                 "fan_in_ccv", "reason"]  # fmt: skip
        return table.reindex(columns=names)

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """Two panels per layer in which any run has a ratio."""
        return [
            time_panel(
                part, y=column, ylabel=f"|gradient|, {name} (1)", title=f"{layer}, {name}",
                what=f"{layer}: ratio over {name}", runs=runs, zero=True,
            )
            for layer, part in per_layer(table)
            if part["ratio_active"].notna().any()
            for column, name in READINGS.items()
        ]  # fmt: skip
