"""Exploration: what was tried, and what stayed."""

from __future__ import annotations

from topolab_reports.context import Context
from topolab_reports.figures.exploration import Exploration
from topolab_reports.sections.base import Content, Section, over_seeds, sentence

__all__ = ["ExplorationSection"]


class ExplorationSection(Section):
    """ITOP's R_s, overlap of successive masks, survival of the first edges, turnover of hubs."""

    name = "exploration"
    title = "Exploration"
    order = 80
    needs = ("exploration",)
    figures = ("exploration",)

    def build(self, context: Context) -> Content:
        """What each run has tried, and kept of its first edges."""
        table = Exploration().table(context)
        parts = []
        for group, part in table.groupby("group", sort=False):
            ends = part.groupby("run", sort=False).last()
            said = (
                f"{group} has tried {over_seeds(list(ends['r_s']), 1, shares=True)} of its weights"
            )
            if ends["kept"].notna().any():
                kept = over_seeds(list(ends["kept"]), 1, shares=True)
                said += f" and never dropped {kept} of its first edges"
            parts.append(f"by its end {said}")
        return Content(sentence(parts), self.figures)
