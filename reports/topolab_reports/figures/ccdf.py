"""Degree distributions at one moment: the share of neurons with at least a degree, as steps."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import STYLES, axes_of, degree_axis, layer_colours, settings

__all__ = ["describe", "draw"]


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str = "",
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
) -> Figure:
    """Draw the CCDF of each layer in the table.

    Degrees of 0 have no place on a logarithmic axis: their share is written beside the line's
    name, and the line begins at the share of neurons that have an edge.

    Parameters
    ----------
    table : DataFrame
        Columns layer, degree, count, ccdf of one moment, degrees ascending within a layer.
    ax : Axes, optional
    title : str
    xlim, ylim : tuple of float, optional
        Shared by the panels of a figure.

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        layers = list(table["layer"].unique())
        colours = layer_colours(layers)
        for i, layer in enumerate(layers):
            part = table[table["layer"] == layer]
            positive = part[part["degree"] > 0]
            zeros = part.loc[part["degree"] == 0, "count"].sum() / part["count"].sum()
            label = layer if zeros == 0 else f"{layer} ({100 * zeros:.1f} % without an edge)"
            # P(K >= k) holds from just above the degree before to k itself: a step before k.
            ax.step(
                positive["degree"], positive["ccdf"], where="pre", color=colours[layer],
                linestyle=STYLES[i % len(STYLES)], label=label,
            )  # fmt: skip
            if len(positive) <= 2:  # a line of one or two degrees is hardly a line
                ax.plot(positive["degree"], positive["ccdf"], "o", color=colours[layer])
        if not (table["degree"] > 0).any():
            ax.text(0.5, 0.5, "no neuron has an edge", transform=ax.transAxes, ha="center")
        ax.set_xscale("log")
        ax.set_yscale("log")
        if xlim:
            ax.set_xlim(*xlim)
        if ylim:
            ax.set_ylim(*ylim)
        degree_axis(ax)
        ax.set_xlabel("total degree k (edges)")
        ax.set_ylabel("share of neurons with degree ≥ k")
        ax.set_title(title)
        if layers:
            ax.legend(loc="lower left")
        return figure


def describe(table: pd.DataFrame, *, run: str) -> str:
    """Median and largest degree of each layer, in words."""
    parts = []
    for layer, part in table.groupby("layer", sort=False):
        median = np.median(np.repeat(part["degree"], part["count"]))
        parts.append(f"{layer}: median {median:.4g}, largest {part['degree'].max()}")
    return f"Degree distribution of {run}. " + "; ".join(parts) + "."
