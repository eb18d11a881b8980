"""Attachment: who gains edges, and who loses them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.figures import kernel
from topolab_reports.sections.base import Content, Context, FigureGroup, Section, sentence

__all__ = ["AttachmentSection"]


class AttachmentSection(Section):
    """Gain and loss kernels by total degree, with their exponents."""

    name = "attachment"
    title = "Attachment"
    order = 35
    needs = ("attachment",)

    def build(self, context: Context) -> Content:
        """A panel per hidden layer and kernel, with all runs."""
        table, kernels = context.table("attachment"), context.table("attachment_kernels")
        total = _hidden(context, kernels[kernels["value"].notna()])
        whole = _hidden(context, table[table["window"] == 0])
        groups = []
        for name, heading, caption in (
            ("gain", "Edges gained", "Neurons above 1 gain more edges than growth at random gives "
                                     "them; a rising line is attachment to hubs."),
            ("loss", "Edges lost", "Neurons above 1 lose more than their share; a falling line "
                                   "means that hubs keep theirs."),
        ):  # fmt: skip
            of_kernel = total[total["kernel"] == name]
            panels = []
            for layer, part in of_kernel.groupby("layer", sort=False):
                figure = kernel.draw(part, title=f"{layer}: {name}", runs=context.labels)
                panels.append(
                    context.still(figure, kernel.describe(part, what=f"{layer}, edges {name}"))
                )
            where = "By total degree, or by the one end that ever changes."
            if panels:
                groups.append(
                    FigureGroup(
                        heading,
                        f"{where} {caption}",
                        tuple(panels),
                    )
                )
        return Content(self._finding(context, whole), groups, facts=self._facts(whole))

    @staticmethod
    def _facts(whole: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "run": whole["run"],
                "layer": whole["layer"],
                "kernel": whole["kernel"],
                "exponent": [_interval(row, "slope", "low", "high") for _, row in whole.iterrows()],
                "rate": [
                    _interval(row, "rate", "rate_low", "rate_high") for _, row in whole.iterrows()
                ],
                "updates": whole["updates"].astype(str),
                "remark": whole["reason"],
            }
        )

    @staticmethod
    def _finding(context: Context, whole: pd.DataFrame) -> str:
        parts = []
        for run in context.labels:
            part = whole[(whole["run"] == run) & (whole["kernel"] == "gain") & whole["low"].notna()]
            if part.empty:
                parts.append(f"in {run} too little changes to say what attaches where")
                continue
            row = part.iloc[0]
            says = (
                "grow at hubs" if row["low"] > 0 else "avoid hubs" if row["high"] < 0
                else "take no notice of degrees"
            )  # fmt: skip
            parts.append(
                f"in {run} new edges of {row['layer']} {says} (exponent {row['slope']:.2f}, "
                f"{row['low']:.2f} to {row['high']:.2f})"
            )
        return sentence(parts)


def _hidden(context: Context, table: pd.DataFrame) -> pd.DataFrame:
    """Hidden layers in order of depth: both ends together, or the one end that ever changes."""
    parts = []
    for view in context.views:
        names = [layer.name for layer in view.run.layers]
        of_run = table[table["run"] == view.label]
        for name in names[:-1] or names:
            of_layer = of_run[of_run["layer"] == name]
            for end in ("total", "in", "out"):
                if (of_layer["end"] == end).any():
                    parts.append(of_layer[of_layer["end"] == end])
                    break
    return pd.concat(parts, ignore_index=True) if parts else table.iloc[:0]


def _interval(row: pd.Series, value: str, low: str, high: str) -> str:
    if not np.isfinite(row[value]):
        return "none"
    if not np.isfinite(row[low]):
        return f"{row[value]:.2f}"
    return f"{row[value]:.2f} ({row[low]:.2f} to {row[high]:.2f})"
