"""Core, crust and isolated neurons of every layer, and how deep the core is."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind, time_panel
from topolab_reports.plots import shells
from topolab_reports.report_data import ReportData

__all__ = ["Roles"]


class Roles(RunFigure):
    """Shares of the three roles per layer through time; the highest shell."""

    name = "nsh-fig11"
    title = "Core, crust and isolated neurons"
    caption = (
        "The core is the highest shell of the whole network, isolated its lowest. The edges of "
        "the last layer are left out: a dense one lifts every neuron before it. Every neuron of "
        "the core has at least k_max neighbours in it. Of several seeds the first is shown."
    )
    source = "NSH, Figs. 11 and 12 (k-shell decomposition): roles per layer"
    needs = ("kshell",)
    by_layer = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run, step, layer and role."""
        table = data.table("kshell")
        names = ["run", "group", "step", "epoch", "layer", "role", "count", "share", "k_max"]
        return table.reindex(columns=names)

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per pictured run and layer, then one of k_max for all."""
        first = table[table["run"] == table.groupby("group")["run"].transform("first")]
        panels = [
            self._panel(f"{run}: {layer}", str(run), str(layer), part)
            for (run, layer), part in first.groupby(["run", "layer"], sort=False)
        ]
        depth = table.drop_duplicates(["run", "step"])
        if len(depth):
            panels.append(
                time_panel(depth, y="k_max", ylabel="coreness (1)", what="Highest shell k_max",
                          runs=runs)
            )  # fmt: skip
        return panels

    @staticmethod
    def _panel(title: str, run: str, layer: str, part: pd.DataFrame) -> Panel:
        return Panel(
            part,
            bind(shells.draw, title=title),
            lambda rows: shells.describe(rows, run=run, layer=layer),
            cursor="x",
            size=shells.SIZE,
        )
