"""Degree distributions of several runs over each other."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import (
    STYLES,
    axes_of,
    degree_axis,
    run_colours,
    settings,
    share_axis,
    write_reason,
)

__all__ = ["describe", "draw"]


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str = "",
    runs: Sequence[str] | None = None,
) -> Figure:
    """Draw the CCDF of each run or group.

    Parameters
    ----------
    table : DataFrame
        Columns group, degree, ccdf; degrees ascending.
    ax : Axes, optional
    title : str
    runs : sequence of str, optional
        All runs or groups of the report, for the colours.

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        colours = run_colours(runs or list(table["group"].unique()))
        for i, (group, part) in enumerate(table.groupby("group", sort=False)):
            part = part[part["degree"] > 0]
            ax.step(part["degree"], part["ccdf"], where="pre", color=colours[str(group)],
                    linestyle=STYLES[i % len(STYLES)], label=str(group))  # fmt: skip
        if not (table["degree"] > 0).any():
            write_reason(ax, "no neuron has an edge")
        else:
            ax.set_xscale("log")
            share_axis(ax)
            degree_axis(ax)
            ax.legend(loc="lower left")
        ax.set_xlabel("total degree k (edges)")
        ax.set_ylabel("share of neurons with degree ≥ k")
        ax.set_title(title)
        return figure


def describe(table: pd.DataFrame) -> str:
    """Median and largest degree of each, in words."""
    parts = []
    for group, part in table.groupby("group", sort=False):
        median = part.loc[part["ccdf"] >= 0.5, "degree"].max()
        parts.append(f"{group}: median {median:.0f}, largest {part['degree'].max():.0f}")
    return "Degree distributions at the end. " + "; ".join(parts) + "."
