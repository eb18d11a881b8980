"""The evidence about attachment and decay that `selection` judges by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from topolab.metrics.attachment import Joint, Slope
from topolab.metrics.random_rewiring import random_rewiring
from topolab_analyses.claims import decay
from topolab_analyses.claims.limits import LEAST_EXPONENT
from topolab_analyses.edge_history import Ends, joint_of, rate_of, slope_of

__all__ = ["attachment_evidence", "decay_evidence", "nothing_changed"]

IntArray = npt.NDArray[np.int64]
_NAN = math.nan


def attachment_evidence(gains: Ends, losses: Ends, *, windows: int, seed: int) -> dict[str, Any]:
    """Exponents of gain and loss, pooled and within neurons, and when the gain's begins to rise.

    Parameters
    ----------
    gains, losses : Ends
        The updates in which a layer gained, and lost, anything.
    windows : int
        Parts of the run among which the onset is looked for.
    seed : int
    """
    gain, rate = slope_of(gains, "gain", seed=seed), rate_of(gains, "gain", seed=seed)
    loss = slope_of(losses, "loss", seed=seed)
    joint, within = joint_of(gains, within=False), joint_of(gains)
    onset, onset_reason = _onset(gains, windows, seed)
    rise, p_rise = _rise(gains, seed)
    p_gain, p_no_gain = _both_sides(gain)
    return {
        "grown": int(gains.gained.sum()),
        "dropped": int(losses.lost.sum()),
        "gain_slope": gain.gamma,
        "gain_error": gain.standard_error,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "p_gain": p_gain,
        "p_no_gain": p_no_gain,
        "gain_rise": rise,
        "p_rise": p_rise,
        "gain_rate": rate.gamma,
        "gain_reason": gain.reason,
        "joint": joint.gamma,
        "joint_low": joint.low,
        "joint_high": joint.high,
        "within": within.gamma,
        "within_error": within.standard_error,
        "within_low": within.low,
        "within_high": within.high,
        "within_reason": within.reason,
        "fitness_spread": within.spread,
        "memory": within.memory,
        "memory_error": within.memory_error,
        "p_memory": within.p_memory if math.isfinite(within.memory) else _NAN,
        "p_attachment": _known(within, above=True),
        "p_no_attachment": _known(within, above=False),
        "loss_slope": loss.gamma,
        "loss_error": loss.standard_error,
        "loss_low": loss.low,
        "loss_high": loss.high,
        "loss_reason": loss.reason,
        "onset_attachment": onset,
        "onset_reason": onset_reason,
    }


def _known(joint: Joint, *, above: bool) -> float:
    if not (math.isfinite(joint.gamma) and math.isfinite(joint.standard_error)):
        return _NAN
    return joint.p_above(LEAST_EXPONENT) if above else joint.p_below(LEAST_EXPONENT)


def _both_sides(slope: Slope) -> tuple[float, float]:
    """One-sided p-values of a kernel's exponent not above, and not below, the least that counts."""
    return slope.p_above(LEAST_EXPONENT), slope.p_below(LEAST_EXPONENT)


def _rise(gains: Ends, seed: int) -> tuple[float, float]:
    """By how much the kernel's exponent rises from the first quarter of the run to the last.

    One-sided p-value of no rise; NaN where a quarter has fewer than five updates.
    """
    parts = np.array_split(np.arange(len(gains)), 4)
    if min(len(part) for part in parts) < 5:
        return _NAN, _NAN
    first, last = (slope_of(gains, "gain", chosen=parts[at], seed=seed) for at in (0, -1))
    error = math.hypot(first.standard_error, last.standard_error)
    if not (math.isfinite(first.gamma) and math.isfinite(last.gamma) and error > 0):
        return _NAN, _NAN
    rise = last.gamma - first.gamma
    return rise, float(stdtr(min(first.freedom, last.freedom), -rise / error))


def _onset(gains: Ends, windows: int, seed: int) -> tuple[float, str]:
    """The first step of the first part of the run in which the kernel's exponent is above 0."""
    if not len(gains):
        return _NAN, "no onset: no edge is ever grown"
    parts = np.array_split(np.arange(len(gains)), windows)
    if max(len(part) for part in parts) < 5:
        return _NAN, f"no onset: none of {windows} parts has five updates"
    for part in parts:
        if len(part) < 5:
            continue
        slope = slope_of(gains, "gain", chosen=part, seed=seed)
        if slope.low > 0 and slope.p_positive < 0.05 / windows:
            return float(gains.steps[part[0]]), ""
    return _NAN, f"no onset: in none of {windows} parts the exponent is clearly above 0"


