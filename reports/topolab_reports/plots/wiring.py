"""The network itself: layers, hubs, cores, neurons on no path, and where the edges run."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from topolab_reports.style import INK, axes_of, settings, write_reason

__all__ = ["COLOURS", "SIZE", "describe", "draw"]

SIZE = (4.4, 3.6)
_VIRIDIS = sns.color_palette("viridis", 3)
COLOURS = {
    "core": _VIRIDIS[0],
    "crust": _VIRIDIS[1],
    "isolated": _VIRIDIS[2],
    "output": (0.45, 0.5, 0.55),
    "on no path": (0.80, 0.10, 0.15),
}
_BAR = 0.36  # of the distance between layers, for the largest degree of a layer
_BESIDE, _LETTERS = 6, 44  # columns, and letters below them, that have room side by side
_NAMED, _LONG = 30, 16  # columns that can be named, and letters in a name
_BUNDLES = 60  # the densest of each layer of weights; the rest would only make it grey


def draw(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Figure:
    """Draw neurons as bars and edges as bundles between groups of neurons.

    Every layer is a column of its neurons, those with the most edges on top. A neuron's bar is as
    long as its total degree, relative to the largest of its layer; its colour is its role in the
    k-shell decomposition, red if it is on no path from an input to an output. A bundle between two
    groups is as dark as it is denser than its layer on average, the darkest five times or more; the
    densest bundles are drawn. So a random or complete wiring is a haze, and hubs stand out.

    Parameters
    ----------
    table : DataFrame
        One moment of one run, layers in order of the network. Rows with kind "neuron" have layer,
        rank_group, degree, role, on_path; rows with kind "bundle" have layer (the target), source,
        source_group, target_group, density, edges, possible.
    ax : Axes, optional
    title : str

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax, size=SIZE)
        ax.set_axis_off()
        ax.set_title(title)
        if ax.get_figure() is figure and len(figure.axes) == 1:
            ax.set_position((0.02, 0.1, 0.96, 0.8))
        neurons = table[table["kind"] == "neuron"]
        layers = list(neurons["layer"].unique())
        if not layers:
            write_reason(ax, "no neurons")
            return figure
        place = {str(layer): float(i) for i, layer in enumerate(layers)}
        spans = {}
        for layer, part in neurons.groupby("layer", sort=False):
            spans[str(layer)] = _column(
                ax,
                part.sort_values(["rank_group", "degree"], ascending=[True, False]),
                place[str(layer)],
            )
        for _, part in table[table["kind"] == "bundle"].groupby("layer", sort=False):
            _bundles(ax, part, spans, place)
        counts = neurons["layer"].value_counts()
        deep = len(layers) > _BESIDE or sum(len(_short(layer)) for layer in layers) > _LETTERS
        for layer in layers[:: math.ceil(len(layers) / _NAMED)]:
            if deep:
                ax.text(place[layer] + _BAR / 2, -0.02, _short(layer), ha="center", va="top",
                        fontsize=6, rotation=90)  # fmt: skip
            else:
                ax.text(place[layer], -0.03, f"{_short(layer)}\n{counts[layer]:,}", ha="center",
                        va="top", fontsize=8)  # fmt: skip
        ax.set_xlim(-0.15, len(layers) - 1 + _BAR + 0.1)
        ax.set_ylim(-0.36 if deep else -0.16, 1.02)
        seen = [r for r in COLOURS if r == "on no path" or (neurons["role"] == r).any()]
        if not (~neurons["on_path"].astype(bool)).any():
            seen.remove("on no path")
        ax.legend(
            handles=[Line2D([], [], color=COLOURS[r], lw=4, label=r) for r in seen],
            loc="lower center", bbox_to_anchor=(0.5, -0.13), ncol=len(seen), fontsize=7,
            handlelength=1, columnspacing=1,
        )  # fmt: skip
        return figure


