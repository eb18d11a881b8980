"""The inputs as an image, coloured by a value."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import MAP, axes_of, colour_bar, settings

__all__ = ["SIZE", "describe", "draw"]

SIZE = (3.7, 3.0)


def draw(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str = "",
    label: str = "",
    vmin: float = 0.0,
    vmax: float | None = None,
) -> Figure:
    """Draw one view of the inputs at one moment.

    Parameters
    ----------
    table : DataFrame
        Columns channel, row, col, value; channels are laid side by side.
    ax : Axes, optional
    title : str
    label : str
        Of the colour scale, with its unit.
    vmin, vmax : float
        Limits of the colour scale, shared by the panels and frames of a figure.

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax, size=SIZE, right=0.75)
        channels = [
            part.pivot(index="row", columns="col", values="value").to_numpy()
            for _, part in table.groupby("channel")
        ]
        values = np.concatenate(channels, axis=1)
        flat = values.shape[0] == 1
        image = ax.imshow(
            values, cmap=MAP, vmin=vmin, vmax=vmax, interpolation="none",
            aspect="auto" if flat else "equal",
        )  # fmt: skip
        ax.set_xlabel("input" if flat else "column (pixels)")
        ax.set_ylabel("" if flat else "row (pixels)")
        if flat:
            ax.set_yticks([])
        ax.grid(visible=False)
        ax.set_title(title)
        colour_bar(ax, image, label)
        return figure


def describe(table: pd.DataFrame, *, run: str, what: str) -> str:
    """Range and centre of mass, in words."""
    value = table["value"].to_numpy()
    text = f"{what} of {run}: from {value.min():.4g} to {value.max():.4g}, mean {value.mean():.4g}"
    if value.sum() > 0 and table["row"].nunique() > 1:
        row = float((table["row"] * value).sum() / value.sum())
        col = float((table["col"] * value).sum() / value.sum())
        text += f"; centre of mass at row {row:.1f}, column {col:.1f}"
    return text + "."
