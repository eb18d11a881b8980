"""Weighted degrees."""

from __future__ import annotations

import numpy as np

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, over_seeds, sentence

__all__ = ["StrengthSection"]


class StrengthSection(Section):
    """Strength of neurons; shown where the analysis has been computed."""

    name = "strength"
    title = "Strength of neurons"
    order = 85
    needs = ("strength",)
    figures = ("strength",)
    optional = True

    def build(self, data: ReportData) -> Content:
        """Whether the well-connected neurons are also the strong ones."""
        table = data.table("strength")
        first = {view.label: view.first_layer for view in data.views}
        here = (table["direction"] == "in") & (table["layer"] == table["run"].map(first))
        parts = []
        for group, part in table[here].groupby("group", sort=False):
            ends = part.groupby("run", sort=False).last()["rank_correlation"]
            if not np.isfinite(ends).any():
                parts.append(f"nothing is known of {group}: {part['reason'].iloc[-1]}")
            else:
                parts.append(
                    f"strength and fan-in of {part['layer'].iloc[0]} have τ = "
                    f"{over_seeds(list(ends))} at the end of {group}"
                )
        return Content(sentence(parts), self.figures)
