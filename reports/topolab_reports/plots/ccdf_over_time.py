"""Degree distributions through time: one line a moment, from light (start) to dark (end)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import axes_of, degree_axis, settings, share_axis, write_reason

__all__ = ["describe", "draw"]

#: More lines than these cannot be told apart.
MOST = 8


def draw(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Figure:
    """Draw the CCDF of one set of neurons at several moments.

    Parameters
    ----------
    table : DataFrame
        Columns step, epoch, degree, ccdf; degrees ascending within a step.
    ax : Axes, optional
    title : str

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        steps = _choose_steps(table)
        shades = sns.color_palette("viridis_r", len(steps) + 1)[1:]
        for shade, step in zip(shades, steps, strict=True):
            part = table[(table["step"] == step) & (table["degree"] > 0)]
            epoch = float(table.loc[table["step"] == step, "epoch"].iloc[0])
            name = f"epoch {epoch:.4g}" if np.isfinite(epoch) else f"step {step:,}"
            ax.step(part["degree"], part["ccdf"], where="pre", color=shade, lw=1.4, label=name)
        if not (table["degree"] > 0).any():
            write_reason(ax, "no neuron has an edge")
        else:
            ax.set_xscale("log")
            share_axis(ax)
            degree_axis(ax)
            ax.legend(loc="lower left", fontsize=7)
        ax.set_xlabel("total degree k (edges)")
        ax.set_ylabel("share of neurons with degree ≥ k")
        ax.set_title(title)
        return figure


def _choose_steps(table: pd.DataFrame) -> list[int]:
    steps = np.unique(table["step"])
    at = np.unique(np.linspace(0, len(steps) - 1, min(MOST, len(steps))).round().astype(int))
    return [int(step) for step in steps[at]]


def describe(table: pd.DataFrame, *, run: str) -> str:
    """Median and largest degree at the start and at the end, in words."""
    parts = []
    for when, step in (("start", table["step"].min()), ("end", table["step"].max())):
        part = table[table["step"] == step]
        median = float(part.loc[part["ccdf"] >= 0.5, "degree"].max())
        parts.append(f"median {median:.0f}, largest {part['degree'].max():.0f} at the {when}")
    return f"Degree distribution of the hidden neurons of {run} through time: {'; '.join(parts)}."
