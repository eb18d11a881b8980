"""Core, crust and isolated neurons of a layer through time, stacked."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab_reports.style import INK, axes_of, read_out, settings, time_axis

__all__ = ["ROLES", "SIZE", "describe", "draw"]

SIZE = (3.7, 2.8)
ROLES = ("core", "crust", "isolated")
_COLOURS = dict(zip(ROLES, sns.color_palette("viridis", 3), strict=True))


def draw(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Figure:
    """Draw the shares of the three roles in one layer of one run.

    Parameters
    ----------
    table : DataFrame
        Columns step, epoch, role, share.
    ax : Axes, optional
    title : str

    Returns
    -------
    Figure
    """
    with settings():
        figure, ax = axes_of(ax, size=SIZE, top=0.5)
        epochs = bool(table["epoch"].notna().all())
        time = "epoch" if epochs else "step"
        wide = table.pivot(index=time, columns="role", values="share").reindex(columns=ROLES) * 100
        if len(wide) == 1:
            bottom = 0.0
            for role in ROLES:
                height = float(wide[role].iloc[0])
                ax.bar([f"{wide.index[0]:g}"], [height], bottom=bottom, color=_COLOURS[role],
                       label=role, width=0.4)  # fmt: skip
                bottom += height
        else:
            ax.stackplot(
                wide.index, [wide[role] for role in ROLES], labels=ROLES,
                colors=[_COLOURS[role] for role in ROLES], linewidth=0,
            )  # fmt: skip
            ax.set_xlim(wide.index.min(), wide.index.max())
            for role in ROLES:
                read_out(ax, role, wide.index, wide[role])
        ax.set_ylim(0, 100)
        ax.set_ylabel("share of neurons (%)")
        time_axis(ax, epochs=epochs)
        ax.margins(x=0)
        ax.set_title(title, pad=17)
        ax.legend(
            loc="lower left", bbox_to_anchor=(-0.02, 0.99), ncol=3, labelcolor=INK,
            handlelength=1, columnspacing=1,
        )  # fmt: skip
        return figure


def describe(table: pd.DataFrame, *, run: str, layer: str) -> str:
    """The shares at the start and at the end, in words."""
    parts = []
    for role in ROLES:
        share = table.loc[table["role"] == role, "share"].to_numpy() * 100
        parts.append(f"{role} from {share[0]:.1f} % to {share[-1]:.1f} %")
    return f"{run}, {layer}: " + ", ".join(parts) + "."
