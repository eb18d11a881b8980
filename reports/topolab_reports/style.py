"""The look of every figure, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

__all__ = [
    "COLOURS",
    "INK",
    "MAP",
    "SIZE",
    "axes_of",
    "bare_axes",
    "colour_bar",
    "degree_axis",
    "label_ends",
    "layer_colours",
    "read_out",
    "readings",
    "run_colours",
    "settings",
    "share_axis",
    "time_axis",
    "write_reason",
]

#: Inches. A panel is as wide as a phone, so that its text stays legible there.
SIZE = (4.4, 3.0)
INK = "#1f2a36"
MAP = "viridis"
#: Lines are told apart by more than their colour.
STYLES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1, 1, 1)))
_PALETTE = [sns.color_palette("colorblind")[i] for i in (0, 1, 2, 4, 3, 5, 6, 7, 8, 9)]

#: Colours before the first comes again.
COLOURS = len(_PALETTE)

_RC: dict[Any, Any] = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Segoe UI", "Arial", "sans-serif"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # a fixed place: finding one takes a tenth of the drawing
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


#: Inches from the edges of a panel to its axes: room for numbers and labels. Fixed, so that panels
#: beside each other line up; a layout engine would take longer than the drawing itself.
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.66, 0.14, 0.32, 0.48
_OWN: WeakSet[Axes] = WeakSet()
_BARE: WeakSet[Axes] = WeakSet()
_READINGS: WeakKeyDictionary[Axes, list[tuple[str, Any, Any]]] = WeakKeyDictionary()


def axes_of(
    ax: Axes | None,
    *,
    size: tuple[float, float] = SIZE,
    right: float = _RIGHT,
    top: float = _TOP,
) -> tuple[Figure, Axes]:
    """The given axes and their figure, or a new panel; pyplot is not involved.

    Parameters
    ----------
    ax : Axes, optional
    size : tuple of float
        Inches.
    right : float
        Inches kept free at the right, for a colour bar.
    top : float
        Inches kept free above, for the title.
    """
    if ax is not None:
        figure = ax.get_figure(root=True)
        assert isinstance(figure, Figure)
        return figure, ax
    width, height = size
    figure = Figure(figsize=size)
    ax = figure.add_axes(
        (
            _LEFT / width,
            _BOTTOM / height,
            1 - (_LEFT + right) / width,
            1 - (_BOTTOM + top) / height,
        )
    )
    _OWN.add(ax)
    return figure, ax


def bare_axes(size: tuple[float, float] = SIZE) -> Axes:
    """Axes on which only marks matter: colour bars and names at the ends of lines are left out."""
    ax = axes_of(None, size=size)[1]
    _OWN.discard(ax)
    _BARE.add(ax)
    return ax


def colour_bar(ax: Axes, image: Any, label: str) -> None:
    """A colour bar beside the axes, at a fixed place where the panel is ours."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    if ax in _BARE:
        return
    if ax not in _OWN:
        figure.colorbar(image, ax=ax, label=label, shrink=0.85)
        return
    ax.set_anchor("W")
    ax.apply_aspect()
    at = ax.get_position()
    width, _ = figure.get_size_inches()
    place = (at.x1 + 0.1 / width, at.y0, 0.12 / width, at.height)
    figure.colorbar(image, cax=figure.add_axes(place), label=label)


def read_out(ax: Axes, name: str, x: Any, y: Any) -> None:
    """Say what a mark that is no line stands for, for the page to show it under the pointer."""
    _READINGS.setdefault(ax, []).append((name, np.asarray(x), np.asarray(y)))


def readings(ax: Axes) -> list[tuple[str, Any, Any]]:
    """What `read_out` was told of these axes."""
    return _READINGS.get(ax, [])


def write_reason(ax: Axes, why: str) -> None:
    """Words in the middle of empty axes."""
    ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", wrap=True)


def run_colours(runs: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """A colour-blind-safe colour for each run, in order."""
    return {run: _PALETTE[i % len(_PALETTE)] for i, run in enumerate(runs)}


def time_axis(ax: Axes, *, epochs: bool) -> None:
    """Name the time axis."""
    ax.set_xlabel("epoch" if epochs else "step")
    whole = not epochs or np.ptp(ax.get_xlim()) > 4
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=whole, steps=[1, 2, 4, 5, 10]))
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


def share_axis(ax: Axes) -> None:
    """A logarithmic axis of shares, over a decade at least: within one, numbers would crowd."""
    lines = [np.asarray(line.get_ydata(), dtype=float) for line in ax.lines]
    values = np.concatenate([np.zeros(0), *lines])
    values = values[np.isfinite(values) & (values > 0)]
    ax.set_yscale("log")
    ax.set_ylim(min(0.7 * values.min(initial=0.1), 0.08), 1.4)
    ax.yaxis.set_minor_formatter(NullFormatter())


def label_ends(ax: Axes, ends: Sequence[tuple[float, float, str, Any]]) -> None:
    """Write each line's name at its right end, apart from each other.

    Parameters
    ----------
    ax : Axes
    ends : sequence of (x, y, label, colour)
    """
    known = [e for e in ends if np.isfinite(e[0]) and np.isfinite(e[1])]
    if not known or ax in _BARE:
        return
    if ax in _OWN:  # make room for the longest name
        figure = ax.get_figure(root=True)
        assert isinstance(figure, Figure)
        longest = max(TextPath((0, 0), e[2], size=8).get_extents().width for e in known) / 72
        at, wide = ax.get_position(), figure.get_size_inches()[0]
        ax.set_position((at.x0, at.y0, at.width - min(longest / wide, 0.5 * at.width), at.height))
    low, high = ax.get_ylim()
    log = ax.get_yscale() == "log"

    def place(y: float) -> float:
        if log:
            return float(np.log(max(y, low) / low) / np.log(high / low))
        return (y - low) / (high - low)

    order = sorted((place(y), x, y, label, colour) for x, y, label, colour in known)
    heights: list[float] = []
    for item in order:
        heights.append(max(item[0], heights[-1] + 0.075) if heights else item[0])
    overflow = max(0.0, heights[-1] - 1.0)
    for height, (_, _, _, label, colour) in zip(heights, order, strict=True):
        ax.annotate(
            label,
            xy=(1.0, height - overflow),
            xycoords="axes fraction",
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=colour,
            annotation_clip=False,
        )
