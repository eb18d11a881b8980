"""The first claim: the degrees of a layer's neurons follow a power law."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from topolab_analyses.claims.combine import above, fisher, random_effects, stouffer
from topolab_analyses.claims.limits import (
    ALPHA,
    CANNOT_TELL,
    CSN,
    CUT_OFF,
    DOES_NOT_APPLY,
    FLATTEST,
    LEAST_TAIL,
    NOT_SUPPORTED,
    STEEPEST,
    SUPPORTED,
    UNDECIDED,
    WIDEST_LOGNORMAL,
)
from topolab_analyses.claims.numbers import alone_and_among, count, probability, short

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
    if row["p_cut_off"] < ALPHA:
        return UNDECIDED  # between a law with a cut-off and none
    if min(row["p_law_holm"], _or_1(row["p_rival_holm"]), _or_1(row["p_steep_holm"])) < ALPHA:
        return NOT_SUPPORTED
    against = min(_or_1(row["p_rival"]), _or_1(row["p_bent"]), _or_1(row["p_steep"]))
    if row["p_law"] <= CSN or against < ALPHA:
        return UNDECIDED  # rejected alone, not among so many
    if row["n_tail"] < LEAST_TAIL or not row["p_thin_holm"] < ALPHA:
        return UNDECIDED
    if not row["alpha"] > FLATTEST:
        return UNDECIDED
    if _untested(row):
        return UNDECIDED
    return SUPPORTED if row["p_lognormal_holm"] < ALPHA else CANNOT_TELL


def why(row: Mapping[str, Any]) -> str:
    """The sentence behind the word, with its numbers."""
    said = word(row)
    if said == DOES_NOT_APPLY:
        if row["degrees"] == 0:
            return f"A power law does not apply: {row['law_reason'] or 'there are no degrees'}."
        return "All neurons have the same degree, so that there is no distribution to judge."
    if not math.isfinite(row["p_law"]):
        return f"No power law can be judged: {row['law_reason'] or 'there is no p-value'}."
    bound = f", at most {row['x_max']:,.0f}" if row["x_max"] > 0 else ""
    start = f"from {count(row['x_min'], 'edge')} on"
    law = f"the law of exponent {short(row['alpha'])} ({start}{bound})"
    # Never rounded up to the limit.
    tail = f"{math.floor(row['n_tail']):,} of {row['n']:,.0f} neurons in its tail"
    p = probability(row["p_law"])
    # Several seeds may be against the law together, though no rival beats it in any of them.
    rival = str(row["best_rival"]).replace("_", " ") or "best rival"
    if said == CUT_OFF:
        return (
            f"The degrees follow a power law only up to a cut-off: exponent "
            f"{short(row['alpha_cut_off'])} and a cut-off near {row['cut_off']:,.0f} edges "
            f"beat {law} at {probability(row['p_cut_off'])}, with {tail}."
        )
    if row["p_cut_off"] < ALPHA:
        both = alone_and_among(row["p_cut_off"], row["p_cut_off_holm"])
        return (
            f"A law with a cut-off describes the degrees better than {law} at {both}, which is "
            f"not enough to tell them apart, with {tail}."
        )
    if row["p_steep_holm"] < ALPHA:
        return (
            f"The tail is too steep for a power law: {start} it has "
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
        both = alone_and_among(row["p_law"], row["p_law_holm"])
        return (
            f"The degrees speak against {law} at {both}, which is not enough to reject it, with "
            f"{tail}."
        )
    if row["p_rival"] < ALPHA:
        both = alone_and_among(row["p_rival"], row["p_rival_holm"])
        return (
            f"The {rival} describes the degrees better than {law} at {both}, which is not enough "
            f"to reject it, with {tail}."
        )
    if row["p_steep"] < ALPHA:
        both = alone_and_among(row["p_steep"], row["p_steep_holm"])
        return (
            f"The tail may be too steep for a power law: {start} it has exponent "
            f"{short(row['alpha'])} ± {short(row['alpha_error'])}, above {STEEPEST:g} at {both}, "
            f"which is not enough to reject it, with {tail}."
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
        against = _in_brackets(row["p_thin"], row["p_thin_holm"])
        return (
            f"The degrees do not rule out {law} at {p}, nor an exponential tail{against}, with "
            f"{tail}."
        )
    if _untested(row):
        return (
            f"The degrees are compatible with {law} at {p}, which beats an exponential "
            f"({probability(row['p_thin'])}), but {_untested(row)}, with {tail}."
        )
    if not row["alpha"] > FLATTEST:
        return (
            f"The degrees fall too slowly to be called a power law: {law} is compatible with them "
            f"at {p}, but an exponent of {FLATTEST:g} or less needs the bound, with {tail}."
        )
    if said == CANNOT_TELL:
        against = _in_brackets(row["p_lognormal"], row["p_lognormal_holm"])
        return (
            f"The degrees are compatible with {law} at {p}, which beats an exponential "
            f"({probability(row['p_thin'])}), but cannot be told from a lognormal of sigma up to "
            f"{WIDEST_LOGNORMAL:g}{against}, with {tail}."
        )
    return (
        f"The degrees are compatible with {law} at {p}, which beats an exponential "
        f"({probability(row['p_thin'])}) and every lognormal of sigma up to {WIDEST_LOGNORMAL:g} "
        f"({probability(row['p_lognormal'])}), with {tail}."
    )


def _untested(row: Mapping[str, Any]) -> str:
    """What a law that nothing speaks against was not held against, as a clause; mostly empty."""
    if not math.isfinite(row["p_rival"]):
        return "no rival can be fitted"
    if not math.isfinite(row["p_steep"]):
        return "its exponent has no standard error"
    return "" if math.isfinite(row["p_lognormal"]) else "no lognormal can be fitted"


def _in_brackets(p: float, adjusted: float) -> str:
    return f" ({alone_and_among(p, adjusted)})" if math.isfinite(p) else ""


def _or_1(p: float) -> float:
    return p if math.isfinite(p) else 1.0


def pool(rows: pd.DataFrame) -> dict[str, Any]:
    """The evidence of one layer over several seeds, as if it were a run's."""
    fitted = rows[np.isfinite(rows["p_law"])]
    mean, error, spread = random_effects(rows["alpha"], rows["alpha_error"])
    named = rows.loc[rows["best_rival"] != "", "best_rival"]
    cut = rows[np.isfinite(rows["p_cut_off"])]
    p_rival = fisher(rows["p_rival"])
    return {
        "degrees": int(rows["degrees"].max()),
        "n": float(rows["n"].sum()),
        "alpha": mean if math.isfinite(error) else float(rows["alpha"].mean()),
        "alpha_error": error,
        "alpha_spread": spread,
        "x_min": float(fitted["x_min"].median()) if len(fitted) else 0.0,
        "x_max": float(rows["x_max"].max()),
        "n_tail": float(fitted["n_tail"].sum()) if len(fitted) else 0.0,
        # So many replicates tell no smaller p from 0.
        "p_law": fisher(rows["p_law"].clip(lower=1 / 2501)),
        "p_rival": p_rival,
        "best_rival": str(named.mode().iloc[0]) if len(named) and p_rival < ALPHA else "",
        "p_bent": fisher(rows["p_bent"].fillna(1.0)) if len(cut) else math.nan,
        "p_cut_off": fisher(rows["p_cut_off"].fillna(1.0)) if len(cut) else math.nan,
        "alpha_cut_off": float(cut["alpha_cut_off"].mean()) if len(cut) else math.nan,
        "cut_off": float(cut["cut_off"].mean()) if len(cut) else math.nan,
        "p_steep": above(mean, error, STEEPEST, spread=spread, seeds=len(fitted)),
        "p_thin": stouffer(rows["p_thin"]),
        "p_lognormal": stouffer(rows["p_lognormal"]),
        "law_reason": "; ".join(dict.fromkeys(r for r in rows["law_reason"] if r)),
    }
