"""Attachment kernels: who gains edges, and who loses them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import bind, per_layer
from topolab_reports.plots import kernel
from topolab_reports.report_data import ReportData

__all__ = ["AttachmentKernels", "choose_end"]


class AttachmentKernels(RunFigure):
    """Gain and loss by total degree, against chance; a panel per hidden layer and kernel."""

    name = "attachment-kernels"
    title = "Attachment kernels"
    caption = (
        "By total degree, or by the one end that ever changes; only layers whose masks change "
        "count. Gain: neurons above 1 gain more edges than growth at random gives them, so where "
        "the line rises, neurons with many edges gain more, by attachment or because they are "
        "such as gain. Loss: neurons above 1 lose more than their share, so where the line falls, "
        "neurons with many edges keep more of them. Bands are 95 % intervals; of several seeds "
        "the first is shown."
    )
    source = "none of the papers measures it; after Jeong, Neda and Barabasi (2003)"
    needs = ("attachment",)
    by_layer = True

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per group, layer, kernel and bin of degrees."""
        kernels = data.table("attachment_kernels", representatives=True)
        if kernels.empty:
            return pd.DataFrame(columns=["run", "group", "layer", "kernel", "value"])
        table = choose_end(data, kernels[kernels["value"].notna()])
        names = ["run", "group", "layer", "end", "kernel", "degree_from", "degree_to", "degree",
                 "value", "low", "high", "events", "expected"]  # fmt: skip
        return table[names]

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """Per hidden layer the gain, then the loss."""
        panels = []
        table = table.assign(run=table["group"])
        for layer, part in per_layer(table):
            for name in ("gain", "loss"):
                of_kernel = part[part["kernel"] == name]
                if len(of_kernel):
                    panels.append(self._panel(f"{layer}: {name}", of_kernel, runs))
        return panels

    @staticmethod
    def _panel(title: str, part: pd.DataFrame, runs: Sequence[str] | None) -> Panel:
        draw = bind(kernel.draw, title=title, runs=runs)
        return Panel(part, draw, lambda rows: kernel.describe(rows, what=f"{title} of edges"))


def choose_end(data: ReportData, table: pd.DataFrame) -> pd.DataFrame:
    """Hidden layers in order of depth: both ends together, or the one end that ever changes."""
    parts = []
    for view in data.views:
        of_run = table[table["run"] == view.label]
        for name in view.hidden_layers:
            of_layer = of_run[of_run["layer"] == name]
            for end in ("total", "in", "out"):
                if (of_layer["end"] == end).any():
                    parts.append(of_layer[of_layer["end"] == end])
                    break
    return pd.concat(parts, ignore_index=True) if parts else table.iloc[:0]
