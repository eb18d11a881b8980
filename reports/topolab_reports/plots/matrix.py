"""Rank correlation of every two snapshots as a matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import MAP, axes_of, colour_bar, settings, write_reason

__all__ = ["SIZE", "describe", "draw"]

SIZE = (4.0, 3.2)


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str = "",
    vmin: float = -1.0,
    vmax: float = 1.0,
) -> Figure:
    """Draw tau-b between the snapshots at two steps.

    Parameters
    ----------
    table : DataFrame
        Columns step_a, step_b, tau of one layer; NaN stays blank.
    ax : Axes, optional
    title : str
    vmin, vmax : float
        Limits of the colour scale, shared by the panels of a figure.

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax, size=SIZE, right=0.72)
        matrix = table.pivot(index="step_a", columns="step_b", values="tau")
        n = len(matrix)
        image = ax.imshow(
            np.ma.masked_invalid(matrix.to_numpy(float)), cmap=MAP, vmin=vmin, vmax=vmax,
            origin="lower", interpolation="none",
        )  # fmt: skip
        if matrix.isna().all(axis=None):
            write_reason(ax, "constant degrees:\nτ is not defined")
        at = np.unique(np.linspace(0, n - 1, min(n, 5)).round().astype(int))
        ax.set_xticks(at, [f"{matrix.columns[i]:,}" for i in at])
        ax.set_yticks(at, [f"{matrix.index[i]:,}" for i in at])
        ax.set_xlabel("step")
        ax.set_ylabel("step")
        ax.tick_params(length=2)
        ax.tick_params(axis="x", labelsize=7)
        ax.grid(visible=False)
        ax.set_title(title)
        colour_bar(ax, image, "Kendall's τ-b")
        return figure


def describe(table: pd.DataFrame, *, run: str, layer: str) -> str:
    """How far the last ranking is from the first, in words."""
    ends = table[
        (table["step_a"] == table["step_a"].min()) & (table["step_b"] == table["step_b"].max())
    ]
    tau = float(ends["tau"].iloc[0]) if len(ends) else np.nan
    if not np.isfinite(tau):
        return f"{run}, {layer}: Kendall's tau is not defined between first and last snapshot."
    return f"{run}, {layer}: Kendall's tau between the first and the last snapshot is {tau:.2f}."
