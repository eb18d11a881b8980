"""Exploration: what was tried, and what stayed."""

from __future__ import annotations

from topolab_reports.figures.exploration import Exploration
from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, over_seeds, sentence

__all__ = ["ExplorationSection"]


class ExplorationSection(Section):
    """ITOP's R_s, overlap of successive masks, survival of the first edges, turnover of hubs."""

    name = "exploration"
    title = "Exploration"
    order = 80
    needs = ("exploration",)
    figures = ("exploration",)

    def build(self, data: ReportData) -> Content:
        """What each run has tried, and kept of its first edges."""
        table = Exploration().table(data)
        parts = []
        for group, part in table.groupby("group", sort=False):
            ends = part.groupby("run", sort=False).last()
            words = (
                f"{group} has tried {over_seeds(list(ends['r_s']), 1, shares=True)} of its "
                "maskable weights"
            )
            if ends["kept"].notna().any():
                share = over_seeds(list(ends["kept"]), 1, shares=True)
                words += f" and never dropped {share} of its first edges"
            parts.append(f"by its end {words}")
        return Content(sentence(parts), self.figures)
