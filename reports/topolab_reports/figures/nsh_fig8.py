"""Degree of each input, as an image."""

from __future__ import annotations

from topolab_reports.figures.input_image import InputImage

__all__ = ["InputDegree"]


class InputDegree(InputImage):
    """Edges from each pixel into the first layer."""

    name = "nsh-fig8"
    title = "Degree of each input"
    caption = "Edges from each pixel into the first layer. One colour scale for all."
    source = "NSH, Figs. 8 and 19 (heatmaps): degree of the inputs"
    view = "input_degree"
    unit = "degree (edges)"
