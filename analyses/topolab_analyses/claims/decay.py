"""The third claim: the poorly connected decay into dormancy, more often than by chance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy.special import pdtr, pdtrc

from topolab_analyses.claims.limits import (
    ALPHA,
    DOES_NOT_APPLY,
    LEAST_DORMANT,
    LEAST_POOR,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
)
from topolab_analyses.claims.numbers import count, probability

__all__ = ["P_VALUES", "pool", "tests", "why", "word"]

P_VALUES = ("p_decay", "p_no_decay")


def tests(dormant: int, by_chance: float, poor: float, nulls: int) -> tuple[float, float]:
    """p-values against an excess of dormant neurons that is below, and above, the least one.

    Parameters
    ----------
    dormant : int
        Poor neurons that became dormant, over all parts of the run.
    by_chance : float
        The same under random rewiring, on average over the nulls.
    poor : float
        Poor neurons at risk, in the part of the run with most of them.
    nulls : int
        Random rewirings that `by_chance` is from.

    Returns
    -------
    p_decay, p_no_decay : float
        Of so many or more, and of so few or fewer, where a share `LEAST_DORMANT` of the poor is
        expected beyond chance: Poisson's law, for rare events that are nearly independent.

    Examples
    --------
    >>> [round(p, 3) for p in tests(50, 2.4, 87, 100)]
    [0.0, 1.0]
    >>> [round(p, 3) for p in tests(0, 0.0, 87, 100)]
    [1.0, 0.013]
    """
    least = LEAST_DORMANT * poor
    # What chance gives is known only as well as so many nulls tell.
    p_decay = float(pdtrc(dormant - 1, by_chance + 1 / nulls + least)) if dormant else 1.0
    return p_decay, float(pdtr(dormant, by_chance + least))


def word(row: Mapping[str, Any]) -> str:
    """The word of a layer, from how many of the poor become dormant."""
    if row["snapshots"] < 2:
        return UNDECIDED
    if row["dropped"] == 0:
        return DOES_NOT_APPLY
    if row["poor"] < LEAST_POOR:
        return UNDECIDED
    if row["p_decay_holm"] < ALPHA:
        return SUPPORTED
    return NOT_SUPPORTED if row["p_no_decay_holm"] < ALPHA else UNDECIDED


def why(row: Mapping[str, Any]) -> str:
    """The sentence behind the word, with its numbers."""
    said = word(row)
    if row["snapshots"] < 2:
        return "Nothing can be said of decay, since there is only one snapshot."
    if said == DOES_NOT_APPLY:
        still = row["decay_reason"] or "no mask changes from snapshot to snapshot"
        what = still if row["grown"] == 0 else "no edge is ever dropped"
        return f"Decay does not apply, since {what}."
    low = f"{row['dormant_below']:.0f}"
    if row["poor"] < LEAST_POOR:
        poor = count(math.floor(row["poor"] * 10) / 10, "poor neuron")  # never rounded up to 20
        verb = "is" if poor.startswith("1 ") else "are"
        return (
            f"Decay cannot be judged: {poor} with {low} edges or more {verb} fewer than "
            f"{LEAST_POOR}" + (f", since {row['decay_reason']}." if row["decay_reason"] else ".")
        )
    fell = f"fell below {low} edges"
    numbers = (
        (
            f"neurons of the poorest quarter {fell} {count(row['dormant'], 'time')}, "
            if row["dormant"]
            else f"no neuron of the poorest quarter {fell}, "
        )
        + f"against {row['dormant_null']:.1f} times by random rewiring, with up to "
        f"{row['poor']:,.0f} of them at risk in each of {count(row['parts'], 'part')} of the run"
    )
    least = f"{LEAST_DORMANT:.0%}".replace("%", " %")
    if said == SUPPORTED:
        return (
            f"The poorly connected become dormant more often than by chance: {numbers} "
            f"({probability(row['p_decay'])} for an excess of {least} or less)."
        )
    if said == NOT_SUPPORTED:
        return (
            f"No more than {least} of the poorly connected become dormant beyond chance: {numbers} "
            f"({probability(row['p_no_decay'])})."
        )
    return f"Decay is open: {numbers}; {least} of them beyond chance is the least that counts."


def pool(rows: pd.DataFrame) -> dict[str, Any]:
    """The evidence of one layer over several seeds: their counts together."""
    known = rows[rows["dormant_null"].notna()]
    dormant, poor = int(known["dormant"].sum()), float(known["poor"].sum())
    by_chance = float(known["dormant_null"].sum()) if len(known) else math.nan
    # As many nulls again for every seed, so that each counts as one in so many of their sum.
    nulls = int(known["nulls"].min()) if len(known) else 0
    p_decay, p_no_decay = tests(dormant, by_chance, poor, nulls) if nulls else (math.nan, math.nan)
    return {
        "poor": poor,
        "parts": int(rows["parts"].max()),
        "dormant": dormant,
        "dormant_null": by_chance,
        "dormant_below": int(rows["dormant_below"].max()),
        "nulls": nulls,
        "excess": (dormant - by_chance) / poor if poor else math.nan,
        "drift": float(rows["drift"].mean()),
        "p_decay": p_decay,
        "p_no_decay": p_no_decay,
        "decay_reason": "; ".join(dict.fromkeys(r for r in rows["decay_reason"] if r)),
    }
