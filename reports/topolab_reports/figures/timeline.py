"""A measure through time, a line per run."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import STYLES, axes_of, label_ends, run_colours, settings, time_axis

__all__ = ["describe", "draw"]


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    y: str,
    ylabel: str,
    title: str = "",
    band: str | None = None,
    series: str | None = None,
    runs: list[str] | None = None,
    zero: bool = False,
    percent: bool = False,
) -> Figure:
    """Draw column `y` over time, a line per run and, if given, per value of `series`.

    Parameters
    ----------
    table : DataFrame
        Columns run, epoch, step and `y`; one row per run, time and series.
    ax : Axes, optional
    y : str
    ylabel : str
        With its unit.
    title : str
    band : str, optional
        Column with the half-width of a band around the line.
    series : str, optional
        Column whose values get a line style each.
    runs : list of str, optional
        All runs of the report, so that a run has one colour everywhere.
    zero : bool
        Let the axis begin at 0.
    percent : bool
        Show shares as percentages.

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        colours = run_colours(runs or list(table["run"].unique()))
        epochs = bool(table["epoch"].notna().all()) and len(table) > 0
        time = "epoch" if epochs else "step"
        scale = 100.0 if percent else 1.0
        names = list(table[series].unique()) if series else [""]
        ends = []
        drawn = 0
        for run, of_run in table.groupby("run", sort=False):
            for i, name in enumerate(names):
                line = of_run if series is None else of_run[of_run[series] == name]
                line = line.dropna(subset=[y])
                if line.empty:
                    continue
                drawn += 1
                colour = colours[str(run)]
                values = scale * line[y]
                ax.plot(
                    line[time], values, color=colour, linestyle=STYLES[i % len(STYLES)],
                    marker="o" if len(line) < 40 else None, label=f"{run} {name}".strip(),
                )  # fmt: skip
                if band is not None:
                    half = scale * line[band].fillna(0)
                    ax.fill_between(
                        line[time], values - half, values + half, color=colour, alpha=0.2, lw=0
                    )
                label = str(run) if series is None else f"{run} {name}"
                ends.append((float(line[time].iloc[-1]), float(values.iloc[-1]), label, colour))
        ax.set_ylabel(ylabel)
        ax.set_title(title)
        time_axis(ax, epochs=epochs)
        if drawn == 0:
            ax.text(0.5, 0.5, "nothing to draw: no values", transform=ax.transAxes, ha="center")
        if zero:
            # A measure that is 0 throughout is a line on the floor, not one in mid-air.
            ax.set_ylim(0, max(ax.get_ylim()[1], 1.0 if percent else 0.0) or 1.0)
        label_ends(ax, ends)
        return figure


def describe(table: pd.DataFrame, *, y: str, what: str, percent: bool = False) -> str:
    """First and last value of every run, in words."""
    scale, unit = (100, " %") if percent else (1, "")
    parts = []
    for run, line in table.groupby("run", sort=False):
        values = line[y].dropna().to_numpy() * scale
        if not len(values):
            parts.append(f"{run}: no values")
            continue
        parts.append(
            f"{run} from {values[0]:.4g}{unit} to {values[-1]:.4g}{unit}"
            f" (lowest {np.min(values):.4g}, highest {np.max(values):.4g})"
        )
    return f"{what} through time. " + "; ".join(parts) + "."
