"""A degree distribution with the power law fitted to its tail."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
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

__all__ = ["describe", "draw", "survival"]

FloatArray = npt.NDArray[np.float64]


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
        Columns variant, alpha, x_min, n, n_tail, reason; x_max where a law is bounded.
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
            if not np.isfinite(law["alpha"]) or data.empty:
                continue
            k = np.unique(np.geomspace(law["x_min"], data["degree"].max() + 1, 200).round())
            x_max = law.get("x_max", 0)
            k = k[k <= x_max] if x_max else k
            share = law["n_tail"] / law["n"] * survival(k, law["alpha"], law["x_min"], x_max)
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


def survival(k: FloatArray, alpha: float, x_min: int, x_max: int = 0) -> FloatArray:
    """Share of a fitted tail with a degree of at least k; x_max bounds the law, 0 for no bound.

    Examples
    --------
    >>> survival(np.array([1.0, 2.0]), 2.0, 1, x_max=2).round(3).tolist()
    [1.0, 0.2]
    """
    if not x_max:
        return np.asarray(zeta(alpha, k) / zeta(alpha, x_min), dtype=np.float64)
    # Summed, not by zeta: a bounded law may be as flat as it likes.
    degrees = np.arange(x_min, x_max + 1, dtype=np.float64)
    above = np.cumsum((degrees**-alpha)[::-1])[::-1]
    return np.asarray(above[k.astype(np.int64) - x_min] / above[0], dtype=np.float64)


def describe(fits: pd.DataFrame, *, run: str) -> str:
    """The fits in words, or why there is none."""
    parts = []
    for law in fits.to_dict("records"):
        if not np.isfinite(law["alpha"]):
            parts.append(f"{law['variant']} x_min: no fit, {law['reason']}")
        else:
            parts.append(
                f"{law['variant']} x_min {law['x_min']}: alpha {law['alpha']:.2f}, KS distance "
                f"{law['ks_distance']:.3f}, {law['n_tail']} of {law['n']} neurons in the tail"
            )
    return (
        f"Degree distribution of the hidden neurons of {run} with fits. " + "; ".join(parts) + "."
    )
