"""One composite figure: the wiring, the degrees through time, and the key curves."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import metrics_table, time_panel
from topolab_reports.figures.degree_time import DegreeTime
from topolab_reports.figures.wiring import Wiring
from topolab_reports.report_data import ReportData

__all__ = ["Curves", "Overview"]


class Curves(RunFigure):
    """Test accuracy, fan-in CCV of the first layer and the highest shell, through time."""

    name = "curves"
    title = "Accuracy and topology"
    caption = (
        "Test accuracy at each snapshot; inequality (CCV) of the fan-in of the first hidden "
        "layer; the highest shell of the network."
    )
    needs = ("degree", "kshell")

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run and snapshot."""
        table = metrics_table(data).reindex(
            columns=["run", "group", "step", "epoch", "test_accuracy"]
        )
        degree = data.table("degree")
        if "direction" in degree:
            first = {view.label: view.first_layer for view in data.views}
            here = (degree["direction"] == "in") & (degree["layer"] == degree["run"].map(first))
            table = table.merge(degree[here][["run", "step", "ccv"]], on=["run", "step"],
                                how="left")  # fmt: skip
        shells = data.table("kshell")
        if "k_max" in shells:
            depth = shells.drop_duplicates(["run", "step"])[["run", "step", "k_max"]]
            table = table.merge(depth, on=["run", "step"], how="left")
        return table

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per curve that has values."""
        return [
            time_panel(table, y=y, ylabel=label, what=what, percent=percent, runs=runs)
            for y, label, what, percent in (
                ("test_accuracy", "test accuracy (%)", "Test accuracy", True),
                ("ccv", "fan-in CCV (1)", "Inequality of fan-in, first layer", False),
                ("k_max", "coreness (1)", "Highest shell k_max", False),
            )
            if y in table and table[y].notna().any()
        ]


class Overview(RunFigure):
    """The figures of the first screen as one."""

    name = "overview"
    title = "At a glance"
    caption = "The network at its start, middle and end; degrees through time; the key curves."
    needs = ("wiring", "degree", "kshell")

    _parts = (Wiring, DegreeTime, Curves)

    def table(self, data: ReportData) -> pd.DataFrame:
        """The tables of the parts below each other, with a column part."""
        return pd.concat(
            [part().table(data).assign(part=part.name) for part in self._parts],
            ignore_index=True,
        )

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """The panels of the parts, one after the other."""
        panels = []
        for part in self._parts:
            of_part = table[table["part"] == part.name]
            if len(of_part):
                panels += part().panels(of_part, runs)
        return panels
