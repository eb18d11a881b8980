"""Gradient hierarchy: do hubs get larger gradients?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.figures import timeline
from topolab_reports.sections.base import Content, Context, FigureGroup, Section, sentence

__all__ = ["GradientSection"]


class GradientSection(Section):
    """The ratio of gradients, hubs over specialists, through time."""

    name = "gradient"
    title = "Gradient hierarchy"
    order = 75
    needs = ("gradient",)

    def build(self, context: Context) -> Content:
        """A panel per layer in which any run has a ratio."""
        table = context.table("gradient")
        panels = []
        for layer, part in table.groupby("layer", sort=False):
            if part["ratio"].isna().all():
                continue
            figure = timeline.draw(
                part, y="ratio", ylabel="|gradient|, hubs over specialists (1)", title=str(layer),
                runs=context.labels, zero=True,
            )  # fmt: skip
            panels.append(
                context.still(figure, timeline.describe(part, y="ratio", what=f"{layer}: ratio"))
            )
        groups = []
        if panels:
            groups.append(
                FigureGroup(
                    "Hubs over specialists",
                    "Mean absolute gradient of the active weights of the upper half of the neurons "
                    "by fan-in, over that of the lower half; 1 where fan-in makes no difference.",
                    tuple(panels),
                )
            )
        return Content(self._finding(context, table), groups)

    @staticmethod
    def _finding(context: Context, table: pd.DataFrame) -> str:
        parts = []
        for run in context.labels:
            part = table[table["run"] == run]
            last = part[(part["step"] == part["step"].max()) & np.isfinite(part["ratio"])]
            if last.empty:
                reasons = part[part["reason"] != ""]["reason"]
                why = str(reasons.iloc[0]) if len(reasons) else "no ratio is finite"
                parts.append(f"nothing is known of {run}: {why}")
                continue
            ratios = ", ".join(f"{r['ratio']:.1f} in {r['layer']}" for _, r in last.iterrows())
            parts.append(f"at the end of {run} hubs get {ratios} times the gradient of specialists")
        return sentence(parts)
