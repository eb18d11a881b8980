"""Accuracy, loss, and how much of the wiring moves."""

from __future__ import annotations

import pandas as pd

from topolab_reports.figures.common import metrics_table
from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, join, over_seeds, percent

__all__ = ["Training"]


class Training(Section):
    """What the training measured at each snapshot."""

    name = "training"
    title = "Accuracy and sparsity"
    order = 10
    figures = ("accuracy", "churn", "nist-stability")

    def build(self, data: ReportData) -> Content:
        """The accuracy at the end; edges per layer."""
        edges = []
        for view in data.views:
            first, last = view.run[0], view.run[-1]
            for layer in view.run.layers:
                edges.append(
                    {
                        "run": view.label,
                        "layer": layer.name + ("" if layer.maskable else " (dense)"),
                        "weights": f"{layer.size:,}",
                        "active at the start": f"{first.nnz(layer.name):,}",
                        "active at the end": f"{last.nnz(layer.name):,}",
                        "sparsity": percent(1 - last.nnz(layer.name) / layer.size, 2),
                    }
                )
        return Content(self._finding(metrics_table(data)), self.figures, facts=pd.DataFrame(edges))

    @staticmethod
    def _finding(table: pd.DataFrame) -> str:
        if "test_accuracy" not in table or table["test_accuracy"].isna().all():
            return "These runs recorded no test accuracy."
        parts = []
        for group, part in table.dropna(subset=["test_accuracy"]).groupby("group", sort=False):
            runs = [line["test_accuracy"] for _, line in part.groupby("run", sort=False)]
            text = f"{over_seeds([line.iloc[-1] for line in runs], shares=True)} in {group}"
            if len(runs) == 1 and runs[0].max() > runs[0].iloc[-1]:
                text += f" ({percent(runs[0].max(), 2)} at its best snapshot)"
            parts.append(text)
        return "The test accuracy at the end is " + join(parts) + "."
