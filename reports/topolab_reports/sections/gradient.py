"""Gradient hierarchy: do hubs get larger gradients?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, over_seeds, sentence

__all__ = ["GradientSection"]


READ_IN_TWO_WAYS = (
    "PSN does not say over which entries of the gradient it takes its mean. Over all entries of "
    "the masked gradient (its numbers look like this reading) the ratio is that over active "
    "weights times the ratio of the fan-ins: it says mostly that hubs have more weights. Over "
    "active weights it says whether a weight of a hub gets more gradient than one of a specialist."
)


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
            last = last[np.isfinite(last["ratio_active"])]
            if last.empty:
                parts.append(f"nothing is known of {group}: {_why(of_group)}")
                continue
            ratios = ", ".join(
                f"{_both(part)} in {layer}" for layer, part in last.groupby("layer", sort=False)
            )
            parts.append(
                f"at the end of {group} hubs get {ratios} times the gradient of specialists"
            )
        if not table["ratio_active"].notna().any():
            return Content(sentence(parts))
        return Content(sentence(parts), self.figures, notes=(READ_IN_TWO_WAYS,))


def _both(part: pd.DataFrame) -> str:
    """The two readings of a layer, for each how large and over how many seeds."""
    over_all, active = (over_seeds(list(part[c]), 1) for c in ("ratio_all", "ratio_active"))
    return f"{over_all} (all entries) and {active} (active weights)"


def _why(table: pd.DataFrame) -> str:
    """Why there is no ratio at the end: first of layers whose neurons differ in fan-in."""
    last = table[table["step"] == table["step"].max()]
    last = last[last["reason"] != ""].sort_values("fan_in_ccv", ascending=False, kind="stable")
    return str(last["reason"].iloc[0]) if len(last) else "no ratio is finite"
