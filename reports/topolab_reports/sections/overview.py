"""The first screen: the verdict, the network, its degrees and the key curves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, join

__all__ = ["OverviewSection"]


class OverviewSection(Section):
    """What a reader should know after a minute."""

    name = "overview"
    title = "At a glance"
    order = 0
    needs = ("selection",)
    figures = ("wiring", "degree-time", "curves")

    def build(self, data: ReportData) -> Content:
        """The verdict in one sentence, and the numbers behind it."""
        table = data.table("selection")
        if table.empty:
            return Content("There is no hidden layer to test neural selection in.", self.figures)
        many = len(data.groups) > 1
        facts = self._facts(table) if many else None
        return Content(self._finding(table, many), self.figures, facts=facts, facts_first=True)

    @staticmethod
    def _finding(table: pd.DataFrame, many: bool) -> str:
        parts = []
        for group, part in table.groupby("group", sort=False):
            yes = int((part["verdict"] == "supported").sum())
            no = int((part["verdict"] == "not supported").sum())
            numbers = "" if many else (
                f": exponent of the gain kernel {_range(part['gain_slope'])}, 0 being chance; p of "
                f"a power law {_range(part['p_law'])}; edges of the poorest quarter "
                f"{_change(part['drift'])}"
            )  # fmt: skip
            parts.append(
                f"is {_word(yes, no, len(part))} in {group} ({yes} of {_layers(part)} support "
                f"it, {no} contradict it{numbers})"
            )
        return f"The neural selection hypothesis {join(parts)}."

    @staticmethod
    def _facts(table: pd.DataFrame) -> pd.DataFrame:
        rows = []
        for group, part in table.groupby("group", sort=False):
            rows.append(
                {
                    "run": str(group) + (f" ({part['run'].nunique()} seeds)"
                                    if part["run"].nunique() > 1 else ""),
                    "p of a power law": _range(part["p_law"]),
                    "exponent of the gain kernel (0 = chance)": _range(part["gain_slope"]),
                    "exponent of the loss kernel": _range(part["loss_slope"]),
                    "edges of the poorest quarter": _change(part["drift"]),
                    "dormant": _counts(part.groupby("run")["dormant"].sum()),
                }
            )  # fmt: skip
        return pd.DataFrame(rows)


def _layers(part: pd.DataFrame) -> str:
    """How many layers, and over how many seeds they are counted."""
    runs = part["run"].nunique()
    return f"{len(part)} layers" + (f" of {runs} seeds" if runs > 1 else "")


def _counts(values: pd.Series) -> str:
    return " to ".join(str(int(v)) for v in dict.fromkeys([values.min(), values.max()]))


def _word(yes: int, no: int, n: int) -> str:
    if yes == n:
        return "supported"
    if no == n:
        return "not supported"
    if yes:
        return "supported in part"
    return "mostly not supported" if 2 * no > n else "undecided"


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
