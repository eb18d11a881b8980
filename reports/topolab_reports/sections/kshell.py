"""Core, crust and isolated neurons."""

from __future__ import annotations

from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, join, over_seeds, spread

__all__ = ["KShellSection"]


class KShellSection(Section):
    """k-shell decomposition of the whole network."""

    name = "kshell"
    title = "k-shells"
    order = 40
    needs = ("kshell",)
    figures = ("nsh-fig11", "nsh-fig12")

    def build(self, data: ReportData) -> Content:
        """How much of the network its core is."""
        table = data.table("kshell")
        parts = []
        for group, of_group in table.groupby("group", sort=False):
            shares, depths = [], []
            for _, of_run in of_group.groupby("run", sort=False):
                last = of_run[of_run["step"] == of_run["step"].max()]
                core = last[last["role"] == "core"]["count"].sum()
                shares.append(core / last["count"].sum())
                depths.append(int(last["k_max"].iloc[0]))
            share = over_seeds(shares, 1, shares=True)
            parts.append(
                f"{share} of the neurons of {group} are in its highest shell (coreness "
                f"{spread(depths, 0)})"
            )
        text = "Without the edges of the last layer, at the end " + join(parts) + "."
        return Content(text, self.figures)
