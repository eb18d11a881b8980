"""Weighted degrees: how unequal neuron strength is, and whether it follows degree."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import per_layer, time_panel
from topolab_reports.report_data import ReportData

__all__ = ["Strength"]

_MEASURES = (
    ("ccv", "strength CCV (1)"),
    ("rank_correlation", "Kendall's τ-b with fan-in (1)"),
)


class Strength(RunFigure):
    """CCV of the incoming strength and its rank correlation with fan-in, per layer."""

    name = "strength"
    title = "Strength of neurons"
    caption = (
        "Strength is the sum of |w| over a neuron's incoming edges. CCV: standard deviation over "
        "mean. τ-b: 1 where the neurons with most inputs are also the strongest."
    )
    source = "NSH names weighted graphs as future work"
    needs = ("strength",)
    by_layer = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run, step and hidden layer."""
        table = data.table("strength")
        if "direction" in table:
            table = table[table["direction"] == "in"]
        names = ["run", "group", "step", "epoch", "layer", *[m[0] for m in _MEASURES], "reason"]
        return data.hidden_layers(table).reindex(columns=names)

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """Layers below each other, both measures beside each other."""
        return [
            time_panel(part, y=y, ylabel=label, what=f"{layer}: {label.split(' (')[0]}", runs=runs)
            for layer, part in per_layer(table)
            for y, label in _MEASURES
            if part[y].notna().any()
        ]
