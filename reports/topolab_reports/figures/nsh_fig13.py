"""The degree distributions of several runs at their ends, in one panel."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.context import Context
from topolab_reports.figures.base import Figure, Panel
from topolab_reports.figures.common import at_last, bind
from topolab_reports.figures.degree_time import pooled
from topolab_reports.plots import ends

__all__ = ["DegreesAtTheEnd"]


class DegreesAtTheEnd(Figure):
    """CCDF of the hidden degrees at the last snapshot, a line a run: for pruning criteria."""

    name = "nsh-fig13"
    title = "Degree distributions at the end"
    caption = (
        "All hidden neurons pooled at the last snapshot of each run, in the same panel. Runs of "
        "one group are pooled over their seeds."
    )
    source = "NSH, Fig. 13 (pruning by magnitude, by sign, at random): one run for each"
    needs = ("degree",)
    moment = True

    def table(self, context: Context) -> pd.DataFrame:
        """One row per group and degree."""
        table = context.table("degree_distribution")
        table = context.hidden(table[table["direction"] == "total"])
        last = at_last(context, table)
        # Seeds of a group end at the same step or not: here all count as the end.
        return pooled(last.assign(run=last["group"], step=0)).drop(columns="step")

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """One panel."""
        return [Panel(table, bind(ends.draw, runs=runs, title=self.title), ends.describe)]
