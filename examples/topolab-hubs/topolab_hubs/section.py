"""A section of the report: a sentence, and the figure."""

from __future__ import annotations

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, sentence

__all__ = ["OverlapSection"]


class OverlapSection(Section):
    """The overlap at the end, and how it came about."""

    name = "overlap"
    title = "Overlap"
    order = 85
    needs = ("overlap",)
    figures = ("overlap",)

    def build(self, data: ReportData) -> Content:
        """The mean over the layers at the end, for each run."""
        table = data.table("overlap")
        parts = []
        for run, part in table.groupby("run", sort=False):
            last = part[part["step"] == part["step"].max()]
            parts.append(f"at the end of {run} two neurons share {last['overlap'].mean():.0%}"
                         " of their inputs on average")  # fmt: skip
        return Content(sentence(parts), self.figures)
