"""How the ranking of the neurons changes."""

from __future__ import annotations

import numpy as np

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, over_seeds, sentence

__all__ = ["KendallSection"]


class KendallSection(Section):
    """Kendall's tau-b between the degrees of every two snapshots."""

    name = "kendall"
    title = "Topology correlation"
    order = 60
    needs = ("kendall",)
    figures = ("nsh-fig20",)

    def build(self, data: ReportData) -> Content:
        """How far the last ranking of the first layer is from the first."""
        return Content(self._finding(data), self.figures)

    @staticmethod
    def _finding(data: ReportData) -> str:
        table = data.table("kendall")
        taus: dict[str, list[float]] = {}
        layers: dict[str, str] = {}
        why: dict[str, str] = {}
        for view in data.views:
            steps = view.run.steps
            line = table[
                (table["run"] == view.label)
                & (table["layer"] == view.first_layer)
                & (table["step_a"] == steps[0])
                & (table["step_b"] == steps[-1])
            ]["tau"]
            group = view.group or view.label
            layers[group] = view.first_layer
            why[group] = (
                "all its degrees are equal at the start or at the end"
                if len(steps) > 1
                else "there is one snapshot"
            )
            tau = float(line.iloc[0]) if len(steps) > 1 else float("nan")
            taus.setdefault(group, []).append(tau)
        return sentence(
            f"the ranking of {layers[group]} by total degree at the end of {group} has τ = "
            f"{over_seeds(values)} with that at its start"
            if np.isfinite(values).any()
            else f"in {group} no ranking of {layers[group]} can be compared, as {why[group]}"
            for group, values in taus.items()
        )
