"""The verdict on the neural selection hypothesis, with its numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, join

__all__ = ["SelectionSection"]


class SelectionSection(Section):
    """Power law, attachment, decay: a word for each, and what is behind it."""

    name = "selection"
    title = "Neural selection: the verdict"
    order = 5
    needs = ("selection",)

    def build(self, data: ReportData) -> Content:
        """One row per run and layer of hidden neurons."""
        table = data.table("selection")
        notes = [
            "Hypothesis (NSH): under magnitude pruning and regrowth the degrees go to a power law, "
            "through preferential attachment, and the poorly connected decay into dormancy.",
            "A verdict is supported if all three claims are, not supported if one is contradicted, "
            "else undecided. Holm's method runs over the layers of each run; topolab compare "
            "judges several runs together. The card of selection has the rules.",
        ]
        return Content(self._finding(table), facts=self._facts(table), notes=notes)

    @staticmethod
    def _facts(table: pd.DataFrame) -> pd.DataFrame:
        def law(row: pd.Series) -> str:
            if not np.isfinite(row["p_law"]):
                return str(row["power_law"])
            return (
                f"{row['power_law']} (p = {row['p_law']:.2f}, {row['n_tail']} in the tail"
                + (f", against: {row['best_rival'].replace('_', ' ')}" if row["p_rival_holm"] < 0.05
                   else "") + ")"
            )  # fmt: skip

        def gains(row: pd.Series) -> str:
            if not np.isfinite(row["gain_low"]):
                return str(row["attachment"])
            return (
                f"{row['attachment']} (exponent {row['gain_slope']:.2f}, {row['gain_low']:.2f} to "
                f"{row['gain_high']:.2f})"
            )

        def decay(row: pd.Series) -> str:
            if not np.isfinite(row["drift"]):
                return str(row["decay"])
            by_chance = f", {row['drift_null']:+.0%} by chance" * bool(
                np.isfinite(row["drift_null"])
            )
            return (
                f"{row['decay']} (edges {row['drift']:+.0%}{by_chance}; {row['dormant']} dormant)"
            )

        return pd.DataFrame(
            {
                "run": table["run"],
                "layer": table["layer"],
                "verdict": table["verdict"],
                "power law": [law(row) for _, row in table.iterrows()],
                "attachment": [gains(row) for _, row in table.iterrows()],
                "decay of the poor": [decay(row) for _, row in table.iterrows()],
                "remark": table["reason"],
            }
        )

    @staticmethod
    def _finding(table: pd.DataFrame) -> str:
        parts = []
        for group, part in table.groupby("group", sort=False):
            counts = part["verdict"].value_counts()
            words = join(
                f"{word} in {counts[word]}"
                for word in ("supported", "not supported", "undecided")
                if word in counts
            )
            parts.append(f"in {group} it is {words} of {len(part)} layers of hidden neurons")
        return f"Neural selection: {join(parts)}."
