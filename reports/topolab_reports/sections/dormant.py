"""Neurons that take no part."""

from __future__ import annotations

import pandas as pd

from topolab_reports.figures import timeline
from topolab_reports.sections.base import Content, Context, FigureGroup, Section, join

__all__ = ["DormantSection"]


class DormantSection(Section):
    """Structurally dormant neurons."""

    name = "dormant"
    title = "Dormant neurons"
    order = 50
    needs = ("dormant",)

    def build(self, context: Context) -> Content:
        """Neurons below each threshold per layer; those without input, output or path."""
        table = context.table("dormant")
        layers = ["input", *[layer.name for layer in context.views[0].run.layers[:-1]]]
        below = table[table["measure"].str.startswith("below_")]
        groups = []
        for measure, part in below.groupby("measure", sort=False):
            threshold = str(measure).removeprefix("below_")
            if not part["count"].any():
                groups.append(
                    FigureGroup(
                        f"Total degree below {threshold}",
                        f"No neuron of any run ever has fewer than {threshold} edges.",
                        (),
                    )
                )
                continue
            panels = []
            for layer in layers:
                line = part[part["layer"] == layer]
                if line.empty:
                    continue
                figure = timeline.draw(
                    line, y="share", ylabel="share of neurons (%)", title=layer,
                    runs=context.labels, percent=True, zero=True,
                )  # fmt: skip
                alt = timeline.describe(
                    line, y="share", what=f"{layer}: degree below {threshold}", percent=True
                )
                panels.append(context.still(figure, alt))
            groups.append(
                FigureGroup(
                    f"Total degree below {threshold}",
                    f"Neurons with fewer than {threshold} edges, in and out together.",
                    tuple(panels),
                )
            )
        return Content(self._finding(table), groups, facts=self._facts(table))

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
