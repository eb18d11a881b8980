"""Power-law fits through time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_reports.figures.nsh_fig7 import hidden_fits
from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, sentence

__all__ = ["PowerLawSection"]


class PowerLawSection(Section):
    """Exponent, KS distance and goodness of fit of the hidden degrees; the last fits."""

    name = "powerlaw"
    title = "Power law through time"
    order = 30
    needs = ("powerlaw", "selection")
    figures = ("nsh-fig7", "tail-fit")

    def build(self, data: ReportData) -> Content:
        """The best tail at the end, and whether it is plausible."""
        notes = [
            "A fit exists for any data. It says how steep a power law would be, not that there is "
            "one. A p-value at or below 0.1 rejects it (Clauset, Shalizi and Newman); a high one "
            "in a tail of few neurons says little.",
        ]
        fits = data.table("powerlaw")
        return Content(self._finding(data), self.figures, facts=self._facts(fits), notes=notes)

    @staticmethod
    def _facts(fits: pd.DataFrame) -> pd.DataFrame:
        fits = fits[fits["end"] == "total"]
        last = fits[fits["step"] == fits.groupby("run")["step"].transform("max")]
        return pd.DataFrame(
            {
                "run": last["run"],
                "neurons": last["layer"],
                "x_min": [f"{v} {x}" if not r else f"{v}" for v, x, r in
                          zip(last["variant"], last["x_min"], last["reason"], strict=True)],
                "α": [f"{a:.2f} ± {s:.2f}" if np.isfinite(a) else "no fit"
                      for a, s in zip(last["alpha"], last["sigma"], strict=True)],
                "tail": [f"{t} of {n}" for t, n in zip(last["n_tail"], last["n"], strict=True)],
                "KS D": [f"{d:.3f}" if np.isfinite(d) else "" for d in last["ks_distance"]],
                "remark": last["reason"],
            }
        )  # fmt: skip

    @staticmethod
    def _finding(data: ReportData) -> str:
        pooled = hidden_fits(data)
        pooled = pooled[pooled["variant"] == "searched"]
        parts = []
        for group, part in pooled.groupby("group", sort=False):
            ends = part[part["step"] == part.groupby("run")["step"].transform("max")]
            known = ends[ends["reason"] == ""]
            if known.empty:
                parts.append(f"at its end {group} has no fit ({ends['reason'].iloc[0]})")
                continue
            if len(ends) == 1:
                end = ends.iloc[0]
                word = "rejected" if end["p_value"] <= 0.1 else "plausible"
                parts.append(
                    f"the best tail of {group} at the end has α = {end['alpha']:.2f} above degree "
                    f"{end['x_min']}, with {end['n_tail']} hidden neurons in it and KS distance "
                    f"{end['ks_distance']:.3f}"
                    + (f": {word}, p = {end['p_value']:.2f}" if np.isfinite(end["p_value"]) else "")
                )
            else:
                plausible = int((known["p_value"] > 0.1).sum())
                parts.append(
                    f"a power law is plausible at the end in {plausible} of {len(ends)} runs of "
                    f"{group} (α from {known['alpha'].min():.2f} to {known['alpha'].max():.2f})"
                )
        return sentence(parts) if parts else "No run has hidden neurons."
