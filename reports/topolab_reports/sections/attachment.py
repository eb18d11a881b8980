"""Attachment: who gains edges, and who loses them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_analyses.claims.limits import LEAST_EXPONENT
from topolab_reports.figures.attachment_kernels import choose_end
from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, join, over_seeds, sentences

__all__ = ["AttachmentSection"]


class AttachmentSection(Section):
    """Gain and loss kernels by total degree, with their exponents."""

    name = "attachment"
    title = "Attachment"
    order = 35
    needs = ("attachment",)
    figures = ("attachment-kernels",)

    def build(self, data: ReportData) -> Content:
        """Whether new edges go to neurons with many; the exponents of every kernel."""
        table = data.table("attachment")
        whole = choose_end(data, table[table["window"] == 0])
        notes = [
            "The exponent of a kernel is 0 where chance decides and 1 where neurons gain or lose "
            "in proportion to their degree. One above 0 says that gains go with degree, not why: "
            "neurons may differ in what makes them gain, and those that have gained have many "
            "edges. The verdict on neural selection looks at both. Degrees count the edges of "
            "layers whose masks change; intervals are of 95 %.",
        ]
        finding = self._finding(whole, data.groups)
        return Content(finding, self.figures, facts=self._facts(whole), notes=notes)

    @staticmethod
    def _facts(whole: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "run": whole["run"],
                "layer": whole["layer"],
                "kernel": whole["kernel"],
                "exponent": [_interval(row, "slope", "low", "high") for _, row in whole.iterrows()],
                "exponent of a neuron's rate": [
                    _interval(row, "rate", "rate_low", "rate_high") for _, row in whole.iterrows()
                ],
                "updates": whole["updates"].astype(str),
                "remark": whole["reason"],
            }
        )

    @staticmethod
    def _finding(whole: pd.DataFrame, groups: list[str]) -> str:
        parts = []
        for group, of_group in whole.groupby("group", sort=False):
            gains = of_group[of_group["kernel"] == "gain"]
            known = gains[gains["low"].notna()]
            if known.empty:
                reasons = join(dict.fromkeys(r for r in gains["reason"] if r)) or "few were grown"
                parts.append(f"of the new edges of {group} nothing can be said ({reasons})")
                continue
            known = known[known["layer"] == known["layer"].iloc[0]]
            parts.append(_gains(str(group), known))
        still = [group for group in groups if group not in set(whole["group"])]
        if parts and still:
            parts.append(f"no change of masks is there to look at in {join(still)}")
        return sentences(parts) if parts else "No run has a change of masks to look at."


def _gains(group: str, known: pd.DataFrame) -> str:
    """Where the new edges of one layer go, over its seeds, and how sure that is.

    A direction is said only if the interval of every seed is on its side of 0; and that nothing
    goes with degree only if every interval is too close to 0 to matter.
    """
    layer, n = known["layer"].iloc[0], len(known)
    low, high = known["low"], known["high"]
    small = bool((low > -LEAST_EXPONENT).all() and (high < LEAST_EXPONENT).all())
    limit = f"{LEAST_EXPONENT:g}"
    if (low > 0).all() or (high < 0).all():
        more = "more" if (low > 0).all() else "less"
        words = f"new edges of {layer} go to neurons with many edges {more} than by chance"
        words += f", but by an exponent below {limit}" if small else ""
    elif small:
        words = (
            f"new edges of {layer} go to neurons with many edges as by chance, to within an "
            f"exponent of {limit}"
        )
    else:
        words = f"it is open whether new edges of {layer} go with degree"
        if n > 1:
            above, below = int((low > 0).sum()), int((high < 0).sum())
            words += f": {above} of {n} intervals are above 0, {below} below it"
    if n == 1:
        numbers = f"exponent {known['slope'].iloc[0]:z.2f}, interval "
    else:
        numbers = f"exponent {over_seeds(list(known['slope']))}, intervals from "
    return f"in {group} {words} ({numbers}{low.min():z.2f} to {high.max():z.2f})"


def _interval(row: pd.Series, value: str, low: str, high: str) -> str:
    if not np.isfinite(row[value]):
        return "none"
    if not np.isfinite(row[low]):
        return f"{row[value]:z.2f}"
    return f"{row[value]:z.2f} ({row[low]:z.2f} to {row[high]:z.2f})"