def _short(layer: str) -> str:
    """A name that has room below its column: all parts but the last are a letter and a number.

    Examples
    --------
    >>> _short("encoder.block12.attention.query"), _short("skip:in"), _short("fc1")
    ('e.b12.a.query', '(inputs)', 'fc1')
    """
    if ":" in layer:
        return "(inputs)"
    if len(layer) <= _LONG:
        return layer
    *parts, last = layer.split(".")
    short = [part[:1] + "".join(filter(str.isdigit, part[1:])) for part in parts]
    name = ".".join([*short, last])
    return name if len(name) <= _LONG else "…" + name[1 - _LONG :]


def _column(ax: Axes, part: pd.DataFrame, x: float) -> dict[int, tuple[float, float]]:
    """The bars of one layer, top to bottom; where each group lies."""
    n = len(part)
    y = 1 - (np.arange(n) + 0.5) / n
    degree = part["degree"].to_numpy(float)
    length = _BAR * degree / max(degree.max(), 1.0)
    role = np.where(part["on_path"].astype(bool), part["role"].astype(str), "on no path")
    colours = [to_rgba(COLOURS.get(str(r), INK)) for r in role]
    # A neuron without an edge still has a mark, or nobody would see that it is there.
    ends = np.maximum(length, 0.02)
    bars = [[(x, at), (x + end, at)] for at, end in zip(y, ends, strict=True)]
    points = 0.8 * SIZE[1] * 72 / max(n, 1)
    ax.add_collection(
        LineCollection(bars, colors=colours, linewidths=min(max(points, 0.25), 6), zorder=3,
                       capstyle="butt", rasterized=n > 200)
    )  # fmt: skip
    group = part["rank_group"].to_numpy()
    return {
        int(g): (float(y[group == g].min()), float(y[group == g].max())) for g in np.unique(group)
    }


def _bundles(
    ax: Axes,
    part: pd.DataFrame,
    spans: dict[str, dict[int, tuple[float, float]]],
    place: dict[str, float],
) -> None:
    source, target = str(part["source"].iloc[0]), str(part["layer"].iloc[0])
    # Of equally dense ones a spread over all groups is drawn, not the last of them.
    spread = (part["source_group"] * 37 + part["target_group"] * 61) % 97
    bundles = (
        part.assign(spread=spread)[part["density"] > 0]
        .sort_values(["density", "spread"], kind="stable")
        .tail(_BUNDLES)
    )
    if bundles.empty:
        return
    mean = float(part["edges"].sum() / part["possible"].sum())
    start, end = place[source] + _BAR, place[target] - 0.015
    t = np.linspace(0, 1, 24)
    ease = t * t * (3 - 2 * t)
    shapes, colours = [], []
    for row in bundles.to_dict("records"):
        a, b = spans[source][int(row["source_group"])], spans[target][int(row["target_group"])]
        low = a[0] + (b[0] - a[0]) * ease
        high = a[1] + (b[1] - a[1]) * ease
        x = start + (end - start) * t
        shapes.append(np.column_stack([np.r_[x, x[::-1]], np.r_[low, high[::-1]]]))
        excess = max(row["density"] / mean - 1, 0)
        colours.append(to_rgba(INK, 0.035 + 0.30 * min(excess / 4, 1)))
    ax.add_collection(PolyCollection(shapes, facecolors=colours, edgecolors="none", zorder=1))


def describe(table: pd.DataFrame, *, run: str) -> str:
    """Hubs, cores and neurons on no path of each layer, and where its densest bundle runs."""
    neurons = table[table["kind"] == "neuron"]
    parts = []
    for layer, part in neurons.groupby("layer", sort=False):
        mean, top = part["degree"].mean(), part["degree"].max()
        text = f"{layer}: {len(part):,} neurons, largest degree {top:.0f}, mean {mean:.1f}"
        core = (part["role"] == "core").mean()
        if (part["role"] != "output").all():
            text += f", {100 * core:.0f} % in the core"
        off_path = int((~part["on_path"].astype(bool)).sum())
        parts.append(text + (f", {off_path} on no path" if off_path else ""))
    return f"Wiring of {run}. " + "; ".join(parts) + "."
