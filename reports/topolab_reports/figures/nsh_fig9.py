"""Dormant neurons through time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import time_panel
from topolab_reports.report_data import ReportData

__all__ = ["Dormancy"]


class Dormancy(RunFigure):
    """Share of neurons below each threshold of degree, on no path, or silent."""

    name = "nsh-fig9"
    title = "Dormant neurons, and others that take little part"
    caption = (
        "Share of a layer's neurons with fewer edges than a threshold, in and out together, of "
        "every layer, dense ones too (dormant are those below the smallest); on no path from an "
        "input to an output; or with a mean activation of at most τ times the layer's mean, where "
        "activity was recorded. Measures that are 0 throughout have no panel."
    )
    source = "NSH, Fig. 9 (degree below 10 and 110); τ-dormancy after Sokar et al. (2023)"
    needs = ("dormant",)
    by_layer = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run, step, layer and measure."""
        table = data.hidden_layers(data.table("dormant"), inputs=True)
        names = ["run", "group", "step", "epoch", "layer", "measure", "count", "share", "n_neurons"]
        table = table.reindex(columns=names)
        return table[~table["measure"].isin(["no_input", "no_output"])]

    def caption_for(self, table: pd.DataFrame) -> str:
        """Which measures are 0 throughout."""
        quiet = [
            measure_words(str(measure))
            for measure, part in table.groupby("measure", sort=False)
            if not part["count"].any()
        ]
        if not quiet:
            return self.caption
        return f"{self.caption} These are 0 throughout: {', '.join(quiet)}."

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per measure and layer in which it holds for any neuron."""
        panels = []
        for (measure, layer), part in table.groupby(["measure", "layer"], sort=False):
            if part["count"].any():
                panels.append(
                    time_panel(
                        part, y="share", ylabel="share of neurons (%)", percent=True, zero=True,
                        runs=runs, what=f"{layer}: {measure_words(str(measure))}",
                    )
                )  # fmt: skip
        return panels


def measure_words(measure: str) -> str:
    """A measure of the table in words.

    Examples
    --------
    >>> measure_words("below_10"), measure_words("tau_0.1"), measure_words("off_path")
    ('degree below 10', 'activity ≤ 0.1 of the mean', 'on no path')
    """
    if measure.startswith("below_"):
        return f"degree below {measure.removeprefix('below_')}"
    if measure.startswith("tau_"):
        tau = measure.removeprefix("tau_")
        return "no activity" if float(tau) == 0 else f"activity ≤ {tau} of the mean"
    return "on no path"
