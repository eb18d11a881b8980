"""A measure through time, a line per run; several seeds make one line and a band."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import (
    COLOURS,
    INK,
    STYLES,
    axes_of,
    label_ends,
    run_colours,
    settings,
    time_axis,
    write_reason,
)

__all__ = ["describe", "draw", "lines"]


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    y: str,
    ylabel: str,
    title: str = "",
    band: str | None = None,
    series: str | None = None,
    runs: Sequence[str] | None = None,
    zero: bool = False,
    percent: bool = False,
    levels: Sequence[tuple[float, str]] = (),
    ylim: tuple[float, float] | None = None,
) -> Figure:
    """Draw column `y` over time, a line per run and, if given, per value of `series`.

    Parameters
    ----------
    table : DataFrame
        Columns run, epoch, step and `y`; one row per run, time and series. With a column group,
        the runs of a group are one line, their mean, in a band from lowest to highest.
    ax : Axes, optional
    y : str
    ylabel : str
        With its unit.
    title : str
    band : str, optional
        Column with the half-width of a band around the line, where a group has one run.
    series : str, optional
        Column whose values get a line style each.
    runs : sequence of str, optional
        All runs or groups of the report, so that each has one colour everywhere.
    zero : bool
        Let the axis begin at 0.
    percent : bool
        Show shares as percentages.
    levels : sequence of (float, str)
        Horizontal lines with a name: limits that a rule sets.
    ylim : tuple of float, optional

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        key = "group" if "group" in table else "run"
        colours = run_colours(runs or list(table[key].unique()))
        epochs = bool(table["epoch"].notna().all()) and len(table) > 0
        time = "epoch" if epochs else "step"
        scale = 100.0 if percent else 1.0
        ends = []
        order = list(colours)
        for group, name, style, line in lines(table, y=y, time=time, series=series, band=band):
            colour = colours.get(group, INK)
            again = order.index(group) // COLOURS if group in colours else 0
            if again and series is None:  # a colour that comes again has another style
                style = STYLES[again % len(STYLES)]
            n = int(line["n"].max())
            label = f"{group} {name}".strip()
            marker = "o" if len(line) < 40 else None
            whole = line[line["n"] == n]
            ax.plot(
                whole["time"], scale * whole["value"], color=colour, linestyle=style,
                label=label, marker=marker,
            )  # fmt: skip
            fewer = line[line["n"] < n]
            if len(fewer):  # some seeds have ended: their mean is not that of before
                ax.plot(
                    fewer["time"], scale * fewer["value"], color=colour, linestyle=":", lw=1.0,
                    label=f"{label}, fewer seeds",
                )  # fmt: skip
            if n > 1 or band is not None:
                ax.fill_between(
                    line["time"], scale * line["low"], scale * line["high"],
                    color=colour, alpha=0.2, lw=0,
                )  # fmt: skip
            known = line.dropna(subset=["value"]).iloc[-1]
            words = label + _seeds(n, int(known["n"]))
            ends.append((float(known["time"]), scale * float(known["value"]), words, colour))
        ax.set_ylabel(ylabel)
        ax.set_title(title)
        time_axis(ax, epochs=epochs)
        if not ends:
            write_reason(ax, "nothing to draw: no values")
        if ylim is not None:
            ax.set_ylim(*ylim)
        elif zero:
            # A measure that is 0 throughout is a line on the floor, not one in mid-air.
            ax.set_ylim(0, max(ax.get_ylim()[1], 1.0 if percent else 0.0) or 1.0)
        for level, name in levels:
            ax.axhline(level, color=INK, lw=0.9, ls=(0, (2, 2)), zorder=1)
            back = {"facecolor": "white", "alpha": 0.7, "pad": 0.5, "lw": 0}
            ax.text(
                0.01,
                level,
                name,
                transform=ax.get_yaxis_transform(),
                fontsize=7,
                va="bottom",
                bbox=back,
                zorder=4,
            )
        label_ends(ax, ends)
        return figure


def lines(
    table: pd.DataFrame, *, y: str, time: str, series: str | None = None, band: str | None = None
) -> Iterator[tuple[str, str, object, pd.DataFrame]]:
    """Group, series name, line style and the line: columns time, value, low, high, n.

    Where the runs of a group were recorded at different times, each is interpolated to those of
    all, as far as it goes; n says how many there are at a time.
    """
    key = "group" if "group" in table else "run"
    names = list(table[series].unique()) if series else [""]
    for group, of_group in table.groupby(key, sort=False):
        for i, name in enumerate(names):
            part = of_group if series is None else of_group[of_group[series] == name]
            part = part.dropna(subset=[y])
            if part.empty:
                continue
            members = [m.sort_values(time) for _, m in part.groupby("run", sort=False)]
            first = members[0]
            if len(members) == 1:
                value = first[y].to_numpy(float)
                half = first[band].fillna(0).to_numpy(float) if band else np.zeros(len(value))
                line = pd.DataFrame(
                    {"time": first[time].to_numpy(), "value": value, "low": value - half,
                     "high": value + half, "n": 1}
                )  # fmt: skip
            else:
                line = _mean_line(members, y, time)
            yield str(group), str(name), STYLES[i % len(STYLES)], line


def _seeds(n: int, at_the_end: int) -> str:
    if n == 1:
        return ""
    return f" ({n} seeds)" if at_the_end == n else f" ({at_the_end} of {n} seeds)"


def _fewer_since(line: pd.DataFrame) -> str:
    """Since when there are fewer seeds, if there are."""
    fewer = line[line["n"] < line["n"].max()]
    return f", fewer from {fewer['time'].iloc[0]:g} on" if len(fewer) else ""


def _mean_line(members: Sequence[pd.DataFrame], y: str, time: str) -> pd.DataFrame:
    at = np.unique(np.concatenate([member[time].to_numpy(float) for member in members]))
    values = np.full((len(members), len(at)), np.nan)
    for row, member in zip(values, members, strict=True):
        own = member[time].to_numpy(float)
        inside = (at >= own[0] - 1e-9) & (at <= own[-1] + 1e-9)
        row[inside] = np.interp(at[inside], own, member[y].to_numpy(float))
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean = np.nansum(values, axis=0) / known.sum(axis=0)
    return pd.DataFrame(
        {
            "time": at,
            "value": mean,
            "low": np.fmin.reduce(values, axis=0),
            "high": np.fmax.reduce(values, axis=0),
            "n": known.sum(axis=0),
        }
    )


def describe(
    table: pd.DataFrame, *, y: str, what: str, percent: bool = False, series: str | None = None
) -> str:
    """First and last value of every line, in words."""
    scale, unit = (100, " %") if percent else (1, "")
    parts = []
    key = "group" if "group" in table else "run"
    seen = set()
    for group, name, _, line in lines(table, y=y, time="step", series=series):
        values = line["value"].dropna().to_numpy() * scale
        seen.add(group)
        n = int(line["n"].max())
        parts.append(
            f"{group} {name}".strip()
            + (f" (mean of {n} seeds{_fewer_since(line)})" if n > 1 else "")
            + f" from {values[0]:.4g}{unit} to {values[-1]:.4g}{unit}"
            f" (lowest {np.min(values):.4g}, highest {np.max(values):.4g})"
        )  # fmt: skip
    parts += [f"{g}: no values" for g in table[key].unique() if str(g) not in seen]
    return f"{what} through time. " + ("; ".join(parts) or "Nothing to draw") + "."
