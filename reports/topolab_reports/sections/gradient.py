"""Gradient hierarchy: do hubs get larger gradients?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, over_seeds, sentence

__all__ = ["GradientSection"]


class GradientSection(Section):
    """The ratio of gradients, hubs over specialists."""

    name = "gradient"
    title = "Gradient hierarchy"
    order = 75
    needs = ("gradient",)
    figures = ("gradient-ratio", "psn-fig2c", "gradient-deciles")

    def build(self, data: ReportData) -> Content:
        """The ratios at the end, or why there are none."""
        table = data.table("gradient")
        parts = []
        for group, of_group in table.groupby("group", sort=False):
            last = of_group[of_group["step"] == of_group.groupby("run")["step"].transform("max")]
            last = last[np.isfinite(last["ratio"])]
            if last.empty:
                parts.append(f"nothing is known of {group}: {_why(of_group)}")
                continue
            ratios = ", ".join(
                f"{over_seeds(list(part['ratio']), 1)} in {layer}"
                for layer, part in last.groupby("layer", sort=False)
            )
            parts.append(
                f"at the end of {group} hubs get {ratios} times the gradient of specialists"
            )
        known = table["ratio"].notna().any()
        return Content(sentence(parts), self.figures if known else ())


def _why(table: pd.DataFrame) -> str:
    """Why there is no ratio at the end: first of layers whose neurons differ in fan-in."""
    last = table[table["step"] == table["step"].max()]
    last = last[last["reason"] != ""].sort_values("fan_in_ccv", ascending=False, kind="stable")
    return str(last["reason"].iloc[0]) if len(last) else "no ratio is finite"
