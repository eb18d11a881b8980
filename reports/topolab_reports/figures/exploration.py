"""Exploration: what was tried, and what stayed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import time_panel
from topolab_reports.report_data import ReportData

__all__ = ["Exploration"]

_MEASURES = (
    ("r_s", "weights ever active (%)", "Exploration rate R_s"),
    ("jaccard", "edges in common (%)", "Overlap with the mask before"),
    ("kept", "edges left (%)", "First edges never dropped"),
    ("hubs_kept", "hubs left (%)", "First hubs still among them"),
)


class Exploration(RunFigure):
    """ITOP's R_s, overlap of successive masks, survival of first edges and first hubs."""

    name = "exploration"
    title = "What was tried, and what stayed"
    caption = (
        "Maskable layers together; hubs of the first hidden layer that is masked. Edges that come "
        "and go between two snapshots are not seen."
    )
    source = "NSH names it as future work; R_s after ITOP (Liu et al. 2021)"
    needs = ("exploration",)

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run and step."""
        names = ["run", "group", "step", "epoch"]
        table = data.table("exploration")
        if table.empty:
            return pd.DataFrame(columns=[*names, *[m[0] for m in _MEASURES]])
        table = table[table["layer"] == "all"][[*names, "r_s", "jaccard"]]
        return table.merge(_first_edges(data), on=["run", "step"], how="left").merge(
            _first_hubs(data), on=["run", "step"], how="left"
        )

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per measure."""
        return [
            time_panel(table, y=y, ylabel=label, what=what, percent=True, zero=True, runs=runs)
            for y, label, what in _MEASURES
            if len(table)
        ]


def _first_edges(data: ReportData) -> pd.DataFrame:
    alive = data.table("exploration_survival")
    if "born" not in alive:
        return pd.DataFrame({"run": [], "step": [], "kept": []}).astype({"step": int, "run": str})
    first = alive[alive["born"] == alive.groupby("run")["born"].transform("min")]
    sums = (
        first.assign(left=first["unbroken"] * first["size"])
        .groupby(["run", "step"], sort=False)[["left", "size"]]
        .sum()
        .reset_index()
    )
    share = sums["left"] / sums["size"].where(sums["size"] > 0)
    return sums[["run", "step"]].assign(kept=share)


def _first_hubs(data: ReportData) -> pd.DataFrame:
    hubs = data.table("exploration_hubs")
    if "share" not in hubs:
        return pd.DataFrame({"run": [], "step": [], "hubs_kept": []}).astype(
            {"step": int, "run": str}
        )
    first = {view.label: view.first_layer for view in data.views}
    hubs = hubs[hubs["layer"] == hubs["run"].map(first)]
    most: pd.DataFrame = hubs[hubs["share"] == hubs["share"].max()]
    return most[["run", "step"]].assign(hubs_kept=1 - most["turnover_since_start"])
