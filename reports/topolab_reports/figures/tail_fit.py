"""The last degree distribution of the hidden neurons with the power laws fitted to it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.context import Context
from topolab_reports.figures.base import Figure, Panel
from topolab_reports.figures.common import at_last
from topolab_reports.figures.degree_time import pooled
from topolab_reports.plots import tail
from topolab_reports.style import run_colours

__all__ = ["TailFit"]


class TailFit(Figure):
    """Observed CCDF and fitted laws at the last snapshot, a panel a run."""

    name = "tail-fit"
    title = "The last snapshot and its fits"
    caption = (
        "All hidden neurons pooled. A fitted line that leaves the steps is a law that does not "
        "hold there."
    )
    source = "NSH, degree distribution with its fit"
    needs = ("powerlaw", "degree")
    moment = True

    def table(self, context: Context) -> pd.DataFrame:
        """Rows of the distribution (kind "observed") and of the fits (kind "fit")."""
        table = context.table("degree_distribution", shown=True)
        table = context.hidden(table[table["direction"] == "total"])
        last = at_last(context, table)
        data = pooled(last).assign(kind="observed")
        fits = context.table("powerlaw", shown=True)
        fits = fits[fits["layer"] == "hidden"]
        fits = at_last(context, fits)
        names = ["run", "group", "step", "epoch", "variant", "alpha", "x_min", "n", "n_tail",
                 "ks_distance", "reason"]  # fmt: skip
        return pd.concat([data, fits[names].assign(kind="fit")], ignore_index=True)

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A panel per run."""
        colours = run_colours(runs or list(table["group"].unique()))
        panels = []
        for run, part in table.groupby("run", sort=False):
            colour = colours[str(part["group"].iloc[0])]
            panels.append(self._panel(str(run), part, colour))
        return panels

    @staticmethod
    def _panel(run: str, part: pd.DataFrame, colour: object) -> Panel:
        def draw(table: pd.DataFrame, *, ax: object = None) -> object:
            fits = _fits(table)
            step = int(table["step"].max())
            return tail.draw(
                table[table["kind"] == "observed"], fits=fits, title=f"{run}, step {step:,}",
                colour=colour, ax=ax,  # type: ignore[arg-type]
            )  # fmt: skip

        def describe(table: pd.DataFrame) -> str:
            fits = _fits(table)
            return tail.describe(fits, run=run)

        return Panel(part, draw, describe)  # type: ignore[arg-type]


def _fits(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the fits; their whole numbers were stored beside rows that have none."""
    whole = ["x_min", "n", "n_tail"]
    fits = table[table["kind"] == "fit"]
    return fits.assign(**{name: fits[name].fillna(0).astype(int) for name in whole})
