"""How degrees are distributed, and how unequal they become."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, over_seeds, sentence

__all__ = ["DegreeSection"]


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
            change = (sum(end) - sum(start)) / len(lines)
            verb = "rose" if change > 0.02 else "fell" if change < -0.02 else "stayed"
            parts.append(
                f"in {group} the fan-in CCV of {part['layer'].iloc[0]} {verb} "
                + (f"near {over_seeds(end)}" if verb == "stayed"
                   else f"from {sum(start) / len(start):.2f} to {over_seeds(end)}")
            )  # fmt: skip
        return sentence(parts)
