"""Two measures against each other, a mark for each layer and moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import INK, axes_of, run_colours, settings, write_reason

__all__ = ["correlation", "describe", "draw"]

_MARKS = ("o", "s", "^", "D", "v", "P")


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    x: str,
    y: str,
    xlabel: str,
    ylabel: str,
    title: str = "",
    runs: Sequence[str] | None = None,
    level: tuple[float, str] | None = None,
) -> Figure:
    """Draw `y` against `x`, a colour for each run or group and a mark for each layer.

    Parameters
    ----------
    table : DataFrame
        Columns group, layer, step and the two.
    ax : Axes, optional
    x, y : str
    xlabel, ylabel : str
    title : str
    runs : sequence of str, optional
        All runs or groups of the report.
    level : (float, str), optional
        A horizontal line with a name.

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        known = table.dropna(subset=[x, y])
        colours = run_colours(runs or list(table["group"].unique()))
        layers = list(table["layer"].unique())
        for (group, layer), part in known.groupby(["group", "layer"], sort=False):
            ax.plot(
                part[x], part[y], linestyle="", marker=_MARKS[layers.index(layer) % len(_MARKS)],
                color=colours[str(group)], markersize=4, alpha=0.6, markeredgewidth=0,
                label=f"{group}: {layer}",
            )  # fmt: skip
        if known.empty:
            write_reason(ax, "nothing to draw: no values")
        else:
            ax.legend(loc="best", fontsize=7)
        if level is not None:
            ax.axhline(level[0], color=INK, lw=0.8, alpha=0.6, zorder=1)
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel)
        ax.set_title(title)
        return figure


def correlation(table: pd.DataFrame, x: str, y: str) -> tuple[float, int]:
    """Pearson's r and the number of points; NaN where either does not vary."""
    known = table.dropna(subset=[x, y])
    if len(known) < 3 or known[x].std() == 0 or known[y].std() == 0:
        return float("nan"), len(known)
    return float(np.corrcoef(known[x], known[y])[0, 1]), len(known)


def describe(table: pd.DataFrame, *, x: str, y: str, what: str) -> str:
    """Pearson's r over all points, in words."""
    r, n = correlation(table, x, y)
    if not np.isfinite(r):
        return f"{what}: {n} points, of which no correlation can be had."
    return f"{what}: Pearson's r is {r:.2f} over {n} points."
