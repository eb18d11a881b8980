"""How degrees are distributed, and how unequal they become."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from topolab_reports.figures import ccdf, timeline
from topolab_reports.sections.base import Content, Context, FigureGroup, Section, sentence

__all__ = ["DegreeSection"]


class DegreeSection(Section):
    """Degree distribution through time, and its inequality."""

    name = "degree"
    title = "Degree evolution"
    order = 20
    needs = ("degree",)

    def build(self, context: Context) -> Content:
        """CCDF at every moment; CCV, Gini and top share over time."""
        summary = context.table("degree")
        distribution = context.table("degree_distribution")
        total = distribution[distribution["direction"] == "total"]
        # The last layer is mostly dense, and its handful of outputs is no distribution.
        hidden = {view.label: ["input", *[k.name for k in view.run.layers[:-1]]]
                  for view in context.views}  # fmt: skip
        shown = total[[layer in hidden[run] for run, layer in zip(total["run"], total["layer"],
                                                                  strict=True)]]  # fmt: skip
        positive = shown[shown["degree"] > 0]
        xlim, ylim = (0.9, 10.0), (0.1, 1.4)
        if len(positive):
            xlim = (positive["degree"].min() * 0.9, positive["degree"].max() * 1.1)
            ylim = (positive["ccdf"].min() * 0.7, 1.4)
        moving = [
            context.moving(i, self._drawer(shown, view.label, xlim, ylim))
            for i, view in enumerate(context.views)
        ]
        groups = [
            FigureGroup(
                "Degree distribution",
                "Share of neurons with at least a total degree, both axes logarithmic. A power law "
                "would be a straight line. Move the time control to see it change.",
                tuple(moving),
            ),
            *self._inequality(summary, context),
        ]
        return Content(self._finding(summary, context), groups)

    @staticmethod
    def _drawer(table: pd.DataFrame, label: str, xlim: tuple[float, float],
                ylim: tuple[float, float]):  # type: ignore[no-untyped-def]  # fmt: skip
        of_run = table[table["run"] == label]

        def draw(step: int) -> tuple[Figure, str]:
            part = of_run[of_run["step"] == step]
            figure = ccdf.draw(part, title=f"{label}, step {step}", xlim=xlim, ylim=ylim)
            return figure, ccdf.describe(part, run=f"{label} at step {step}")

        return draw

    @staticmethod
    def _inequality(summary: pd.DataFrame, context: Context) -> list[FigureGroup]:
        first_layers = [k.name for k in context.views[0].run.layers[:-1]]
        groups = []
        for measure, label, heading, caption, shown in (
            ("ccv", "fan-in CCV (1)", "Inequality of fan-in: CCV",
             "Standard deviation over mean of the fan-in of the layer's neurons.", False),
            ("gini", "Gini coefficient (1)", "Inequality of fan-in: Gini",
             "0 if all neurons have the same fan-in, 1 if one has all.", False),
            ("top1_share", "share of edges (%)", "Edges held by the top 1 %",
             "Share of the layer's incoming edges that its 1 % most connected neurons hold.", True),
        ):  # fmt: skip
            panels = []
            for layer in first_layers:
                part = summary[(summary["layer"] == layer) & (summary["direction"] == "in")]
                what = f"{layer}: {label.split(' (')[0]}"
                figure = timeline.draw(
                    part, y=measure, ylabel=label, title=layer, runs=context.labels, percent=shown
                )
                panels.append(
                    context.still(
                        figure, timeline.describe(part, y=measure, what=what, percent=shown)
                    )
                )
            groups.append(FigureGroup(heading, caption, tuple(panels)))
        return groups

    @staticmethod
    def _finding(summary: pd.DataFrame, context: Context) -> str:
        parts = []
        for view in context.views:
            layer = view.run.layers[0].name
            line = summary[
                (summary["run"] == view.label)
                & (summary["layer"] == layer)
                & (summary["direction"] == "in")
            ]["ccv"]
            change = line.iloc[-1] - line.iloc[0]
            verb = "rose" if change > 0.02 else "fell" if change < -0.02 else "stayed"
            parts.append(
                f"in {view.label} the fan-in CCV of {layer} {verb} "
                + (f"from {line.iloc[0]:.2f} to {line.iloc[-1]:.2f}" if verb != "stayed"
                   else f"near {line.iloc[-1]:.2f}")
            )  # fmt: skip
        return sentence(parts)
