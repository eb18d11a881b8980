"""How degrees are distributed, and how unequal they become."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, join, over_seeds, sentence

__all__ = ["DegreeSection"]

#: A smaller change of a CCV is called none.
SMALL = 0.02


class DegreeSection(Section):
    """Degree distribution through time, and its inequality."""

    name = "degree"
    title = "Degree evolution"
    order = 20
    needs = ("degree",)
    figures = ("degree-ccdf", "psn-fig1", "psn-ccv", "nsh-fig13")

    def build(self, data: ReportData) -> Content:
        """Whether the fan-in of the first layer became more unequal."""
        figures = self.figures if len(data.groups) > 1 else self.figures[:-1]
        return Content(self._finding(data.table("degree"), data), figures)

    @staticmethod
    def _finding(table: pd.DataFrame, data: ReportData) -> str:
        first = {view.label: view.first_layer for view in data.views}
        here = (table["direction"] == "in") & (table["layer"] == table["run"].map(first))
        parts = []
        for group, part in table[here].groupby("group", sort=False):
            lines = [line["ccv"] for _, line in part.groupby("run", sort=False)]
            start, end = [line.iloc[0] for line in lines], [line.iloc[-1] for line in lines]
            if not np.isfinite(end).any():
                parts.append(f"in {group} the fan-in CCV of {part['layer'].iloc[0]} is not defined")
                continue
            parts.append(
                f"in {group} the fan-in CCV of {part['layer'].iloc[0]} {_went(start, end)} from "
                f"{over_seeds(start)} to {over_seeds(end)}"
            )
        return sentence(parts)


def _went(start: Sequence[float], end: Sequence[float]) -> str:
    """Which way it went, if it did so with every seed.

    Examples
    --------
    >>> _went([0.2], [0.5]), _went([0.2], [0.21]), _went([0.2, 0.2], [0.1, 0.3])
    ('rose', 'stayed within 0.02,', 'rose with 1 of 2 seeds and fell with 1 of 2 seeds,')
    """
    change = np.asarray(end) - np.asarray(start)
    up, down, n = int((change > SMALL).sum()), int((change < -SMALL).sum()), len(change)
    if n in (up, down):
        return "rose" if up else "fell"
    if not up and not down:
        return f"stayed within {SMALL:g},"
    counts = {"rose": up, "fell": down}
    return (
        join(f"{word} with {count} of {n} seeds" for word, count in counts.items() if count) + ","
    )
