"""Where in the image the network looks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, join, sentence

__all__ = ["HeatmapSection"]


class HeatmapSection(Section):
    """The inputs as an image, through time."""

    name = "heatmap"
    title = "Where the network looks"
    order = 70
    needs = ("heatmap",)
    figures = ("nsh-fig8", "nsh-fig19")

    def build(self, data: ReportData) -> Content:
        """How unequal the degrees of the inputs are."""
        notes = []
        flat = [
            v.label
            for v in data.representatives
            if v.run.layers[0].image_shape is None and v.run.layers[0].kind != "conv"
        ]
        if flat:
            notes.append(
                f"{join(flat)}: the run does not say how its inputs lie in an image, so they are "
                "drawn as a row."
            )
        channels = [v.label for v in data.representatives if v.run.layers[0].kind == "conv"]
        if channels:
            notes.append(
                f"{join(channels)}: the first layer is a convolution, whose inputs are channels, "
                "not pixels; its edges say nothing about places in the image."
            )
        finding = self._finding(data.table("heatmap", representatives=True), data)
        return Content(finding, self.figures, notes=notes)

    @staticmethod
    def _finding(table: pd.DataFrame, data: ReportData) -> str:
        parts = []
        degree = table[table["view"] == "input_degree"]
        for view in data.representatives:
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
