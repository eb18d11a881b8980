"""How unequal the fan-in of the neurons is, through time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import per_layer, time_panel
from topolab_reports.report_data import ReportData

__all__ = ["FanInInequality"]

_MEASURES = (
    ("ccv", "fan-in CCV (1)", False),
    ("gini", "Gini coefficient (1)", False),
    ("top1_share", "edges of the top 1 % (%)", True),
)


class FanInInequality(RunFigure):
    """CCV, Gini coefficient and top share of fan-in, per layer."""

    name = "psn-ccv"
    title = "Inequality of fan-in"
    caption = (
        "CCV: standard deviation over mean of the fan-in of the layer's neurons. Gini: 0 if all "
        "have the same fan-in, 1 if one has all. Top 1 %: the share of the layer's incoming edges "
        "that its 1 % most connected neurons hold."
    )
    source = "PSN, RigL's fan-in CCV from several initial masks"
    needs = ("degree",)
    by_layer = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run, step and hidden layer."""
        table = data.table("degree")
        table = data.hidden_layers(table[table["direction"] == "in"])
        return table[["run", "group", "step", "epoch", "layer", *[m[0] for m in _MEASURES]]]

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """Layers below each other, the three measures beside each other."""
        panels = []
        for layer, part in per_layer(table):
            for y, label, percent in _MEASURES:
                what = f"{layer}: {label.split(' (')[0]}"
                panels.append(
                    time_panel(part, y=y, ylabel=label, what=what, percent=percent, runs=runs)
                )
        return panels
