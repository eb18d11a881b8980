"""Where in the image the network looks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from topolab_reports.figures import pixels
from topolab_reports.sections.base import Content, Context, FigureGroup, Section, join, sentence

__all__ = ["HeatmapSection"]

_VIEWS = {
    "input_degree": (
        "Degree of each input",
        "Edges from each pixel into the first layer.",
        "degree (edges)",
    ),
    "first_hidden": (
        "First hidden layer mapped back",
        "Each pixel has the total degrees of the hidden neurons it feeds, summed.",
        "summed degree (edges)",
    ),
}


class HeatmapSection(Section):
    """The inputs as an image, through time."""

    name = "heatmap"
    title = "Where the network looks"
    order = 70
    needs = ("heatmap",)

    def build(self, context: Context) -> Content:
        """Both views at every moment, each on one colour scale for all runs and moments."""
        table = context.table("heatmap")
        groups = []
        for view, (heading, caption, label) in _VIEWS.items():
            of_view = table[table["view"] == view]
            shown_steps = {
                (run.label, context.step_of(moment, i))
                for i, run in enumerate(context.views)
                for moment in context.moments
            }
            seen = [
                pair in shown_steps for pair in zip(of_view["run"], of_view["step"], strict=True)
            ]
            top = float(of_view[seen]["value"].max())
            panels = tuple(
                context.moving(
                    i, self._drawer(of_view, run.label, heading, label, top), colours=None
                )
                for i, run in enumerate(context.views)
            )
            groups.append(FigureGroup(heading, f"{caption} One colour scale for all.", panels))
        notes = []
        flat = [v.label for v in context.views if v.run.layers[0].image_shape is None]
        if flat:
            notes.append(
                f"{join(flat)}: the run does not say how its inputs lie in an image, so they are "
                "drawn as a row."
            )
        return Content(self._finding(table, context), groups, notes=notes)

    @staticmethod
    def _drawer(
        table: pd.DataFrame, label: str, what: str, unit: str, top: float
    ) -> Callable[[int], tuple[Figure, str]]:
        of_run = table[table["run"] == label]

        def draw(step: int) -> tuple[Figure, str]:
            part = of_run[of_run["step"] == step]
            figure = pixels.draw(part, title=f"{label}, step {step}", label=unit, vmax=top)
            return figure, pixels.describe(part, run=f"{label} at step {step}", what=what)

        return draw

    @staticmethod
    def _finding(table: pd.DataFrame, context: Context) -> str:
        parts = []
        degree = table[table["view"] == "input_degree"]
        for view in context.views:
            of_run = degree[degree["run"] == view.label]
            ends = [
                of_run[of_run["step"] == s]["value"].to_numpy() for s in view.run.steps[[0, -1]]
            ]
            spread = [float(e.std() / e.mean()) if e.mean() > 0 else np.nan for e in ends]
            parts.append(
                f"the input degrees of {view.label} have a CCV of {spread[0]:.2f} at the start and "
                f"{spread[1]:.2f} at the end, the largest being {ends[1].max():.0f} edges"
            )
        return sentence(parts)
