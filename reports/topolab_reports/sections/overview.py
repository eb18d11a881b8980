"""The first screen: the verdict, the network, its degrees and the key curves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_analyses.claims.limits import DOES_NOT_APPLY
from topolab_analyses.judgement import sentence
from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section

__all__ = ["OverviewSection"]


class OverviewSection(Section):
    """What a reader should know after a minute."""

    name = "overview"
    title = "At a glance"
    order = 0
    needs = ("selection",)
    figures = ("wiring", "degree-time", "curves")

    def build(self, data: ReportData) -> Content:
        """The verdict in one sentence, and the numbers behind it."""
        pooled = data.pooled("selection")
        if pooled.empty:
            return Content("There is no hidden layer to test neural selection in.", self.figures)
        said = sentence(pooled)
        if len(pooled) == 1:
            said = f"{said} {pooled['why'].iloc[0]}"
        below = int(pooled["dormant_below"].max())
        notes = [
            "In the table: the exponent α of the degrees with its standard error, and CSN's p; the "
            "exponents of gains and of losses by degree, 0 being chance, and that of gains within "
            "neurons, at a given fitness of theirs; how many times a neuron of the poorest quarter "
            f"fell below {below} edges, and how many times by chance.",
        ]
        return Content(said, self.figures, facts=self._facts(pooled), notes=notes, facts_first=True)

    @staticmethod
    def _facts(pooled: pd.DataFrame) -> pd.DataFrame:
        """Each layer's verdict and the numbers of its claims."""
        below = int(pooled["dormant_below"].max())
        return pd.DataFrame(
            {
                "run": [
                    f"{row['group']} ({row['runs']} seeds)" if row["runs"] > 1 else row["group"]
                    for _, row in pooled.iterrows()
                ],
                "layer": pooled["layer"],
                "hypothesis": pooled["verdict"],
                "α": [interval(row["alpha"], row["alpha_error"]) for _, row in pooled.iterrows()],
                "p of the law": [known(p) for p in pooled["p_law"]],
                "gains": [
                    _where_it_applies(row, "attachment", row["gain_slope"], row["gain_error"])
                    for _, row in pooled.iterrows()
                ],
                "within neurons": [
                    _where_it_applies(row, "attachment", row["within"], row["within_error"])
                    for _, row in pooled.iterrows()
                ],
                "losses": [
                    _where_it_applies(row, "decay", row["loss_slope"])
                    for _, row in pooled.iterrows()
                ],
                f"poor below {below} (by chance)": [
                    f"{row['dormant']} ({row['dormant_null']:.1f})"
                    if np.isfinite(row["dormant_null"])
                    else _where_it_applies(row, "decay", np.nan)
                    for _, row in pooled.iterrows()
                ],
            }
        )


def _where_it_applies(row: pd.Series, claim: str, value: float, error: float = 0.0) -> str:
    if row[claim] == DOES_NOT_APPLY:
        return DOES_NOT_APPLY
    return interval(value, error) if error else known(value)


def known(value: float) -> str:
    """Two decimals, or that there is no number."""
    return f"{value:.2f}" if np.isfinite(value) else "unknown"


def interval(value: float, error: float) -> str:
    """A number and its standard error."""
    return f"{value:.2f} ± {error:.2f}" if np.isfinite(value + error) else known(value)
