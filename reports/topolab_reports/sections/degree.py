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
                f"in {group} the fan-in CCV of {part['layer'].iloc[0]} {_went(start, end)}"
            )
        return sentence(parts)


def _went(start: Sequence[float], end: Sequence[float]) -> str:
    """Which way it went, if it did so with every seed, and between which numbers.

    Examples
    --------
    >>> _went([0.2], [0.5]), _went([0.2], [0.21])
    ('rose from 0.20 to 0.50', 'stayed near 0.21, within 0.02 of its start')
    >>> _went([0.2, 0.2, 0.2], [0.1, 0.3, 0.2])
    'rose with 1 and fell with 1 of 3 seeds, from 0.20 to 0.20 (0.10 to 0.30 over 3 seeds)'
    """
    change = np.asarray(end) - np.asarray(start)
    up, down, n = int((change > SMALL).sum()), int((change < -SMALL).sum()), len(change)
    if not up and not down:
        return f"stayed near {over_seeds(end)}, within {SMALL:g} of its start"
    counts = {"rose": up, "fell": down}
    words = join(f"{word} with {count}" for word, count in counts.items() if count)
    words = f"{words} of {n} seeds," if n not in (up, down) else "rose" if up else "fell"
    return f"{words} from {sum(start) / n:.2f} to {over_seeds(end)}"
