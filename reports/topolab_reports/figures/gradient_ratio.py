"""The gradient hierarchy through time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.context import Context
from topolab_reports.figures.base import Figure, Panel
from topolab_reports.figures.common import over_time, per_layer

__all__ = ["GradientRatio"]


class GradientRatio(Figure):
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

    def table(self, context: Context) -> pd.DataFrame:
        """One row per run, step and layer."""
        table = context.table("gradient")
        names = ["run", "group", "step", "epoch", "layer", "ratio", "fan_in_ccv", "reason"]
        return table.reindex(columns=names)

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per layer in which any run has a ratio."""
        return [
            over_time(
                part, y="ratio", ylabel="|gradient|, hubs over specialists (1)", title=layer,
                what=f"{layer}: ratio", runs=runs, zero=True,
            )
            for layer, part in per_layer(table)
            if part["ratio"].notna().any()
        ]  # fmt: skip
