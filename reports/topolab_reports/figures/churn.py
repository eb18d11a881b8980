"""How many edges each update replaces."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import metrics_table, per_layer, time_panel
from topolab_reports.report_data import ReportData

__all__ = ["Churn"]


class Churn(RunFigure):
    """Edges dropped and not grown again at once, per layer."""

    name = "churn"
    title = "How much of the wiring moves"
    by_layer = True
    caption = (
        "Edges that an update really exchanged: dropped and not grown again at once. As many were "
        "grown."
    )

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run, snapshot and layer whose training recorded it."""
        wide = metrics_table(data)
        parts = [
            wide[["run", "group", "step", "epoch"]].assign(
                layer=str(column).removeprefix("dropped."), replaced=wide[column]
            )
            for column in wide
            if str(column).startswith("dropped.")
        ]
        if not parts:
            return pd.DataFrame(columns=["run", "group", "step", "epoch", "layer", "replaced"])
        return pd.concat(parts, ignore_index=True).dropna(subset=["replaced"])

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per layer."""
        return [
            time_panel(
                part, y="replaced", ylabel="edges", what=f"{layer}: edges replaced per update",
                runs=runs, zero=True,
            )
            for layer, part in per_layer(table)
        ]  # fmt: skip
