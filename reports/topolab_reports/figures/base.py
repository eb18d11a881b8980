"""What a figure is: a table, and panels that draw parts of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topolab.errors import ConfigError
from topolab_reports.report_data import ReportData
from topolab_reports.style import SIZE, settings

__all__ = ["Draw", "Panel", "RunFigure"]


class Draw(Protocol):
    """Draw a table on axes, or on a new figure."""

    def __call__(self, table: pd.DataFrame, *, ax: Axes | None = None) -> Figure:
        """Draw it."""


#: Layers of a deep network that have a panel or a line of their own.
MOST_LAYERS = 6


@dataclass(frozen=True)
class Panel:
    """One pair of axes.

    Attributes
    ----------
    table : DataFrame
        The rows it draws; of a moving panel those of all moments, with a column step.
    draw : callable
        ``draw(table, *, ax=None)``. All limits must be fixed beforehand in a moving panel.
    describe : callable
        What is to be seen in a table, in words.
    run : str
        The run a moving panel shows; empty for one that shows all times at once.
    cursor : {"x", "both", ""}
        Which axes are training time, for the time control to mark the moment.
    size : tuple of float
        Inches.
    raster : bool
        Keep it as pixels: it has more marks than a page should carry as shapes.
    """

    table: pd.DataFrame
    draw: Draw
    describe: Callable[[pd.DataFrame], str]
    run: str = ""
    cursor: Literal["x", "both", ""] = ""
    size: tuple[float, float] = SIZE
    raster: bool = False

    def at(self, step: int) -> pd.DataFrame:
        """The rows of one step."""
        return self.table[self.table["step"] == step]

    @property
    def last(self) -> pd.DataFrame:
        """What a picture that does not move shows: the last step, or everything."""
        return (
            self.at(int(self.table["step"].max())) if self.run and len(self.table) else self.table
        )


class RunFigure:
    """The base of every figure.

    A subclass sets ``name``, ``title``, ``caption``, ``source`` (the figure of a paper that it is
    the counterpart of, if any), ``needs`` (the analyses it draws) and ``moment`` (whether it shows
    one moment: the last of the data), ``by_layer`` (whether each layer has a panel or a line of
    its own, so that of a deep network only some are drawn), and implements `table` and
    `panels`. It is found by the entry point group ``topolab.figures``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    caption: ClassVar[str] = ""
    source: ClassVar[str] = ""
    needs: ClassVar[tuple[str, ...]] = ()
    moment: ClassVar[bool] = False
    by_layer: ClassVar[bool] = False

    def table(self, data: ReportData) -> pd.DataFrame:
        """What is drawn: tidy, with a column run; of moving panels at the moments shown."""
        raise NotImplementedError

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """The panels that draw a table.

        Parameters
        ----------
        table : DataFrame
            As made by `table`.
        runs : sequence of str, optional
            All runs or groups of the report, so that each has one colour everywhere.
        """
        raise NotImplementedError

    def caption_for(self, table: pd.DataFrame) -> str:
        """A caption that depends on the numbers; the fixed one unless a figure has more to say."""
        return self.caption

    def limit_layers(self, table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
        """What of a table is drawn, and a sentence that says so where it is not all.

        Of a deep network the layers that are drawn are spread evenly from the first to the last.
        """
        if not self.by_layer or not {"run", "layer"} <= set(table):
            return table, ""
        keep = np.ones(len(table), dtype=bool)
        note = ""
        for run in table["run"].unique():
            of_run = (table["run"] == run).to_numpy()
            # Inputs that one layer has for itself are no layer to show.
            names = [n for n in table["layer"][of_run].unique() if ":" not in str(n)]
            if len(names) > MOST_LAYERS:
                positions = np.linspace(0, len(names) - 1, MOST_LAYERS).round().astype(int)
                layers = {names[i] for i in positions}
                keep &= ~of_run | table["layer"].isin(layers).to_numpy()
                note = f"{MOST_LAYERS} of {len(names)} layers are drawn; the data have all."
        return (table[keep].reset_index(drop=True), note) if note else (table, "")

    def draw(
        self,
        table: pd.DataFrame,
        *,
        ax: Axes | Sequence[Axes] | None = None,
        runs: Sequence[str] | None = None,
        columns: int | None = None,
    ) -> Figure:
        """Draw all panels, on new axes or on given ones.

        Parameters
        ----------
        table : DataFrame
        ax : Axes or sequence of Axes, optional
            One for each panel.
        runs : sequence of str, optional
        columns : int, optional
            Panels beside each other; by default two or three.

        Returns
        -------
        Figure

        Raises
        ------
        ConfigError
            If `ax` has not as many axes as there are panels.
        """
        panels = self.panels(self.limit_layers(table)[0], runs)
        with settings():
            if ax is not None:
                axes = [ax] if isinstance(ax, Axes) else list(ax)
                if len(axes) != len(panels):
                    raise ConfigError(
                        f"figure {self.name} has {len(panels)} panels here, and ax has {len(axes)}"
                    )
            elif not panels:
                return _empty_figure(self.title)
            else:
                axes = _grid(panels, columns)
            for panel, axis in zip(panels, axes, strict=True):
                panel.draw(panel.last, ax=axis)
                if panel.run and len(panel.table):
                    step = int(panel.table["step"].max())
                    axis.set_title(f"{axis.get_title(loc='left')}, step {step:,}", loc="left")
        figure = axes[0].get_figure(root=True)
        assert isinstance(figure, Figure)
        return figure

    def describe(self, table: pd.DataFrame) -> str:
        """What is to be seen, in words."""
        panels = self.panels(self.limit_layers(table)[0])
        return " ".join(panel.describe(panel.last) for panel in panels)


def _grid(panels: Sequence[Panel], columns: int | None) -> list[Axes]:
    n = len(panels)
    columns = columns or (1 if n == 1 else 2 if n in (2, 4) else 3)
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    width = max(panel.size[0] for panel in panels)
    height = max(panel.size[1] for panel in panels)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[n:]:
        spare.remove()
    return list(axes[:n])


def _empty_figure(title: str) -> Figure:
    figure = Figure(figsize=SIZE)
    figure.text(0.5, 0.5, f"{title}:\nnothing to draw", ha="center", va="center")
    return figure
