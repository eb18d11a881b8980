"""The look of every figure, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

__all__ = [
    "INK",
    "MAP",
    "SIZE",
    "axes_of",
    "degree_axis",
    "label_ends",
    "layer_colours",
    "run_colours",
    "settings",
    "time_axis",
]

#: Inches. A panel is as wide as a phone, so that its text stays legible there.
SIZE = (4.4, 3.0)
INK = "#1f2a36"
MAP = "viridis"
#: Lines are told apart by more than their colour.
STYLES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1, 1, 1)))
_PALETTE = [sns.color_palette("colorblind")[i] for i in (0, 1, 2, 4, 3, 5, 6, 7, 8, 9)]

_RC = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8a94a0",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e9ed",
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.7,
    "lines.markersize": 3.5,
    "svg.hashsalt": "topolab",
    "svg.fonttype": "path",
}


def settings() -> AbstractContextManager[None]:
    """Matplotlib's settings for the time of drawing; the user's own are left alone."""
    return mpl.rc_context(_RC)


def axes_of(ax: Axes | None, *, size: tuple[float, float] = SIZE) -> tuple[Figure, Axes]:
    """The given axes and their figure, or a new panel; pyplot is not involved."""
    if ax is not None:
        figure = ax.get_figure(root=True)
        assert isinstance(figure, Figure)
        return figure, ax
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots()


def run_colours(runs: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """A colour-blind-safe colour for each run, in order."""
    return {run: _PALETTE[i % len(_PALETTE)] for i, run in enumerate(runs)}


def time_axis(ax: Axes, *, epochs: bool) -> None:
    """Name the time axis."""
    ax.set_xlabel("epoch" if epochs else "step")
    ax.margins(x=0.02)


def layer_colours(layers: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Shades for the layers of one network, from light (input) to dark; never a run's colour."""
    shades = sns.color_palette("flare", max(len(layers), 2))
    return dict(zip(layers, shades, strict=False))


def degree_axis(ax: Axes) -> None:
    """A logarithmic axis of degrees with a few plain numbers that do not run into each other."""
    low, high = ax.get_xlim()
    decades = np.log10(high / low)
    subs = (1.0, 2.0, 5.0) if decades < 2 else (1.0,)
    ax.xaxis.set_major_locator(LogLocator(subs=subs))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())


def label_ends(ax: Axes, ends: Sequence[tuple[float, float, str, object]]) -> None:
    """Write each line's name at its right end, apart from each other.

    Parameters
    ----------
    ax : Axes
    ends : sequence of (x, y, label, colour)
    """
    shown = [e for e in ends if np.isfinite(e[0]) and np.isfinite(e[1])]
    if not shown:
        return
    low, high = ax.get_ylim()
    log = ax.get_yscale() == "log"

    def place(y: float) -> float:
        if log:
            return float(np.log(max(y, low) / low) / np.log(high / low))
        return (y - low) / (high - low)

    at = sorted((place(y), x, y, label, colour) for x, y, label, colour in shown)
    heights: list[float] = []
    for item in at:
        heights.append(max(item[0], heights[-1] + 0.075) if heights else item[0])
    overflow = max(0.0, heights[-1] - 1.0)
    for height, (_, _, _, label, colour) in zip(heights, at, strict=True):
        ax.annotate(
            label,
            xy=(1.0, height - overflow),
            xycoords="axes fraction",
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=colour,  # type: ignore[arg-type]
            annotation_clip=False,
        )
