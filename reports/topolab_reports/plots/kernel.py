"""Attachment kernels: edges gained and lost by degree, against chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from topolab_reports.style import (
    INK,
    STYLES,
    axes_of,
    degree_axis,
    label_ends,
    run_colours,
    settings,
    write_reason,
)

__all__ = ["describe", "draw"]

#: Bins with fewer events are left out: their interval would fill the panel.
LEAST = 10


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str = "",
    runs: Sequence[str] | None = None,
) -> Figure:
    """Draw one kernel per run: events over those that chance gives, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        Columns run, degree, value, low, high, events of one layer, end and kernel.
    ax : Axes, optional
    title : str
    runs : sequence of str, optional
        All runs of the report, so that a run has one colour everywhere.

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        colours = run_colours(runs or list(table["run"].unique()))
        ends = []
        for i, (run, part) in enumerate(table.groupby("run", sort=False)):
            known = part[(part["events"] >= LEAST) & (part["value"] > 0) & (part["degree"] > 0)]
            if known.empty:
                continue
            colour = colours[str(run)]
            ax.plot(known["degree"], known["value"], color=colour, marker="o",
                    linestyle=STYLES[i % len(STYLES)])  # fmt: skip
            low = known["low"].where(known["low"] > 0, known["value"])
            ax.fill_between(known["degree"], low, known["high"].fillna(known["value"]),
                            color=colour, alpha=0.2, lw=0)  # fmt: skip
            ends.append((float(known["degree"].iloc[-1]), float(known["value"].iloc[-1]),
                         str(run), colour))  # fmt: skip
        ax.set_xlabel("degree before the update (edges)")
        ax.set_ylabel("events over chance (1)")
        ax.set_title(title)
        if not ends:
            write_reason(ax, "nothing to draw: too few events")
            return figure
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.axhline(1.0, color=INK, lw=0.8, alpha=0.6, zorder=1)
        bottom, top = ax.get_ylim()
        ax.set_ylim(min(bottom, 0.5), max(top, 2.0))
        degree_axis(ax)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())
        label_ends(ax, ends)
        return figure


def describe(table: pd.DataFrame, *, what: str) -> str:
    """Lowest and highest degree of each kernel and its values there, in words."""
    parts = []
    for run, part in table.groupby("run", sort=False):
        known = part[(part["events"] >= LEAST) & np.isfinite(part["value"])]
        if known.empty:
            parts.append(f"{run}: too few events")
            continue
        first, last = known.iloc[0], known.iloc[-1]
        parts.append(
            f"{run}: {first['value']:.2g} times chance at degree {first['degree']:.0f}, "
            f"{last['value']:.2g} times at degree {last['degree']:.0f}"
        )
    return f"{what} by degree, 1 being chance. " + "; ".join(parts) + "."
