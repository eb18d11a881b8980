"""Neurons that take no part."""

from __future__ import annotations

import pandas as pd

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, join

__all__ = ["DormantSection"]


class DormantSection(Section):
    """Structurally dormant neurons, and silent ones."""

    name = "dormant"
    title = "Dormant neurons"
    order = 50
    needs = ("dormant",)
    figures = ("nsh-fig9",)

    def build(self, data: ReportData) -> Content:
        """Neurons on no path; those without input, output or path per layer."""
        table = data.table("dormant")
        return Content(self._finding(table), self.figures, facts=self._facts(table))

    @staticmethod
    def _facts(table: pd.DataFrame) -> pd.DataFrame:
        names = {"no_input": "no input", "no_output": "no output", "off_path": "on no path"}
        rows = []
        for (run, layer), part in table.groupby(["run", "layer"], sort=False):
            row = {"run": run, "layer": layer, "neurons": str(part["n_neurons"].iloc[0])}
            for measure, name in names.items():
                line = part[part["measure"] == measure]["count"]
                row[name] = "" if line.empty else f"{line.iloc[0]} → {line.iloc[-1]}"
            rows.append(row)
        return pd.DataFrame(rows)

    @staticmethod
    def _finding(table: pd.DataFrame) -> str:
        parts = []
        for run, part in table[table["measure"] == "off_path"].groupby("run", sort=False):
            per_step = part.groupby("step")["count"].sum()
            neurons = part[part["step"] == part["step"].max()]["n_neurons"].sum()
            if not per_step.any():
                parts.append(f"every one of the {neurons:,} neurons of {run} is on a path")
            else:
                parts.append(
                    f"{per_step.iloc[-1]} of the {neurons:,} neurons of {run} are on no path "
                    f"({per_step.iloc[0]} at the start)"
                )
        return "From input to output, " + join(parts) + "."
