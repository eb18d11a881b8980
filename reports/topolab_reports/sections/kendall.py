"""How the ranking of the neurons changes."""

from __future__ import annotations

import numpy as np

from topolab_reports.figures import matrix
from topolab_reports.sections.base import Content, Context, FigureGroup, Section, sentence

__all__ = ["KendallSection"]


class KendallSection(Section):
    """Kendall's tau-b between the degrees of every two snapshots."""

    name = "kendall"
    title = "Topology correlation"
    order = 60
    needs = ("kendall",)

    def build(self, context: Context) -> Content:
        """A matrix per run and layer, on one colour scale."""
        table = context.table("kendall")
        pairs = zip(table["run"], table["layer"], strict=True)
        shown = table[[not _constant_by_nature(context, run, layer) for run, layer in pairs]]
        low = shown["tau"].min()
        vmin = float(np.floor(10 * low) / 10) if np.isfinite(low) else -1.0
        panels = []
        for (run, layer), part in shown.groupby(["run", "layer"], sort=False):
            figure = matrix.draw(part, title=f"{run}: {layer}", vmin=min(vmin, 0.9))
            panels.append(
                context.picture(figure, matrix.describe(part, run=str(run), layer=str(layer)))
            )
        group = FigureGroup(
            "Rank correlation between snapshots",
            "Kendall's τ-b of the neurons' total degrees at two steps: 1 if they are in the same "
            "order, 0 if the orders have nothing in common. All panels share one colour scale.",
            tuple(panels),
        )
        return Content(self._finding(context), [group])

    @staticmethod
    def _finding(context: Context) -> str:
        table = context.table("kendall")
        parts = []
        for view in context.views:
            layer = view.run.layers[0].name
            steps = view.run.steps
            line = table[
                (table["run"] == view.label)
                & (table["layer"] == layer)
                & (table["step_a"] == steps[0])
                & (table["step_b"] == steps[-1])
            ]["tau"]
            tau = float(line.iloc[0])
            parts.append(
                f"the ranking of {layer} at the end of {view.label} has τ = {tau:.2f} with that "
                "at its start"
                if np.isfinite(tau)
                else f"the ranking of {layer} in {view.label} is not defined, its degrees being "
                "constant"
            )
        return sentence(parts)


def _constant_by_nature(context: Context, run: str, layer: str) -> bool:
    """A last layer that is dense has constant degrees at all times: no matrix is shown for it."""
    view = context.views[context.labels.index(run)]
    last = view.run.layers[-1]
    return layer == last.name and not last.maskable
