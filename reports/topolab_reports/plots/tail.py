"""A degree distribution with the power law fitted to its tail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import zeta

from topolab_reports.style import (
    INK,
    STYLES,
    axes_of,
    degree_axis,
    settings,
    share_axis,
    write_reason,
)

__all__ = ["describe", "draw"]


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    fits: pd.DataFrame,
    title: str = "",
    colour: Any = INK,
) -> Figure:
    """Draw the CCDF of a sequence and each law in `fits` over its tail.

    Parameters
    ----------
    table : DataFrame
        Columns degree, ccdf: one sequence at one moment.
    ax : Axes, optional
    fits : DataFrame
        Columns variant, alpha, x_min, n, n_tail, reason.
    title : str
    colour : colour

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        data = table[(table["degree"] > 0) & table["ccdf"].notna()]
        ax.step(data["degree"], data["ccdf"], where="pre", color=colour, label="observed")
        for i, law in enumerate(fits.to_dict("records"), start=1):
            if law["reason"] or not np.isfinite(law["alpha"]) or data.empty:
                continue
            k = np.unique(np.geomspace(law["x_min"], data["degree"].max() + 1, 200).round())
            share = (
                law["n_tail"] / law["n"] * zeta(law["alpha"], k) / zeta(law["alpha"], law["x_min"])
            )
            ax.plot(
                k, share, color=INK, linewidth=1.2, linestyle=STYLES[i],
                label=f"{law['variant']}: α = {law['alpha']:.2f}, k ≥ {law['x_min']}",
            )  # fmt: skip
        if data.empty:
            write_reason(ax, "no neuron has an edge")
        else:
            ax.set_xscale("log")
            share_axis(ax)
            ax.set_ylim(min(data["ccdf"].min() / 2, 0.08), 1.5)
            degree_axis(ax)
        ax.set_xlabel("total degree k (edges)")
        ax.set_ylabel("share of neurons with degree ≥ k")
        ax.set_title(title)
        ax.legend(loc="lower left")
        return figure


def describe(fits: pd.DataFrame, *, run: str) -> str:
    """The fits in words, or why there is none."""
    parts = []
    for law in fits.to_dict("records"):
        if law["reason"]:
            parts.append(f"{law['variant']} x_min: no fit, {law['reason']}")
        else:
            parts.append(
                f"{law['variant']} x_min {law['x_min']}: alpha {law['alpha']:.2f}, KS distance "
                f"{law['ks_distance']:.3f}, {law['n_tail']} of {law['n']} neurons in the tail"
            )
    return (
        f"Degree distribution of the hidden neurons of {run} with fits. " + "; ".join(parts) + "."
    )
