"""Exploration: what was tried, and what stayed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.figures import timeline
from topolab_reports.sections.base import Content, Context, FigureGroup, Section, percent, sentence

__all__ = ["ExplorationSection"]


class ExplorationSection(Section):
    """ITOP's R_s, overlap of successive masks, survival of the first edges, turnover of hubs."""

    name = "exploration"
    title = "Exploration"
    order = 80
    needs = ("exploration",)

    def build(self, context: Context) -> Content:
        """All maskable layers together; hubs of the first hidden layer."""
        table = context.table("exploration")
        together = table[table["layer"] == "all"]
        alive = context.table("exploration_survival")
        first = alive[alive["born"] == alive.groupby("run")["born"].transform("min")]
        kept = (
            first.assign(left=first["unbroken"] * first["size"])
            .groupby(["run", "step", "epoch"], sort=False, dropna=False)[["left", "size"]]
            .sum()
            .reset_index()
        )
        kept["share"] = kept["left"] / kept["size"].where(kept["size"] > 0)
        hubs = context.table("exploration_hubs")
        layers = [layer.name for layer in context.views[0].run.layers]
        hubs = hubs[(hubs["layer"] == layers[0]) & (hubs["share"] == hubs["share"].max())]
        panels = []
        for data, y, label, what in (
            (together, "r_s", "weights ever active (%)", "Exploration rate R_s"),
            (together, "jaccard", "edges in common (%)", "Overlap with the mask before"),
            (kept, "share", "edges left (%)", "First edges never dropped"),
            (hubs.assign(kept=1 - hubs["turnover_since_start"]), "kept", "hubs left (%)",
             f"First hubs of {layers[0]} still among them"),
        ):  # fmt: skip
            figure = timeline.draw(
                data, y=y, ylabel=label, title=what, runs=context.labels, percent=True, zero=True
            )
            panels.append(
                context.still(figure, timeline.describe(data, y=y, what=what, percent=True))
            )
        group = FigureGroup(
            "What was tried, and what stayed",
            "Maskable layers together. Edges that come and go between two snapshots are not seen.",
            tuple(panels),
        )
        return Content(self._finding(context, together, kept), [group])

    @staticmethod
    def _finding(context: Context, together: pd.DataFrame, kept: pd.DataFrame) -> str:
        parts = []
        for run in context.labels:
            explored = together[together["run"] == run]["r_s"]
            left = kept[kept["run"] == run]["share"]
            said = f"{run} has tried {percent(float(explored.iloc[-1]))} of its weights"
            if len(left) and np.isfinite(left.iloc[-1]):
                said += f" and never dropped {percent(float(left.iloc[-1]))} of its first edges"
            parts.append(f"by its end {said}")
        return sentence(parts)
