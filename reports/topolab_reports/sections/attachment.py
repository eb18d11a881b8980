"""Attachment: who gains edges, and who loses them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.figures.attachment_kernels import choose_end
from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, over_seeds, sentence

__all__ = ["AttachmentSection"]


class AttachmentSection(Section):
    """Gain and loss kernels by total degree, with their exponents."""

    name = "attachment"
    title = "Attachment"
    order = 35
    needs = ("attachment",)
    figures = ("attachment-kernels",)

    def build(self, data: ReportData) -> Content:
        """Whether new edges grow at hubs; the exponents of every kernel."""
        table = data.table("attachment")
        whole = choose_end(data, table[table["window"] == 0])
        return Content(self._finding(whole), self.figures, facts=self._facts(whole))

    @staticmethod
    def _facts(whole: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "run": whole["run"],
                "layer": whole["layer"],
                "kernel": whole["kernel"],
                "exponent": [_interval(row, "slope", "low", "high") for _, row in whole.iterrows()],
                "rate": [
                    _interval(row, "rate", "rate_low", "rate_high") for _, row in whole.iterrows()
                ],
                "updates": whole["updates"].astype(str),
                "remark": whole["reason"],
            }
        )

    @staticmethod
    def _finding(whole: pd.DataFrame) -> str:
        parts = []
        for group, of_group in whole.groupby("group", sort=False):
            part = of_group[(of_group["kernel"] == "gain") & of_group["low"].notna()]
            if part.empty:
                parts.append(f"in {group} too little changes to say what attaches where")
                continue
            part = part[part["layer"] == part["layer"].iloc[0]]
            words = (
                "grow at hubs" if (part["low"] > 0).all() else "avoid hubs"
                if (part["high"] < 0).all() else "take no clear notice of degrees"
            )  # fmt: skip
            parts.append(
                f"in {group} new edges of {part['layer'].iloc[0]} {words} (exponent "
                + (over_seeds(list(part["slope"])) if len(part) > 1
                   else f"{part['slope'].iloc[0]:.2f}, {part['low'].iloc[0]:.2f} to "
                        f"{part['high'].iloc[0]:.2f}") + ")"
            )  # fmt: skip
        return sentence(parts)


def _interval(row: pd.Series, value: str, low: str, high: str) -> str:
    if not np.isfinite(row[value]):
        return "none"
    if not np.isfinite(row[low]):
        return f"{row[value]:.2f}"
    return f"{row[value]:.2f} ({row[low]:.2f} to {row[high]:.2f})"
