"""How the ranking of the neurons changes."""

from __future__ import annotations

import numpy as np

from topolab_reports.context import Context
from topolab_reports.sections.base import Content, Section, over_seeds, sentence

__all__ = ["KendallSection"]


class KendallSection(Section):
    """Kendall's tau-b between the degrees of every two snapshots."""

    name = "kendall"
    title = "Topology correlation"
    order = 60
    needs = ("kendall",)
    figures = ("nsh-fig20",)

    def build(self, context: Context) -> Content:
        """How far the last ranking of the first layer is from the first."""
        return Content(self._finding(context), self.figures)

    @staticmethod
    def _finding(context: Context) -> str:
        table = context.table("kendall")
        taus: dict[str, list[float]] = {}
        for view in context.views:
            steps = view.run.steps
            line = table[
                (table["run"] == view.label)
                & (table["layer"] == view.hidden[0])
                & (table["step_a"] == steps[0])
                & (table["step_b"] == steps[-1])
            ]["tau"]
            taus.setdefault(view.group or view.label, []).append(float(line.iloc[0]))
        layer = context.views[0].hidden[0]
        return sentence(
            f"the ranking of {layer} at the end of {group} has τ = {over_seeds(values)} with that "
            "at its start"
            if np.isfinite(values).any()
            else f"the ranking of {layer} in {group} is not defined, its degrees being constant"
            for group, values in taus.items()
        )
