"""Power-law fits through time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from topolab_analyses.claims.limits import CSN, LEAST_TAIL, STEEPEST
from topolab_reports.figures.common import total_degrees
from topolab_reports.figures.nsh_fig7 import hidden_fits
from topolab_reports.report_data import ReportData
from topolab_reports.sections.base import Content, Section, join, p_value, sentences, spread

__all__ = ["PowerLawSection"]


class PowerLawSection(Section):
    """Exponent, KS distance and goodness of fit of the hidden degrees; the last fits."""

    name = "powerlaw"
    title = "Power law through time"
    order = 30
    needs = ("powerlaw", "selection")
    figures = ("nsh-fig7", "tail-fit")

    def build(self, data: ReportData) -> Content:
        """The best tail at the end, and whether it is rejected."""
        notes = [
            "A fit exists for any data. It says how steep a power law would be, not that there is "
            f"one. A p-value at or below {CSN:g} rejects it (Clauset, Shalizi and Newman); a "
            "higher one does not confirm it, and in a tail of few neurons says little.",
            f"An exponent above {STEEPEST:g} is that of a thin tail: fewer than one in 32 of its "
            "neurons have twice its smallest degree, so that the degrees hardly spread and "
            "hardly anything tells it from an exponential. That is not what is meant by a power "
            "law, whatever p is.",
        ]
        fits = total_degrees(data.table("powerlaw"))
        last = fits[fits["step"] == fits.groupby("run")["step"].transform("max")]
        ends = self._ends(data)
        notes += _two_degrees(ends, last)
        return Content(self._finding(ends), self.figures, facts=self._facts(last), notes=notes)

    @staticmethod
    def _ends(data: ReportData) -> pd.DataFrame:
        """The best tail of each run at its last step."""
        pooled = hidden_fits(data)
        pooled = pooled[pooled["variant"] == "searched"]
        return pooled[pooled["step"] == pooled.groupby("run")["step"].transform("max")]

    @staticmethod
    def _facts(last: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "run": last["run"],
                "neurons": last["layer"],
                "x_min": [f"{v} {x}" if np.isfinite(a) else f"{v}" for v, x, a in
                          zip(last["variant"], last["x_min"], last["alpha"], strict=True)],
                "α (edges of all layers)": [
                    f"{a:.2f} ± {s:.2f}" if np.isfinite(a) else "no fit"
                    for a, s in zip(last["alpha"], last["sigma"], strict=True)
                ],
                "tail": [f"{t} of {n}" for t, n in zip(last["n_tail"], last["n"], strict=True)],
                "KS D": [f"{d:.3f}" if np.isfinite(d) else "" for d in last["ks_distance"]],
                "p": [p_value(p).removeprefix("p = ").removeprefix("p ") if np.isfinite(p) else ""
                      for p in last["p_value"]],
                "remark": [
                    reason or ("a thin tail" if alpha > STEEPEST else "")
                    for reason, alpha in zip(last["reason"], last["alpha"], strict=True)
                ],
            }
        )  # fmt: skip

    @staticmethod
    def _finding(ends: pd.DataFrame) -> str:
        parts = []
        for group, part in ends.groupby("group", sort=False):
            known = part[part["alpha"].notna()]
            if known.empty:
                parts.append(f"at its end {group} has no fit ({part['reason'].iloc[0]})")
            elif len(part) == 1:
                parts.append(_one(str(group), known.iloc[0]))
            else:
                parts.append(_several(str(group), part, known))
        return sentences(parts) if parts else "No run has hidden neurons."


def _one(group: str, end: pd.Series) -> str:
    """The best tail of one run."""
    text = (
        f"the best tail of {group} at the end has α = {end['alpha']:.2f} from degree "
        f"{end['x_min']} on, with {end['n_tail']} hidden neurons in it and KS distance "
        f"{end['ks_distance']:.3f}"
    )
    p = end["p_value"]
    if not np.isfinite(p):
        text += ", without a p-value"
    elif p <= CSN:
        text += f", and {p_value(p)} rejects it"
    else:
        text += f", and {p_value(p)} does not reject it"
        text += ", which with so few it hardly could" if end["n_tail"] < LEAST_TAIL else ""
    if end["alpha"] > STEEPEST:
        text += f"; with α above {STEEPEST:g} it is a thin tail, not what is meant by a power law"
    return text


def _several(group: str, part: pd.DataFrame, known: pd.DataFrame) -> str:
    """In how many runs of a group p rejects the law, and what the tails are."""
    rejected = int((known["p_value"] <= CSN).sum())
    unknown = int(known["p_value"].isna().sum()) + len(part) - len(known)
    text = (
        f"at the end of {group} p rejects a power law in {rejected} of {len(part)} runs and does "
        f"not in {len(part) - rejected - unknown}"
        + (f", {unknown} having none" if unknown else "")
        + f" (α {spread(known['alpha'])}, from {spread(known['n_tail'], 0)} hidden neurons in the "
        "tail)"
    )
    steep = int((known["alpha"] > STEEPEST).sum())
    if steep:
        which = "all" if steep == len(known) else f"{steep}"
        text += (
            f"; with α above {STEEPEST:g} the tails of {which} are thin, not what is meant by a "
        )
        text += "power law"
    return text


def _two_degrees(ends: pd.DataFrame, last: pd.DataFrame) -> list[str]:
    """Where a layer stays dense: that two exponents of one run are of two degrees."""
    everything = last[(last["layer"] == "hidden") & (last["variant"] == "searched")]
    both = ends.merge(everything, on="run", suffixes=("", "_all"))
    both = both[both["alpha"].notna() & both["alpha_all"].notna()]
    apart = both[(both["alpha"] - both["alpha_all"]).abs() > 0.005]
    if apart.empty:
        return []
    runs = join(
        f"{row['alpha']:.2f} and {row['alpha_all']:.2f} in {row['run']}"
        for _, row in apart.head(3).iterrows()
    )
    return [
        "Two degrees are used here. The sentence above, the figure through time and the verdict "
        "on neural selection count only the edges of layers whose masks change (of all but the "
        "last, where none does); the table and the figure of the last snapshot count those of "
        "every layer, and a layer that stays dense lifts the degree of every neuron at it. So "
        f"one run has two exponents: {runs}."
    ]
