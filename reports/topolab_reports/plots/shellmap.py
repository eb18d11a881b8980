"""Shells through time: how many neurons of a layer are in each shell, as colour."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from topolab_reports.style import MAP, axes_of, colour_bar, settings, time_axis, write_reason

__all__ = ["SIZE", "describe", "draw"]

SIZE = (4.2, 3.0)
#: Shells are binned where there are more: a row must be high enough to be seen.
ROWS = 40


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str = "",
    top: int | None = None,
    most: float | None = None,
) -> Figure:
    """Draw the number of neurons in each shell over time.

    Parameters
    ----------
    table : DataFrame
        Columns step, epoch, coreness, count of one layer of one run.
    ax : Axes, optional
    title : str
    top : int, optional
        Highest shell of the axis, shared by panels.
    most : float, optional
        Top of the colour scale, shared by panels.

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax, size=SIZE, right=0.75)
        epochs = bool(table["epoch"].notna().all()) and len(table) > 0
        ax.set_title(title)
        ax.set_ylabel("coreness k (1)")
        if table.empty:
            write_reason(ax, "no hidden layer")
            return figure
        time = "epoch" if epochs else "step"
        top = int(table["coreness"].max()) if top is None else top
        width = max(1, int(np.ceil((top + 1) / ROWS)))
        bins = np.arange(0, top + 1 + width, width)
        times = np.sort(table[time].unique())
        counts = np.zeros((len(bins) - 1, len(times)))
        where = np.searchsorted(times, table[time])
        np.add.at(counts, (table["coreness"].to_numpy() // width, where), table["count"].to_numpy())
        middle = (times[1:] + times[:-1]) / 2
        edges = np.concatenate([times[:1], middle, times[-1:]])
        if len(times) == 1:
            edges = np.array([times[0] - 0.5, times[0] + 0.5])
        mesh = ax.pcolormesh(
            edges, bins - 0.5, np.ma.masked_equal(counts, 0), cmap=MAP, rasterized=True,
            norm=LogNorm(1, max(2.0, most or counts.max())),
        )  # fmt: skip
        ax.set_ylim(-0.5, top + 0.5)
        ax.grid(visible=False)
        time_axis(ax, epochs=epochs)
        ax.margins(x=0)
        colour_bar(ax, mesh, "neurons" if width == 1 else f"neurons in {width} shells")
        return figure


def describe(table: pd.DataFrame, *, run: str, layer: str) -> str:
    """Lowest and highest shell at the start and at the end, in words."""
    parts = []
    for when, step in (("start", table["step"].min()), ("end", table["step"].max())):
        part = table[table["step"] == step]
        low, high = part["coreness"].min(), part["coreness"].max()
        most = part["count"].idxmax()
        parts.append(
            f"shells {low} to {high} at the {when}, {part['count'][most]} neurons in the fullest "
            f"({part['coreness'][most]})"
        )
    return f"Shells of {layer} of {run}: {'; '.join(parts)}."
