"""Core, crust and isolated neurons."""

from __future__ import annotations

from topolab_reports.figures import shells, timeline
from topolab_reports.sections.base import Content, Context, FigureGroup, Section, join, percent

__all__ = ["KShellSection"]


class KShellSection(Section):
    """k-shell decomposition of the whole network."""

    name = "kshell"
    title = "k-shells"
    order = 40
    needs = ("kshell",)

    def build(self, context: Context) -> Content:
        """Roles per layer through time, and the depth of the core."""
        table = context.table("kshell")
        panels = []
        for view in context.views:
            of_run = table[table["run"] == view.label]
            for layer, part in of_run.groupby("layer", sort=False):
                figure = shells.draw(part, title=f"{view.label}: {layer}")
                alt = shells.describe(part, run=view.label, layer=str(layer))
                panels.append(context.still(figure, alt))
        depth = table.drop_duplicates(["run", "step"])
        figure = timeline.draw(
            depth, y="k_max", ylabel="coreness (1)", title="Highest shell k_max",
            runs=context.labels,
        )  # fmt: skip
        groups = [
            FigureGroup(
                "Core, crust and isolated, per layer",
                "The core is the highest shell of the whole network, isolated its lowest. The "
                "edges of the last layer are left out: a dense one lifts every neuron before it.",
                tuple(panels),
            ),
            FigureGroup(
                "How deep the core is",
                "Every neuron of the core has at least k_max neighbours in the core.",
                (context.still(figure, timeline.describe(depth, y="k_max", what="k_max")),),
            ),
        ]
        return Content(self._finding(context), groups)

    @staticmethod
    def _finding(context: Context) -> str:
        table = context.table("kshell")
        parts = []
        for run, of_run in table.groupby("run", sort=False):
            last = of_run[of_run["step"] == of_run["step"].max()]
            core = last[last["role"] == "core"]
            neurons = last["count"].sum()
            parts.append(
                f"{percent(core['count'].sum() / neurons)} of the neurons of {run} are in its "
                f"{int(last['k_max'].iloc[0])}-core"
            )
        return "At the end " + join(parts) + "."
