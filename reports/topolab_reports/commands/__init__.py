"""The commands of the reports; they import nothing heavy before they run."""

from __future__ import annotations

from topolab.commands import Command
from topolab_reports.commands import figure, report, watch

__all__ = ["FIGURE", "FIGURES", "REPORT", "WATCH"]

REPORT = Command("report", report.report, "topolab_reports.report:report", order=60)
FIGURE = Command("figure", figure.figure, "topolab_reports.figure_file:figure", order=70)
FIGURES = Command("figures", figure.figures, "topolab_reports.figure_file:figures", order=80)
WATCH = Command("watch", watch.watch, "topolab_reports.watch:watch", order=90)
