"""The first claim: the degrees of a layer's neurons follow a power law."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from topolab_analyses.claims.combine import fisher, random_effects, stouffer
from topolab_analyses.claims.limits import (
    ALPHA,
    CANNOT_TELL,
    CSN,
    CUT_OFF,
    DOES_NOT_APPLY,
    LEAST_TAIL,
    NOT_SUPPORTED,
    STEEPEST,
    SUPPORTED,
    UNDECIDED,
    WIDEST_LOGNORMAL,
)
from topolab_analyses.claims.numbers import probability, short

__all__ = ["P_VALUES", "pool", "why", "word"]

#: What is adjusted over the layers that are judged together.
P_VALUES = ("p_law", "p_rival", "p_cut_off", "p_steep", "p_thin", "p_lognormal")


def word(row: Mapping[str, Any]) -> str:
    """The word of a layer: small p-values that speak against the law count when adjusted, and
    what speaks for it must stand both alone and adjusted."""
    if row["degrees"] < 2:
        return DOES_NOT_APPLY
    if not math.isfinite(row["p_law"]):
        return UNDECIDED
    if row["p_cut_off_holm"] < ALPHA:
        return CUT_OFF
    if min(row["p_law_holm"], _or_1(row["p_rival_holm"]), _or_1(row["p_steep_holm"])) < ALPHA:
        return NOT_SUPPORTED
    if row["p_law"] <= CSN or row["p_rival"] < ALPHA or row["p_bent"] < ALPHA:
        return UNDECIDED  # rejected alone, not among so many
    if row["n_tail"] < LEAST_TAIL or not row["p_thin_holm"] < ALPHA:
        return UNDECIDED
    return SUPPORTED if row["p_lognormal_holm"] < ALPHA else CANNOT_TELL


def why(row: Mapping[str, Any]) -> str:
    """The sentence behind the word, with its numbers."""
    said = word(row)
    if said == DOES_NOT_APPLY:
        return "All neurons have the same degree, so that there is no distribution to judge."
    if not math.isfinite(row["p_law"]):
        return f"No power law can be judged, since {row['law_reason'] or 'there is no p-value'}."
    bound = f", at most {row['x_max']:,.0f}" if row["x_max"] > 0 else ""
    law = f"the law of exponent {short(row['alpha'])} (from {row['x_min']:g} edges on{bound})"
    tail = f"{row['n_tail']:,.0f} of {row['n']:,.0f} neurons in its tail"
    p, rival = probability(row["p_law"]), str(row["best_rival"]).replace("_", " ")
    if said == CUT_OFF:
        return (
            f"The degrees follow a power law only up to a cut-off: exponent "
            f"{short(row['alpha_cut_off'])} and a cut-off near {row['cut_off']:,.0f} edges "
            f"beat {law} at {probability(row['p_cut_off'])}, with {tail}."
        )
    if row["p_steep_holm"] < ALPHA:
        return (
            f"The tail is too steep for a power law: from {row['x_min']:g} edges on it has "
            f"exponent {short(row['alpha'])} ± {short(row['alpha_error'])}, above {STEEPEST:g} "
            f"({probability(row['p_steep'])}), with {tail}."
        )
    if row["p_law_holm"] < ALPHA:
        return f"No power law describes the degrees: {law} is rejected at {p}, with {tail}."
    if row["p_rival_holm"] < ALPHA:
        return (
            f"The {rival} describes the degrees better than {law} "
            f"at {probability(row['p_rival'])}, with {tail}."
        )
    if row["p_law"] <= CSN:
        return (
            f"The degrees speak against {law} at {p}, but not clearly enough to reject it among "
            f"all layers, with {tail}."
        )
    if row["p_rival"] < ALPHA:
        return (
            f"The {rival} describes the degrees better than {law} at "
            f"{probability(row['p_rival'])}, but not clearly enough among all layers, with {tail}."
        )
    if row["p_bent"] < ALPHA:
        return (
            f"The degrees bend down from {law} at {probability(row['p_bent'])}, but whether that "
            f"is a cut-off or another distribution is open, with {tail}."
        )
    if row["n_tail"] < LEAST_TAIL:
        return (
            f"The tail is too small to judge a power law: {law} has only {tail}, fewer than "
            f"{LEAST_TAIL}."
        )
    if not row["p_thin_holm"] < ALPHA:
        against = (
            f" ({probability(row['p_thin'])})" if math.isfinite(row["p_thin"]) else ""
        )  # fmt: skip
        return (
            f"The degrees do not rule out {law} at {p}, nor an exponential tail{against}, with "
            f"{tail}."
        )
    if said == CANNOT_TELL:
        against = (
            f" ({probability(row['p_lognormal'])})" if math.isfinite(row["p_lognormal"]) else ""
        )  # fmt: skip
        return (
            f"The degrees are compatible with {law} at {p} and beat an exponential "
            f"({probability(row['p_thin'])}), but cannot be told from a lognormal of sigma up to "
            f"{WIDEST_LOGNORMAL:g}{against}, with {tail}."
        )
    return (
        f"The degrees are compatible with {law} at {p}, which beats an exponential "
        f"({probability(row['p_thin'])}) and every lognormal of sigma up to {WIDEST_LOGNORMAL:g} "
        f"({probability(row['p_lognormal'])}), with {tail}."
    )


def _or_1(p: float) -> float:
    return p if math.isfinite(p) else 1.0


def pool(rows: pd.DataFrame) -> dict[str, Any]:
    """The evidence of one layer over several seeds, as if it were a run's."""
    fitted = rows[np.isfinite(rows["p_law"])]
    mean, error, spread = random_effects(rows["alpha"], rows["alpha_error"])
    named = rows.loc[rows["best_rival"] != "", "best_rival"]
    cut = rows[np.isfinite(rows["p_cut_off"])]
    return {
        "degrees": int(rows["degrees"].max()),
        "n": float(rows["n"].mean()),
        "alpha": mean,
        "alpha_error": error,
        "alpha_spread": spread,
        "x_min": float(fitted["x_min"].median()) if len(fitted) else 0.0,
        "x_max": float(rows["x_max"].max()),
        "n_tail": float(fitted["n_tail"].median()) if len(fitted) else 0.0,
        "p_law": fisher(rows["p_law"]),
        "p_rival": fisher(rows["p_rival"]),
        "best_rival": str(named.mode().iloc[0]) if len(named) else "",
        "p_bent": fisher(rows["p_bent"].fillna(1.0)) if len(cut) else math.nan,
        "p_cut_off": fisher(rows["p_cut_off"].fillna(1.0)) if len(cut) else math.nan,
        "alpha_cut_off": float(cut["alpha_cut_off"].mean()) if len(cut) else math.nan,
        "cut_off": float(cut["cut_off"].mean()) if len(cut) else math.nan,
        "p_steep": float(ndtr((STEEPEST - mean) / error)) if math.isfinite(error) else math.nan,
        "p_thin": stouffer(rows["p_thin"]),
        "p_lognormal": stouffer(rows["p_lognormal"]),
        "law_reason": "; ".join(dict.fromkeys(r for r in rows["law_reason"] if r)),
    }