def decay_evidence(ends: Ends, *, low: int, parts: int, nulls: int, seed: int) -> dict[str, Any]:
    """How many of the poor become dormant, and how many by random rewiring.

    The run falls into parts. At the start of each, the quarter with the fewest edges of the neurons
    that are not dormant then is poor, and those of them that are dormant at its end are counted, as
    are the others. The null starts from the same degrees, and drops and grows as many edges.

    Parameters
    ----------
    ends : Ends
        All updates in which a layer lost or gained anything.
    low : int
        With fewer edges a neuron is dormant.
    parts : int
        As many or, in a short run, as there are updates.
    nulls, seed : int
        Random rewirings for each part, and what fixes them.
    """
    pieces = np.array_split(np.arange(len(ends)), min(parts, len(ends)))
    dormant, most, drawn = 0, 0, np.zeros(nulls)
    poor_times, others, others_dormant = 0, 0, 0
    for number, piece in enumerate(pieces):
        first, last = piece[0], piece[-1]
        begin = ends.degree[first].astype(np.int64)
        fell = (ends.edges[last] + ends.gained[last] - ends.lost[last]).sum(0) < low
        living = np.flatnonzero(begin >= low)
        risk = living[_poorest_neurons(begin[living])]
        most = max(most, len(risk))
        if not len(risk):
            continue
        dormant += int(fell[risk].sum())
        poor_times += len(risk)
        others += len(living) - len(risk)
        others_dormant += int(fell[living].sum() - fell[risk].sum())
        null = np.zeros((nulls, len(risk)), dtype=np.int64)
        for side in range(ends.edges.shape[1]):
            null += random_rewiring(
                ends.edges[first, side],
                int((ends.room + ends.edges)[first, side].max()),
                ends.lost[piece, side].sum(1),
                ends.gained[piece, side].sum(1),
                neurons=risk,
                replicates=nulls,
                seed=(seed * 1_000_000 + number) * 2 + side,
            )
        drawn += (null < low).sum(1)
    by_chance = float(drawn.mean())
    p_decay, p_no_decay = decay.tests(dormant, by_chance, most, nulls)
    had = int(ends.edges[0].sum())
    return {
        "poor": float(most),
        "parts": len(pieces),
        "dormant": dormant,
        "dormant_null": by_chance if most else _NAN,
        "dormant_others": others_dormant,
        "poor_times": poor_times,
        "other_times": others,
        "dormant_below": low,
        "nulls": nulls,
        "excess": (dormant - by_chance) / most if most else _NAN,
        "turnover": int(ends.lost.sum()) / had if had else _NAN,
        "drift": _drift(ends),
        "p_decay": p_decay if most else _NAN,
        "p_no_decay": p_no_decay if most else _NAN,
        "p_poorer": decay.poorer(dormant, poor_times, others_dormant, others) if most else _NAN,
        "decay_reason": "" if most else _reason(ends, low),
    }


def _drift(ends: Ends) -> float:
    """Relative change of the edges of those that are poor at the start, over the run."""
    begin = ends.degree[0]
    end = (ends.edges[-1] + ends.gained[-1] - ends.lost[-1]).sum(0)
    poor = _poorest_neurons(begin.astype(np.int64))
    had = int(begin[poor].sum())
    return float(end[poor].sum() / had - 1) if had else _NAN


def _reason(ends: Ends, low: int) -> str:
    """Why no neuron is ever at risk."""
    if (ends.degree[0] >= low).any():
        return "the first degrees tell no poor neurons from others"
    return f"every neuron has fewer than {low} edges from the start"


def nothing_changed(low: int, reason: str) -> dict[str, Any]:
    """The evidence of a layer whose edges never change: none, for this reason."""
    names = (
        "gain_slope", "gain_error", "gain_low", "gain_high", "p_gain", "p_no_gain", "gain_rate",
        "joint", "joint_low", "joint_high", "within", "within_error", "within_low", "within_high",
        "fitness_spread", "memory", "memory_error", "p_memory",
        "p_attachment", "p_no_attachment", "loss_slope", "loss_error", "loss_low",
        "loss_high", "onset_attachment", "dormant_null", "excess", "drift", "p_decay", "p_no_decay",
        "gain_rise", "p_rise", "turnover", "p_poorer",
    )  # fmt: skip
    counts = dict.fromkeys(
        (
            "grown",
            "dropped",
            "parts",
            "dormant",
            "nulls",
            "dormant_others",
            "poor_times",
            "other_times",
        ),
        0,
    )
    reasons = dict.fromkeys(
        ("gain_reason", "within_reason", "loss_reason", "onset_reason", "decay_reason"), reason
    )
    return {
        **dict.fromkeys(names, _NAN), **counts, **reasons, "poor": 0.0, "dormant_below": low,
    }  # fmt: skip


def _poorest_neurons(degrees: IntArray) -> npt.NDArray[np.intp]:
    """About the quarter of the neurons with the fewest edges, equals together; none if all are."""
    if not len(degrees):
        return np.zeros(0, dtype=np.intp)
    edge = np.sort(degrees)[max(0, len(degrees) // 4 - 1)]
    poor = np.flatnonzero(degrees <= edge)
    return poor if 2 * len(poor) <= len(degrees) else np.flatnonzero(degrees < edge)
