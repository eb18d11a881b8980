"""Fan-in profiles: the fan-in of each neuron, sorted, at each moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind
from topolab_reports.plots import profile
from topolab_reports.report_data import ReportData

__all__ = ["FanInProfile"]

#: Points of a profile; a layer with more neurons is shown at as many ranks.
POINTS = 256


class FanInProfile(RunFigure):
    """Fan-in against normalised rank, a panel a run."""

    name = "psn-fig1"
    title = "Fan-in profile"
    caption = (
        "Fan-in of the neurons of each hidden layer, from the largest to the smallest. A PSN "
        "profile is what it starts from; a method that rewires bends it."
    )
    source = "PSN, Fig. 1 (fan-in over the normalised neuron index)"
    needs = ("degree",)
    by_layer = True
    moment = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """Columns run, group, step, epoch, layer, position, fan_in at the moments shown."""
        table = data.table("degree_distribution", representatives=True)
        table = data.at_moments(data.hidden_layers(table[table["direction"] == "in"]))
        rows = []
        keys = ["run", "group", "layer", "step"]
        for (run, group, layer, step), part in table.groupby(keys, sort=False):
            fan_in = np.repeat(part["degree"].to_numpy(), part["count"].to_numpy())[::-1]
            n = len(fan_in)
            at = np.unique(np.linspace(0, n - 1, min(n, POINTS)).round().astype(int))
            rows.append(
                pd.DataFrame(
                    {
                        "run": run, "group": group, "step": step, "epoch": part["epoch"].iloc[0],
                        "layer": layer, "position": (at + 0.5) / n, "fan_in": fan_in[at],
                    }
                )
            )  # fmt: skip
        names = ["run", "group", "step", "epoch", "layer", "position", "fan_in"]
        return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=names)

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """A moving panel per run, all with the same limits."""
        top = float(table["fan_in"].max()) if len(table) else 1.0
        return [self._panel(str(run), part, (0.0, 1.05 * max(top, 1.0)))
                for run, part in table.groupby("run", sort=False)]  # fmt: skip

    @staticmethod
    def _panel(run: str, part: pd.DataFrame, ylim: tuple[float, float]) -> Panel:
        layers = list(part["layer"].unique())
        return Panel(
            part,
            bind(profile.draw, title=run, layers=layers, ylim=ylim),
            lambda rows: profile.describe(rows, run=run),
            run=run,
        )
