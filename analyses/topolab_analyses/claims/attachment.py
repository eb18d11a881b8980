"""The second claim: hubs form by preferential attachment, as neurons with many edges gain more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy.special import ndtr

from topolab_analyses.claims.combine import random_effects
from topolab_analyses.claims.limits import (
    ALPHA,
    DOES_NOT_APPLY,
    GOES_WITH_DEGREE,
    LEAST_EXPONENT,
    LEAST_MEMORY,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
)
from topolab_analyses.claims.numbers import between, probability, short

__all__ = ["P_VALUES", "pool", "why", "word"]

P_VALUES = ("p_attachment", "p_no_attachment", "p_gain", "p_no_gain")
_Z = 1.959963984540054


def word(row: Mapping[str, Any]) -> str:
    """The word of a layer, from the exponent within neurons and that of the kernel."""
    if row["snapshots"] < 2:
        return UNDECIDED
    if row["grown"] == 0:
        return DOES_NOT_APPLY
    if not math.isfinite(row["gain_slope"]):
        return UNDECIDED
    if row["p_attachment_holm"] < ALPHA and row["gain_slope"] > LEAST_EXPONENT:
        return GOES_WITH_DEGREE if _drifts(row) else SUPPORTED
    if row["p_gain_holm"] < ALPHA:
        return GOES_WITH_DEGREE
    if row["p_no_attachment_holm"] < ALPHA and row["p_no_gain_holm"] < ALPHA:
        return NOT_SUPPORTED
    return UNDECIDED


def why(row: Mapping[str, Any]) -> str:
    """The sentence behind the word, with its numbers."""
    said = word(row)
    if row["snapshots"] < 2:
        return "Nothing can be said of gains, since there is only one snapshot."
    if said == DOES_NOT_APPLY:
        still = row["gain_reason"] or "no mask changes from snapshot to snapshot"
        what = still if row["dropped"] == 0 else "no edge is ever grown"
        return f"Attachment does not apply, since {what}."
    if not math.isfinite(row["gain_slope"]):
        return f"Attachment cannot be judged, since {row['gain_reason'] or 'it has no exponent'}."
    kernel = (
        f"the exponent of the gain kernel is {short(row['gain_slope'])} "
        f"({between(row['gain_low'], row['gain_high'])})"
        if math.isfinite(row["gain_low"])
        else f"the exponent of the gain kernel is {short(row['gain_slope'])}"
    )
    within = (
        f"within neurons {short(row['within'])} ({between(row['within_low'], row['within_high'])})"
        if math.isfinite(row["within"]) and math.isfinite(row["within_low"])
        else f"within neurons unknown ({row['within_reason'] or 'no fit'})"
    )
    limit = f"{LEAST_EXPONENT:g}"
    if said == SUPPORTED:
        return (
            f"Neurons gain more the more edges they have, whatever their fitness: {kernel}, and "
            f"{within}, above {limit} ({probability(row['p_attachment'])})."
        )
    if said == GOES_WITH_DEGREE and row["p_attachment_holm"] < ALPHA and _drifts(row):
        return (
            f"Gains go with degree, but a fitness of the neurons that drifts would look the same: "
            f"{kernel}, and {within}, but what a neuron gains beyond both in an update goes on in "
            f"the next (correlation {short(row['memory'])}, {probability(row['p_memory'])})."
        )
    if said == GOES_WITH_DEGREE:
        return (
            f"Gains go with degree, but degree need not be their cause: {kernel}, but {within}, "
            + (
                f"below {limit} ({probability(row['p_no_attachment'])}): a fixed fitness of the "
                "neurons would explain the rest."
                if row["p_no_attachment_holm"] < ALPHA
                else f"not clearly above {limit}."
            )
        )
    if said == NOT_SUPPORTED:
        return (
            f"Gains do not rise with degree by any exponent of {limit} or more: {kernel}, and "
            f"{within} ({probability(max(row['p_no_attachment'], row['p_no_gain']))})."
        )
    return f"Attachment is open: {kernel}, and {within}; {limit} is the least that counts."


def _drifts(row: Mapping[str, Any]) -> bool:
    """Whether fitness is seen to drift: what speaks against a claim counts unadjusted."""
    return bool(row["p_memory"] < ALPHA and row["memory"] > LEAST_MEMORY)


def pool(rows: pd.DataFrame) -> dict[str, Any]:
    """The evidence of one layer over several seeds, as if it were a run's."""
    slope, slope_error, slope_spread = random_effects(rows["gain_slope"], rows["gain_error"])
    within, error, spread = random_effects(rows["within"], rows["within_error"])
    memory, memory_error, _ = random_effects(rows["memory"], rows["memory_error"])
    loss, loss_error, _ = random_effects(rows["loss_slope"], rows["loss_error"])
    return {
        "snapshots": int(rows["snapshots"].max()),
        "grown": int(rows["grown"].sum()),
        "dropped": int(rows["dropped"].sum()),
        "gain_slope": slope,
        "gain_error": slope_error,
        "gain_spread": slope_spread,
        "gain_low": slope - _Z * slope_error,
        "gain_high": slope + _Z * slope_error,
        "gain_rate": float(rows["gain_rate"].mean()),
        "within": within,
        "within_error": error,
        "within_spread": spread,
        "within_low": within - _Z * error,
        "within_high": within + _Z * error,
        "fitness_spread": float(rows["fitness_spread"].mean()),
        "memory": memory,
        "memory_error": memory_error,
        "p_memory": _above(memory, memory_error, 0.0),
        "p_gain": _above(slope, slope_error),
        "p_no_gain": _above(-slope, slope_error, -LEAST_EXPONENT),
        "p_attachment": _above(within, error),
        "p_no_attachment": _above(-within, error, -LEAST_EXPONENT),
        "gain_reason": "; ".join(dict.fromkeys(r for r in rows["gain_reason"] if r)),
        "within_reason": "; ".join(dict.fromkeys(r for r in rows["within_reason"] if r)),
        "loss_slope": loss,
        "loss_low": loss - _Z * loss_error,
        "loss_high": loss + _Z * loss_error,
    }


def _above(value: float, error: float, limit: float = LEAST_EXPONENT) -> float:
    """One-sided p-value of a mean that is not above a limit."""
    return float(ndtr((limit - value) / error)) if math.isfinite(error) else math.nan
