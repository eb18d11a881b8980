"""The verdict on the neural selection hypothesis, with its numbers."""

from __future__ import annotations

import pandas as pd

from topolab_analyses.judgement import sentence
from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section

__all__ = ["SelectionSection"]


class SelectionSection(Section):
    """Power law, attachment, decay: a word for each, and what is behind it."""

    name = "selection"
    title = "Neural selection: the verdict"
    order = 5
    needs = ("selection",)

    def build(self, data: ReportData) -> Content:
        """One row per group of runs and layer of hidden neurons, from all its runs together."""
        pooled = data.pooled("selection")
        seeds = " Runs that differ by their seed alone are judged together; how often each verdict "
        seeds += "was given to them one by one stands beside it."
        notes = [
            "Hypothesis (NSH): under magnitude pruning and regrowth the degrees go to a power law, "
            "through preferential attachment, and the poorly connected decay into dormancy.",
            "It is supported if all three claims are, not supported if one is not, and undecided "
            "else. It does not apply where nothing is dropped or grown. Degrees count only layers "
            "that change." + (seeds if (pooled["runs"] > 1).any() else ""),
            "The card of selection has the rules; topolab compare gives the same words.",
        ]
        return Content(sentence(pooled), facts=self._facts(pooled), notes=notes)

    @staticmethod
    def _facts(pooled: pd.DataFrame) -> pd.DataFrame:
        def claim(name: str) -> list[str]:
            return [f"{row[name]}: {row[f'why_{name}']}" for _, row in pooled.iterrows()]

        facts = {
            "run": pooled["group"],
            "layer": pooled["layer"],
            "verdict": pooled["verdict"],
            "power law": claim("power_law"),
            "attachment": claim("attachment"),
            "decay of the poor": claim("decay"),
        }
        if (pooled["runs"] > 1).any():
            facts |= {"runs": pooled["runs"].astype(str), "one by one": pooled["tally"]}
        return pd.DataFrame(facts)
