"""The evidence about attachment and decay that `selection` judges by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, stdtr

from topolab.metrics.attachment import Slope, fit_slope
from topolab.metrics.nulls import random_rewiring

__all__ = ["attachment_evidence", "decay_evidence", "total_degrees"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_NO_SLOPE = Slope(
    math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, math.nan, 0,
    "no mask changes from snapshot to snapshot",
)  # fmt: skip


def attachment_evidence(
    parts: tuple[Mapping[str, Any], ...], steps: tuple[int, ...], *, windows: int, seed: int
) -> dict[str, Any]:
    """Exponents of gain and loss by total degree, and when the gain's begins to rise."""
    gained, gain_chance, lost, loss_chance, neurons = _by_degree(parts)
    gain = fit_slope(gained, gain_chance, seed=seed) if len(parts) else _NO_SLOPE
    # A neuron without room cannot gain: it is not there for the rate.
    able = np.where(gain_chance > 0, neurons, 0.0)
    rate = fit_slope(gained, able, seed=seed) if len(parts) else _NO_SLOPE
    loss = fit_slope(lost, loss_chance, seed=seed) if len(parts) else _NO_SLOPE
    onset = math.nan
    for chosen in np.array_split(np.arange(len(parts)), windows):
        if len(chosen) < 5:
            continue
        slope = fit_slope(gained[chosen], gain_chance[chosen], seed=seed)
        if slope.low > 0 and slope.p_positive < 0.05 / windows:
            onset = float(steps[chosen[0]])
            break
    return {
        "gain_slope": gain.gamma,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "gain_rate": rate.gamma,
        "p_gain": gain.p_positive,
        "loss_slope": loss.gamma,
        "loss_low": loss.low,
        "loss_high": loss.high,
        "onset_attachment": onset,
        "reason": gain.reason,
        "loss_reason": loss.reason,
    }


def decay_evidence(
    sides: Mapping[str, tuple[IntArray, int]],
    end: IntArray,
    totals: Mapping[str, tuple[tuple[int, int], ...]],
    *,
    low: int,
    nulls: int,
    seed: int,
) -> dict[str, Any]:
    """What became of the neurons with the fewest edges, and what chance would have made of them.

    Parameters
    ----------
    sides : mapping of side to (degrees, most edges)
        At the start.
    end : ndarray of int64
        Total degrees at the end.
    totals : mapping of side to tuple of (lost, gained)
        Of every update.
    low : int
        With fewer edges a neuron is dormant.
    nulls, seed : int
        Random rewirings, and what fixes them.
    """
    begin = total_degrees(sides)
    poor = _poorest_neurons(begin)
    had = int(begin[poor].sum())
    nan = math.nan
    out: dict[str, Any] = {
        "poor": len(poor),
        "dormant": int(((begin[poor] >= low) & (end[poor] < low)).sum()),
        "dormant_null": nan,
        "drift": end[poor].sum() / had - 1 if had else nan,
        "drift_null": nan,
        "drift_error": nan,
        "p_drift": nan,
        "p_decay": nan,
        "decay_reason": "",
    }
    if not len(poor):
        return {**out, "decay_reason": "the first degrees tell no poor neurons from others"}
    if not had:
        return {**out, "decay_reason": "the poor neurons have no edges from the start"}
    if not any(totals.values()):
        return out
    drawn = np.zeros((nulls, len(begin)), dtype=np.int64)
    for number, (side, (degrees, capacity)) in enumerate(sorted(sides.items())):
        pairs = np.array(totals.get(side, ()), dtype=np.int64).reshape(-1, 2)
        drawn += random_rewiring(
            degrees,
            capacity,
            pairs[:, 0],
            pairs[:, 1],
            replicates=nulls,
            seed=seed * 2 + number,
        )
    drift = drawn[:, poor].sum(1) / had - 1
    out["drift_null"] = float(drift.mean())
    out["drift_error"] = float(drift.std(ddof=1))
    if out["drift_error"] > 0:
        t = (out["drift"] - out["drift_null"]) / out["drift_error"]
        out["p_drift"] = float(stdtr(nulls - 1, t))
    if not (begin[poor] >= low).any():
        out["decay_reason"] = f"every poor neuron has fewer than {low} edges from the start"
        return out
    dormant = ((begin[poor] >= low) & (drawn[:, poor] < low)).sum(1)
    out["dormant_null"] = float(dormant.mean())
    # As many or more in one more random rewiring, given these: a Poisson number, whose rate is
    # as uncertain as so many draws leave it.
    out["p_decay"] = _negative_binomial_tail(
        out["dormant"], int(dormant.sum()) + 1, nulls / (nulls + 1)
    )
    return out


def _negative_binomial_tail(count: int, successes: int, p: float) -> float:
    """The chance of so many failures or more before so many successes.

    (As a beta function, since scipy.stats takes half a second to import.)

    Examples
    --------
    >>> _negative_binomial_tail(0, 1, 0.5), _negative_binomial_tail(1, 1, 0.5)
    (1.0, 0.5)
    """
    return float(betainc(count, successes, 1 - p)) if count else 1.0


def _poorest_neurons(degrees: IntArray) -> npt.NDArray[np.intp]:
    """About the quarter of the neurons with the fewest edges, equals together; none if all are."""
    if not len(degrees):
        return np.zeros(0, dtype=np.intp)
    edge = np.sort(degrees)[max(0, len(degrees) // 4 - 1)]
    poor = np.flatnonzero(degrees <= edge)
    return poor if 2 * len(poor) <= len(degrees) else np.flatnonzero(degrees < edge)


def total_degrees(sides: Mapping[str, tuple[IntArray, int]]) -> IntArray:
    """Total degrees of the neurons of a layer, both sides together."""
    return np.asarray(np.sum([degrees for degrees, _ in sides.values()], axis=0, dtype=np.int64))


def _by_degree(
    parts: tuple[Mapping[str, Any], ...],
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Gained, its chance, lost, its chance, neurons; by update and total degree."""
    size = 1 + max((int(part["degree"].max()) for part in parts), default=0)
    names = ("gained", "gain_chance", "lost", "loss_chance", "neurons")
    out = {name: np.zeros((len(parts), size)) for name in names}
    for t, part in enumerate(parts):
        for name in names:
            out[name][t, part["degree"]] = part[name]
    return out["gained"], out["gain_chance"], out["lost"], out["loss_chance"], out["neurons"]
