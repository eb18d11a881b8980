"""A value by decile of fan-in, a line for each run or group."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import STYLES, axes_of, label_ends, run_colours, settings, write_reason

__all__ = ["describe", "draw"]


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str = "",
    runs: Sequence[str] | None = None,
) -> Figure:
    """Draw the mean absolute gradient of each decile, relative to the mean of all.

    Parameters
    ----------
    table : DataFrame
        Columns run, decile, relative; one layer at one moment a run.
    ax : Axes, optional
    title : str
    runs : sequence of str, optional

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        colours = run_colours(runs or list(table["run"].unique()))
        ends = []
        for i, (run, part) in enumerate(table.groupby("run", sort=False)):
            part = part.dropna(subset=["relative"]).sort_values("decile")
            if part.empty:
                continue
            ax.plot(part["decile"], part["relative"], color=colours[str(run)], marker="o",
                    linestyle=STYLES[i % len(STYLES)], label=str(run))  # fmt: skip
            ends.append((float(part["decile"].iloc[-1]), float(part["relative"].iloc[-1]),
                         str(run), colours[str(run)]))  # fmt: skip
        if not ends:
            write_reason(ax, "nothing to draw: no gradient was recorded")
        ax.set_xlabel("decile of neurons by fan-in (1 = fewest inputs)")
        ax.set_ylabel("|gradient| over its mean (1)")
        ax.set_title(title)
        if ends:
            ax.set_xticks(range(1, 11))
            ax.set_ylim(0, None)
        label_ends(ax, ends)
        return figure


def describe(table: pd.DataFrame, *, what: str) -> str:
    """Lowest and highest decile of every run, in words."""
    parts = []
    for run, part in table.groupby("run", sort=False):
        part = part.dropna(subset=["relative"]).sort_values("decile")
        if part.empty:
            parts.append(f"{run}: no gradient was recorded")
        else:
            parts.append(
                f"{run}: {part['relative'].iloc[0]:.2f} in the lowest decile, "
                f"{part['relative'].iloc[-1]:.2f} in the highest"
            )
    return f"{what}. " + "; ".join(parts) + "."
