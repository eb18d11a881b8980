"""The first hidden layer mapped back to the inputs, as an image."""

from __future__ import annotations

from topolab_reports.figures.input_image import InputImage

__all__ = ["FirstHidden"]


class FirstHidden(InputImage):
    """Each pixel has the total degrees of the hidden neurons it feeds, summed."""

    name = "nsh-fig19"
    title = "First hidden layer mapped back"
    caption = (
        "Each pixel has the total degrees of the hidden neurons it feeds, summed (the edges of "
        "every layer, dense ones too). One colour scale for all."
    )
    source = "NSH, Figs. 8 and 19 (heatmaps): first hidden layer mapped back"
    view = "first_hidden"
    unit = "summed degree (edges)"
