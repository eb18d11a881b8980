"""The first screen: the verdict, the network, its degrees and the key curves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.context import Context
from topolab_reports.sections.base import Content, Section, join

__all__ = ["OverviewSection"]


class OverviewSection(Section):
    """What a reader should know after a minute."""

    name = "overview"
    title = "At a glance"
    order = 0
    needs = ("selection",)
    figures = ("wiring", "degree-time", "curves")

    def build(self, context: Context) -> Content:
        """The verdict in one sentence with its numbers."""
        return Content(self._finding(context.table("selection")), self.figures)

    @staticmethod
    def _finding(table: pd.DataFrame) -> str:
        if table.empty:
            return "There is no hidden layer to test neural selection in."
        parts = []
        for group, part in table.groupby("group", sort=False):
            yes = int((part["verdict"] == "supported").sum())
            no = int((part["verdict"] == "not supported").sum())
            runs = part["run"].nunique()
            where = f"{len(part)} layers" if runs == 1 else f"{len(part)} layers of {runs} runs"
            parts.append(
                f"is {_word(yes, no, len(part))} in {group}: {yes} of {where} support it and "
                f"{no} contradict it (exponent of the gain kernel {_range(part['gain_slope'])}, 0 "
                f"being chance; p of a power law {_range(part['p_law'])}; edges of the poorest "
                f"quarter {_change(part['drift'])})"
            )
        return f"The neural selection hypothesis {'; '.join(parts)}."


def _word(yes: int, no: int, n: int) -> str:
    if yes == n:
        return "supported"
    return "not supported" if no == n else "supported in part" if yes else "undecided"


def _range(values: pd.Series) -> str:
    known = values[np.isfinite(values)]
    if known.empty:
        return "unknown"
    low, high = f"{known.min():.2f}", f"{known.max():.2f}"
    return low if low == high else f"{low} to {high}"


def _change(values: pd.Series) -> str:
    known = values[np.isfinite(values)]
    if known.empty:
        return "unknown"
    return join(dict.fromkeys([f"{known.min():+.0%}", f"{known.max():+.0%}"])).replace(
        " and ", " to "
    )
