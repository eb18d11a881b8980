"""The last degree distribution of the hidden neurons with the power laws fitted to it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import rows_at_end, total_degrees
from topolab_reports.figures.degree_time import pool_layers
from topolab_reports.plots import tail
from topolab_reports.report_data import ReportData
from topolab_reports.style import run_colours

__all__ = ["TailFit"]


class TailFit(RunFigure):
    """Observed CCDF and fitted laws at the last snapshot, a panel a run."""

    name = "tail-fit"
    title = "The last snapshot and its fits"
    caption = (
        "All hidden neurons pooled; the total degree counts the edges of every layer, dense ones "
        "too. A law ends at the most edges that a neuron can have. A fitted line that leaves the "
        "steps is a law that does not hold there."
    )
    source = "NSH, degree distribution with its fit"
    needs = ("powerlaw", "degree")
    moment = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """Rows of the distribution (kind "observed") and of the fits (kind "fit")."""
        table = data.table("degree_distribution", representatives=True)
        table = data.hidden_layers(table[table["direction"] == "total"])
        last = rows_at_end(data, table)
        observed = pool_layers(last).assign(kind="observed")
        fits = total_degrees(data.table("powerlaw", representatives=True))
        fits = fits[fits["layer"] == "hidden"]
        fits = rows_at_end(data, fits)
        names = ["run", "group", "step", "epoch", "variant", "alpha", "x_min", "x_max", "n",
                 "n_tail", "ks_distance", "reason"]  # fmt: skip
        return pd.concat([observed, fits[names].assign(kind="fit")], ignore_index=True)

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
    whole = ["x_min", "x_max", "n", "n_tail"]
    fits = table[table["kind"] == "fit"]
    return fits.assign(**{name: fits[name].fillna(0).astype(int) for name in whole})
