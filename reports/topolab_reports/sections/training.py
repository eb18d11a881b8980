"""Accuracy, loss, and how much of the wiring moves."""

from __future__ import annotations

import pandas as pd

from topolab_reports.figures import timeline
from topolab_reports.sections.base import Content, Context, FigureGroup, Section, join, percent

__all__ = ["Training"]

_WHEN_TESTED = (
    "On the test set at each snapshot, right after the update that it records: what was dropped is "
    "gone, what was grown is still 0. A dip there is the price of the update."
)


class Training(Section):
    """What the training measured at each snapshot."""

    name = "training"
    title = "Training"
    order = 10

    def build(self, context: Context) -> Content:
        """Accuracy and loss per run, edges moved per update, edges per layer."""
        rows, edges = [], []
        for view in context.views:
            for snapshot in view.run:
                when = {"run": view.label, "step": snapshot.step, "epoch": snapshot.epoch}
                rows.append({**when, **snapshot.metrics})
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
        table = pd.DataFrame(rows)
        groups = []
        panels = []
        for y, label, text, shown in (
            ("test_accuracy", "test accuracy (%)", "Test accuracy", True),
            ("test_loss", "test loss (nats)", "Test loss", False),
            ("train_loss", "training loss (nats)", "Training loss since the last snapshot", False),
        ):
            if y not in table or table[y].isna().all():
                continue
            figure = timeline.draw(
                table, y=y, ylabel=label, title=text, runs=context.labels, percent=shown
            )
            panels.append(
                context.still(figure, timeline.describe(table, y=y, what=text, percent=shown))
            )
        if panels:
            groups.append(FigureGroup("Accuracy and loss", _WHEN_TESTED, tuple(panels)))
        groups += self._moves(table, context)
        return Content(self._finding(table), groups, facts=pd.DataFrame(edges))

    @staticmethod
    def _moves(table: pd.DataFrame, context: Context) -> list[FigureGroup]:
        panels = []
        for column in [c for c in table if str(c).startswith("dropped.")]:
            layer = str(column).removeprefix("dropped.")
            moved = table.dropna(subset=[column])
            if moved.empty:
                continue
            what = f"{layer}: edges replaced per update"
            figure = timeline.draw(
                moved, y=str(column), ylabel="edges", title=what, runs=context.labels, zero=True
            )
            panels.append(context.still(figure, timeline.describe(moved, y=str(column), what=what)))
        if not panels:
            return []
        caption = (
            "Edges that an update really exchanged: dropped and not grown again at once. "
            "As many were grown."
        )
        return [FigureGroup("How much of the wiring moves", caption, tuple(panels))]

    @staticmethod
    def _finding(table: pd.DataFrame) -> str:
        if "test_accuracy" not in table or table["test_accuracy"].isna().all():
            return "These runs recorded no test accuracy."
        parts = []
        for run, line in table.groupby("run", sort=False):
            values = line["test_accuracy"].dropna()
            parts.append(
                f"{percent(values.iloc[-1], 2)} in {run}"
                + (f" (best {percent(values.max(), 2)})" if values.max() > values.iloc[-1] else "")
            )
        return "The test accuracy at the end is " + join(parts) + "."
