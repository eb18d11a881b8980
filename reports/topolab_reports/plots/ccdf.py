"""Degree distributions at one moment: the share of neurons with at least a degree, as steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import (
    STYLES,
    axes_of,
    degree_axis,
    layer_colours,
    settings,
    write_reason,
)

__all__ = ["describe", "draw"]


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str = "",
    layers: Sequence[str] | None = None,
    xlim: tuple[float, float] | None = None,
    ylim: tuple[float, float] | None = None,
) -> Figure:
    """Draw the CCDF of each layer in the table.

    Degrees of 0 have no place on a logarithmic axis: the line begins at the share of neurons that
    have an edge, and `describe` says how many have none.

    Parameters
    ----------
    table : DataFrame
        Columns layer, degree, count, ccdf of one moment, degrees ascending within a layer.
    ax : Axes, optional
    title : str
    layers : sequence of str, optional
        All layers of the run, for the colours; by default those in the table.
    xlim, ylim : tuple of float, optional
        Shared by the panels of a figure.

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        layers = list(layers or table["layer"].unique())
        colours = layer_colours(layers)
        for i, layer in enumerate(layers):
            part = table[table["layer"] == layer]
            positive = part[part["degree"] > 0]
            # P(K >= k) holds from just above the degree before to k itself: a step before k.
            ax.step(
                positive["degree"], positive["ccdf"], where="pre", color=colours[layer],
                linestyle=STYLES[i % len(STYLES)], label=layer,
                marker="o" if len(positive) <= 2 else None,  # hardly a line
            )  # fmt: skip
        if not (table["degree"] > 0).any():
            write_reason(ax, "no neuron has an edge")
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
        zeros = part.loc[part["degree"] == 0, "count"].sum() / part["count"].sum()
        parts.append(
            f"{layer}: median {median:.4g}, largest {part['degree'].max()}"
            + (f", {100 * zeros:.1f} % without an edge" if zeros else "")
        )
    return f"Degree distribution of {run}. " + "; ".join(parts) + "."
