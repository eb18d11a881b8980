"""The network itself at the start, in the middle and at the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind
from topolab_reports.plots import wiring
from topolab_reports.report_data import ReportData, RunView

__all__ = ["Wiring"]


class Wiring(RunFigure):
    """Layers, hubs, cores, neurons on no path and bundles of edges, three moments a run."""

    name = "wiring"
    title = "The network: start, middle, end"
    caption = (
        "Every layer is a column of its neurons, those with the most edges on top; a bar is as "
        "long as the neuron's total degree (the edges of every layer), relative to its layer's "
        "largest. Colour is its place in the k-shell decomposition; red neurons are on no path "
        "from an input to an output. "
        "Bundles of edges are darker the denser they are beside their layer's average (darkest: "
        "five times and more), so that random and complete wirings are a haze."
    )
    needs = ("wiring",)

    def table(self, data: ReportData) -> pd.DataFrame:
        """Rows of neurons and of bundles, of each pictured run at its three moments."""
        neurons = data.table("wiring_neurons", representatives=True)
        bundles = data.table("wiring", representatives=True)
        if "fan_in" not in neurons:
            return pd.DataFrame(columns=["run", "group", "step", "epoch", "kind", "layer"])
        neurons = neurons.assign(kind="neuron", degree=neurons["fan_in"] + neurons["fan_out"])
        bundles = bundles.assign(
            kind="bundle",
            density=bundles["edges"] / bundles["possible"].where(bundles["possible"] > 0),
        )
        parts = []
        for view in data.representatives:
            before: list[pd.DataFrame] = []
            for step in _three_steps(view):
                now = [table[(table["run"] == view.label) & (table["step"] == step)]
                       for table in (neurons, bundles)]  # fmt: skip
                if before and all(_same_wiring(a, b) for a, b in zip(before, now, strict=True)):
                    continue  # a wiring that has not changed is shown once
                before = now
                parts += now
        names = ["run", "group", "step", "epoch", "kind", "layer", "neuron", "rank_group", "degree",
                 "coreness", "role", "on_path", "source", "source_group", "target_group", "edges",
                 "possible", "density"]  # fmt: skip
        table = pd.concat(parts, ignore_index=True)
        return table.reindex(columns=names)

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """Three panels a run, or as many as differ."""
        panels = []
        for (run, step), part in table.groupby(["run", "step"], sort=False):
            epoch = float(part["epoch"].iloc[0])
            when = f"epoch {epoch:.3g}" if np.isfinite(epoch) else f"step {step:,}"
            panels.append(self._panel(f"{run}, {when}", part))
        return panels

    @staticmethod
    def _panel(title: str, part: pd.DataFrame) -> Panel:
        return Panel(
            part,
            bind(wiring.draw, title=title),
            lambda rows: wiring.describe(rows, run=title),
            size=wiring.SIZE,
            raster=True,
        )


def _same_wiring(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Whether two moments have the same neurons or bundles."""
    when = ["step", "epoch"]
    return (
        a.drop(columns=when)
        .reset_index(drop=True)
        .equals(b.drop(columns=when).reset_index(drop=True))
    )


def _three_steps(view: RunView) -> list[int]:
    """The first snapshot, the one nearest to half of the time, and the last."""
    steps = view.run.steps
    middle = int(np.argmin(np.abs(steps - (steps[0] + steps[-1]) / 2)))
    return [int(s) for s in steps[np.unique([0, middle, len(steps) - 1])]]
