"""Rank correlation of every two snapshots as a matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import MAP, axes_of, settings

__all__ = ["describe", "draw"]


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
        figure, ax = axes_of(ax, size=(4.4, 3.5))
        matrix = table.pivot(index="step_a", columns="step_b", values="tau")
        every = max(1, len(matrix) // 5)
        sns.heatmap(
            matrix, ax=ax, vmin=vmin, vmax=vmax, cmap=MAP, square=True, rasterized=True,
            xticklabels=every, yticklabels=every,
            cbar_kws={"label": "Kendall's τ-b", "shrink": 0.85},
        )  # fmt: skip
        if matrix.isna().all(axis=None):
            ax.text(0.5, 0.5, "constant degrees:\nτ is not defined", transform=ax.transAxes,
                    ha="center", va="center")  # fmt: skip
        ax.invert_yaxis()
        ax.set_xlabel("step")
        ax.set_ylabel("step")
        ax.tick_params(rotation=0, length=2)
        ax.grid(visible=False)
        ax.set_title(title)
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
