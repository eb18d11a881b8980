"""The power law through time: exponent, KS distance and goodness of fit."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.figures.common import time_panel, total_degrees
from topolab_reports.report_data import ReportData

__all__ = ["PowerLawTime", "hidden_fits"]

_RULES = ((0.1, "CSN: reject below 0.1"), (0.95, "NSH: reject below 0.95"))
_VARIANTS = (("searched", "x_min searched"), ("fixed", "x_min fixed"))


def hidden_fits(data: ReportData) -> pd.DataFrame:
    """Fits of the hidden neurons of every run, pooled where there are several layers of them."""
    table = total_degrees(data.table("selection_fits"))
    parts = []
    for _, of_run in table.groupby("run", sort=False):
        pooled = of_run[of_run["layer"] == "hidden"]
        parts.append(pooled if len(pooled) else of_run)
    return pd.concat(parts, ignore_index=True) if parts else table


class PowerLawTime(RunFigure):
    """alpha with its standard error, D and p of all hidden neurons pooled."""

    name = "nsh-fig7"
    title = "Power law through time"
    source = "NSH, Fig. 7 (x_min fixed); x_min searched is CSN's way"
    needs = ("selection",)

    def table(self, data: ReportData) -> pd.DataFrame:
        """One row per run, step and variant of x_min."""
        table = hidden_fits(data)
        names = ["run", "group", "step", "epoch", "variant", "alpha", "sigma", "x_min", "n_tail",
                 "ks_distance", "p_value", "p_low", "p_high", "reason"]  # fmt: skip
        return table.reindex(columns=names)

    def caption_for(self, table: pd.DataFrame) -> str:
        """Which x_min the fits have."""
        parts = []
        for variant, name in _VARIANTS:
            of = table[(table["variant"] == variant) & table["alpha"].notna()]["x_min"]
            if of.empty:
                parts.append(f"{name}: none of these runs has a fit")
            elif of.min() == of.max():
                parts.append(f"{name} at {of.min():.0f}")
            else:
                parts.append(f"{name}: from {of.min():.0f} to {of.max():.0f}")
        return (
            "All hidden neurons pooled, total degree without the edges of layers whose masks never "
            "change (if none does, of the last layer); "
            f"{'; '.join(parts)}. A law ends at the most edges that a neuron can have. Bands of α "
            "are one standard error. p is the share of samples from the fitted law that fit worse: "
            "CSN reject a power law at 0.1 or less, NSH below 0.95. A band of several seeds runs "
            "from lowest to highest."
        )

    def panels(self, table: pd.DataFrame, runs: Sequence[str] | None = None) -> list[Panel]:
        """Three panels for each variant that has a fit."""
        panels = []
        for variant, name in _VARIANTS:
            part = table[table["variant"] == variant]
            if part["alpha"].isna().all():
                continue
            panels += [
                time_panel(part, y="alpha", ylabel="exponent α (1)", band="sigma", runs=runs,
                          what=f"Exponent α ± σ, {name}"),
                time_panel(part, y="ks_distance", ylabel="KS distance D (1)", runs=runs, zero=True,
                          what=f"KS distance D, {name}"),
                time_panel(part, y="p_value", ylabel="goodness of fit p (1)", runs=runs,
                          what=f"Goodness of fit p, {name}", levels=_RULES, ylim=(-0.02, 1.05)),
            ]  # fmt: skip
        return panels
