"""Gradients by decile of fan-in at the last snapshot."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind, per_layer, rows_at_end
from topolab_reports.plots import deciles
from topolab_reports.report_data import ReportData

__all__ = ["GradientDeciles"]


class GradientDeciles(RunFigure):
    """Mean absolute gradient of each decile of a layer's neurons, relative to their mean."""

    name = "gradient-deciles"
    title = "Gradient by fan-in"
    caption = (
        "Mean absolute gradient of the active weights of each tenth of a layer's neurons by "
        "fan-in, over the mean of the tenths, at the last snapshot. Of several seeds the first "
        "is shown."
    )
    source = "PSN, gradient hierarchy"
    needs = ("gradient",)
    by_layer = True
    moment = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per pictured run, hidden layer and decile."""
        table = data.hidden_layers(data.table("gradient_deciles", representatives=True))
        names = ["run", "group", "step", "layer", "decile", "fan_in", "gradient", "n_neurons"]
        table = table.reindex(columns=names)
        last = rows_at_end(data, table)
        mean = last.groupby(["run", "layer"])["gradient"].transform("mean")
        return last.assign(relative=last["gradient"] / mean.where(mean > 0))

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per layer with gradients."""
        table = table.assign(run=table["group"])
        return [
            self._panel(layer, part, runs)
            for layer, part in per_layer(table)
            if part["relative"].notna().any()
        ]

    def _panel(self, layer: str, part: pd.DataFrame, runs: Sequence[str] | None) -> Panel:
        return Panel(
            part,
            bind(deciles.draw, title=layer, runs=runs),
            lambda rows: deciles.describe(rows, what=f"{self.title}, {layer}"),
        )
