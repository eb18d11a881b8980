"""The second claim: hubs form by preferential attachment, as neurons with many edges gain more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from topolab_analyses.claims.combine import above, fisher, half_width, random_effects
from topolab_analyses.claims.limits import (
    ALPHA,
    DOES_NOT_APPLY,
    GOES_WITH_DEGREE,
    LEAST_EXPONENT,
    LEAST_MEMORY,
    LEAST_RISE,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
)
from topolab_analyses.claims.numbers import between, probability, short

__all__ = ["P_VALUES", "pool", "why", "word"]

P_VALUES = ("p_attachment", "p_no_attachment", "p_gain", "p_no_gain")


def word(row: Mapping[str, Any]) -> str:
    """The word of a layer, from the exponent within neurons and that of the kernel."""
    if row["snapshots"] < 2:
        return UNDECIDED
    if row["grown"] == 0:
        return DOES_NOT_APPLY
    if not math.isfinite(row["gain_slope"]):
        return UNDECIDED
    if row["p_gain_holm"] < ALPHA:
        within = row["p_attachment_holm"] < ALPHA and math.isfinite(row["memory"])
        return SUPPORTED if within and not _drifts(row) else GOES_WITH_DEGREE
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
            f"Neurons gain more the more edges they have, at a given fitness: {kernel}, and "
            f"{within}, above {limit} ({probability(row['p_attachment'])})."
        )
    if said == GOES_WITH_DEGREE and row["p_attachment_holm"] < ALPHA and _rises(row):
        return (
            f"Gains go with degree, but a fitness that grows apart would look the same: {kernel}, "
            f"and {within}, but the kernel's exponent rises by {short(row['gain_rise'])} from the "
            f"first quarter of the run to the last ({probability(row['p_rise'])})."
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
    return bool(row["p_memory"] < ALPHA and row["memory"] > LEAST_MEMORY) or _rises(row)


def _rises(row: Mapping[str, Any]) -> bool:
    """Whether the kernel gets steeper: degrees then come to record a fitness that grows apart."""
    return bool(row["p_rise"] < ALPHA and row["gain_rise"] > LEAST_RISE)


def pool(rows: pd.DataFrame) -> dict[str, Any]:
    """The evidence of one layer over several seeds, as if it were a run's."""
    gain = _Mean.of(rows["gain_slope"], rows["gain_error"])
    within = _Mean.of(rows["within"], rows["within_error"])
    memory = _Mean.of(rows["memory"], rows["memory_error"])
    loss = _Mean.of(rows["loss_slope"], rows["loss_error"])
    return {
        "snapshots": int(rows["snapshots"].max()),
        "grown": int(rows["grown"].sum()),
        "dropped": int(rows["dropped"].sum()),
        "gain_slope": gain.value,
        "gain_error": gain.error,
        "gain_spread": gain.spread,
        "gain_low": gain.value - gain.half,
        "gain_high": gain.value + gain.half,
        "gain_rate": float(rows["gain_rate"].mean()),
        "within": within.value,
        "within_error": within.error,
        "within_spread": within.spread,
        "within_low": within.value - within.half,
        "within_high": within.value + within.half,
        "fitness_spread": float(rows["fitness_spread"].mean()),
        "memory": memory.value,
        "memory_error": memory.error,
        "p_memory": memory.above(0.0),
        "gain_rise": float(rows["gain_rise"].mean()),
        "p_rise": fisher(rows["p_rise"]),
        "p_gain": gain.above(LEAST_EXPONENT),
        "p_no_gain": gain.below(LEAST_EXPONENT),
        "p_attachment": within.above(LEAST_EXPONENT),
        "p_no_attachment": within.below(LEAST_EXPONENT),
        "gain_reason": "; ".join(dict.fromkeys(r for r in rows["gain_reason"] if r)),
        "within_reason": "; ".join(dict.fromkeys(r for r in rows["within_reason"] if r)),
        "loss_slope": loss.value,
        "loss_low": loss.value - loss.half,
        "loss_high": loss.value + loss.half,
    }


@dataclass(frozen=True)
class _Mean:
    """An exponent over seeds."""

    value: float
    error: float
    spread: float
    seeds: int

    @classmethod
    def of(cls, values: pd.Series, errors: pd.Series) -> _Mean:
        return cls(*random_effects(values, errors), seeds=int((values + errors).notna().sum()))

    @property
    def half(self) -> float:
        return half_width(self.error, spread=self.spread, seeds=self.seeds)

    def above(self, limit: float) -> float:
        return above(self.value, self.error, limit, spread=self.spread, seeds=self.seeds)

    def below(self, limit: float) -> float:
        return above(-self.value, self.error, -limit, spread=self.spread, seeds=self.seeds)
