"""A fan-in profile: the fan-in of each neuron of a layer, in the order of the neurons or sorted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import STYLES, axes_of, layer_colours, settings, write_reason

__all__ = ["describe", "draw"]


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str = "",
    layers: Sequence[str] | None = None,
    ylim: tuple[float, float] | None = None,
) -> Figure:
    """Draw fan-in against the normalised position of a neuron, a line a layer.

    Parameters
    ----------
    table : DataFrame
        Columns layer, position (from 0 to 1), fan_in; positions ascending within a layer.
    ax : Axes, optional
    title : str
    layers : sequence of str, optional
        All layers of the run, for the colours.
    ylim : tuple of float, optional

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax)
        layers = list(layers or table["layer"].unique())
        colours = layer_colours(layers)
        for i, layer in enumerate(layers):
            part = table[table["layer"] == layer]
            ax.plot(part["position"], part["fan_in"], color=colours[layer], lw=1.3, label=layer,
                    linestyle=STYLES[i % len(STYLES)])  # fmt: skip
        if table.empty:
            write_reason(ax, "no hidden layer")
        ax.set_xlim(0, 1)
        if ylim:
            ax.set_ylim(*ylim)
        ax.set_xlabel("neuron, sorted by fan-in (share of the layer)")
        ax.set_ylabel("fan-in (edges)")
        ax.set_title(title)
        if layers:
            ax.legend(loc="upper right")
        return figure


def describe(table: pd.DataFrame, *, run: str) -> str:
    """Largest, mean and smallest fan-in of each layer, in words."""
    parts = []
    for layer, part in table.groupby("layer", sort=False):
        fan_in = part["fan_in"].to_numpy(float)
        parts.append(
            f"{layer}: from {fan_in.max():.0f} down to {fan_in.min():.0f}, "
            f"mean {np.mean(fan_in):.1f}"
        )
    return f"Fan-in profile of {run}. " + "; ".join(parts) + "."
