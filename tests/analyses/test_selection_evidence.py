"""The numbers behind the verdict: slopes, onset, the poor, and what chance makes of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import nbinom
from scipy.stats import t as student

from topolab.metrics.attachment import fit_slope
from topolab.metrics.nulls import random_rewiring
from topolab_analyses.selection_evidence import attachment_evidence, decay_evidence, total_degrees

DEGREES = np.array([1, 2, 3, 4])


def part(gained: Any, chance: Any, lost: Any = None, held: Any = None, neurons: Any = 10) -> Any:
    n = len(DEGREES)
    return {
        "degree": DEGREES,
        "neurons": np.broadcast_to(neurons, n),
        "gained": np.asarray(gained),
        "gain_chance": np.asarray(chance, dtype=float),
        "lost": np.zeros(n) if lost is None else np.asarray(lost),
        "loss_chance": np.ones(n) if held is None else np.asarray(held, dtype=float),
    }


# -- attachment ------------------------------------------------------------------------------------


def test_gain_and_loss_have_exponents_of_their_own() -> None:
    """Gains by k^2 of the chance, losses by k^-1."""
    parts = (part([12, 48, 108, 192], [10] * 4, [120, 60, 40, 30], [10] * 4),) * 8
    found = attachment_evidence(parts, tuple(range(8)), windows=1, seed=0)
    assert found["gain_slope"] == pytest.approx(2, abs=1e-6)
    assert found["loss_slope"] == pytest.approx(-1, abs=1e-6)
    assert found["gain_low"] < 2 < found["gain_high"] and found["p_gain"] < 1e-3
    assert found["loss_low"] < -1 < found["loss_high"] < 0
    assert found["reason"] == "" and found["loss_reason"] == ""


def test_the_rate_counts_only_neurons_that_have_room() -> None:
    """Ten neurons at each degree gain by k, but those with four edges are full."""
    parts = (part([10, 20, 30, 0], [9, 6, 0.5, 0]),) * 6
    assert attachment_evidence(parts, tuple(range(6)), windows=1, seed=0)[
        "gain_rate"
    ] == pytest.approx(1)


def test_events_are_counted_at_their_degree() -> None:
    """Snapshots whose degrees differ: each event belongs to the degree it happened at."""
    low = {**part([40, 0], [10, 10]), "degree": np.array([2, 3])}
    high = {**part([0, 40], [10, 10]), "degree": np.array([5, 9])}
    for each in (low, high):
        for name in ("neurons", "lost", "loss_chance"):
            each[name] = each[name][:2]
    found = attachment_evidence((low, high) * 3, tuple(range(6)), windows=1, seed=0)
    events, exposed = np.zeros((6, 10)), np.zeros((6, 10))
    events[::2, 2] = events[1::2, 9] = 40
    exposed[::2, [2, 3]] = exposed[1::2, [5, 9]] = 10
    slope = fit_slope(events, exposed, seed=0)
    assert (found["gain_slope"], found["gain_low"]) == (slope.gamma, slope.low)


def noisy(seed: int, power: float, updates: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    return tuple(part(rng.poisson(8 * DEGREES**power), [10] * 4) for _ in range(updates))


def table(parts: tuple[Any, ...], name: str) -> np.ndarray:
    out = np.zeros((len(parts), 5))
    out[:, 1:] = [p[name] for p in parts]
    return out


def test_intervals_and_p_are_those_of_the_slope_with_this_seed() -> None:
    # Steeper in the second half: then the blocks that are drawn matter.
    parts = noisy(0, 0.0, 6) + noisy(1, 1.0, 6)
    found = attachment_evidence(parts, tuple(range(12)), windows=1, seed=7)
    slope = fit_slope(table(parts, "gained"), table(parts, "gain_chance"), seed=7)
    assert (found["gain_low"], found["gain_high"], found["p_gain"]) == (
        slope.low, slope.high, slope.p_positive,
    )  # fmt: skip
    assert slope.low != fit_slope(table(parts, "gained"), table(parts, "gain_chance")).low


def test_the_onset_is_the_first_step_of_the_first_part_that_rises() -> None:
    parts = noisy(1, 0.0, 10) + noisy(2, 2.0, 10)
    steps = tuple(range(100, 2100, 100))
    for windows, onset in ((2, 1100.0), (4, 1100.0)):
        found = attachment_evidence(parts, steps, windows=windows, seed=0)
        assert found["onset_attachment"] == onset
    # Parts of fewer than five updates say nothing.
    assert math.isnan(attachment_evidence(parts, steps, windows=5, seed=0)["onset_attachment"])
    assert (
        attachment_evidence(parts[10:], steps[10:], windows=2, seed=0)["onset_attachment"] == 1100.0
    )


def test_the_onset_is_adjusted_for_the_parts_that_are_looked_at() -> None:
    """A slope that would be an onset in one part alone is none among eight."""
    parts = next(
        parts
        for seed in range(200)
        if 0.05 / 8
        < (s := fit_slope(table(parts := noisy(seed, 0.7, 6), "gained"),
                          table(parts, "gain_chance"))).p_positive
        < 0.02
        and s.low > 0
    )  # fmt: skip
    falling = noisy(0, -1.0, 6)
    steps = tuple(range(48))
    assert attachment_evidence(parts, steps[:6], windows=1, seed=0)["onset_attachment"] == 0.0
    found = attachment_evidence(parts + falling * 7, steps, windows=8, seed=0)
    assert math.isnan(found["onset_attachment"])


def test_an_onset_needs_an_interval_above_zero() -> None:
    parts = noisy(3, -1.0, 10)
    assert math.isnan(
        attachment_evidence(parts, tuple(range(10)), windows=1, seed=0)["onset_attachment"]
    )


def test_without_any_update_there_is_no_slope() -> None:
    found = attachment_evidence((), (), windows=8, seed=0)
    assert found["reason"] == found["loss_reason"] == "no mask changes from snapshot to snapshot"
    numbers = [value for value in found.values() if not isinstance(value, str)]
    assert len(numbers) == 9 and all(math.isnan(value) for value in numbers)


# -- decay -----------------------------------------------------------------------------------------

BEGIN = np.array([12, 12, 14, 30, 31, 32, 33, 34])
SIDE = {"in": (BEGIN, 100)}
TOTALS = {"in": ((40, 40),) * 3}


def judged(end: Any, sides: Any = SIDE, totals: Any = TOTALS, **changes: Any) -> dict[str, Any]:
    return decay_evidence(
        sides, np.asarray(end), totals, **{"low": 10, "nulls": 50, "seed": 0, **changes}
    )


@pytest.mark.parametrize(
    ("degrees", "poor"),
    [
        ([1, 1, 2, 3, 4, 5, 6, 7], 2),
        ([1, 1, 1, 2, 4, 5, 6, 7], 3),  # equals together
        ([1, 1, 1, 1, 4, 5, 6, 7], 4),  # half of them are few enough
        ([1, 1, 1, 1, 1, 5, 6, 7], 0),  # more than half are not: nobody is poorer than another
        ([0, 1, 1, 1, 1, 1, 6, 7], 1),  # but those below them are
        ([3, 5, 9], 1),
        ([5, 5, 5, 5], 0),
        (range(1, 101), 25),
        ([], 0),
    ],
)
def test_the_poor_are_about_a_quarter(degrees: Any, poor: int) -> None:
    values = np.array(degrees, dtype=np.int64)
    found = decay_evidence({"in": (values, 200)}, values, {}, low=10, nulls=20, seed=0)
    assert found["poor"] == poor


def test_dormant_and_drift_by_hand() -> None:
    """The poor are those with 12 edges; one falls to 9, one to exactly 10."""
    found = judged([9, 10, 5, 1, 1, 1, 1, 1])
    assert (found["poor"], found["dormant"]) == (2, 1)
    assert found["drift"] == pytest.approx(19 / 24 - 1)
    assert judged([9, 9, 0, 0, 0, 0, 0, 0])["dormant"] == 2
    assert judged([10, 10, 0, 0, 0, 0, 0, 0])["dormant"] == 0
    # What began below the threshold has not become dormant.
    assert judged([9, 9, 0, 0, 0, 0, 0, 0], low=13)["dormant"] == 0
    assert judged([11, 11, 0, 0, 0, 0, 0, 0], low=12)["dormant"] == 2


def drawn(seed: int, nulls: int, sides: Any = SIDE, totals: Any = TOTALS) -> np.ndarray:
    """Total degrees after random rewirings: a stream for each side of each seed."""
    out = 0
    for number, side in enumerate(sorted(sides)):
        lost, gained = np.array(totals[side]).T
        degrees, capacity = sides[side]
        out = out + random_rewiring(
            degrees, capacity, lost, gained, replicates=nulls, seed=2 * seed + number
        )
    return np.asarray(out)


BOTH = {"in": (BEGIN, 100), "out": (BEGIN[::-1] * 0 + 6, 50)}
BOTH_TOTALS = {"in": ((8, 8),) * 3, "out": ((9, 5), (3, 3))}


@pytest.mark.parametrize("seed", [0, 1, 5])
def test_p_of_drift_and_decay_from_random_rewirings(seed: int) -> None:
    end = np.array([9, 15, 20, 60, 40, 40, 40, 40])
    found = judged(end, BOTH, BOTH_TOTALS, nulls=40, seed=seed, low=18)
    after = drawn(seed, 40, BOTH, BOTH_TOTALS)[:, :2]
    drift = after.sum(1) / 36 - 1
    assert found["drift_null"] == pytest.approx(drift.mean())
    assert found["drift_error"] == pytest.approx(drift.std(ddof=1))
    t = (24 / 36 - 1 - drift.mean()) / drift.std(ddof=1)
    assert found["p_drift"] == pytest.approx(student.cdf(t, 39))
    dormant = (after < 18).sum(1)
    assert dormant.any() and found["dormant"] == 2
    assert found["dormant_null"] == pytest.approx(dormant.mean())
    assert found["p_decay"] == pytest.approx(nbinom.sf(1, dormant.sum() + 1, 40 / 41))
    assert found["decay_reason"] == ""


def test_neurons_that_begin_below_the_threshold_become_dormant_in_no_rewiring() -> None:
    """Two of the three poor could become dormant; the third, at 5, was dormant already."""
    begin = np.array([5, 12, 12, 30, 31, 32, 33, 34, 35, 36, 37, 38])
    sides = {"in": (begin, 100)}
    found = judged(begin, sides, low=10)
    after = drawn(0, 50, sides)[:, 1:3]
    assert found["poor"] == 3
    assert found["dormant_null"] == pytest.approx((after < 10).sum(1).mean())


def test_both_sides_of_a_neuron_are_rewired_independently() -> None:
    """The variance of two independent sides adds up; of two equal draws it would be twice that."""
    degrees = np.array([20] * 10 + [40] * 30)
    sides = {"in": (degrees, 100), "out": (degrees, 100)}
    totals = {"in": ((200, 200),) * 4, "out": ((200, 200),) * 4}
    one = judged(degrees, {"in": sides["in"]}, totals, nulls=600)
    two = judged(2 * degrees, sides, totals, nulls=600)
    assert two["drift_null"] == pytest.approx(one["drift_null"], abs=0.01)
    # Twice the edges, sqrt(2) times the spread: relative to the edges, 1 / sqrt(2).
    assert two["drift_error"] / one["drift_error"] == pytest.approx(math.sqrt(0.5), rel=0.1)


def test_seeds_share_no_stream() -> None:
    """The second side of one seed must not be drawn like the first side of the next."""
    first = [judged(BEGIN, seed=seed)["drift_null"] for seed in range(4)]
    second = [
        judged(BEGIN, {"in": (BEGIN * 0, 0), "out": (BEGIN, 100)},
               {"in": (), "out": TOTALS["in"]}, seed=seed)["drift_null"]
        for seed in range(4)
    ]  # fmt: skip
    assert len({*first, *second}) == 8


def test_what_keeps_decay_from_being_judged_is_said() -> None:
    equal = judged(BEGIN, {"in": (np.full(8, 20), 100)})
    assert "tell no poor neurons" in equal["decay_reason"] and math.isnan(equal["drift"])
    none = np.array([0, 0, 5, 6, 7, 8, 9, 10])
    bare = judged(none, {"in": (none, 100)})
    assert "have no edges from the start" in bare["decay_reason"] and math.isnan(bare["drift"])
    still = judged(BEGIN, totals={"in": ()})
    assert still["decay_reason"] == "" and math.isnan(still["drift_null"]) and still["drift"] == 0
    low = judged(BEGIN, low=13)
    assert low["decay_reason"] == "every poor neuron has fewer than 13 edges from the start"
    assert math.isnan(low["p_decay"]) and math.isnan(low["dormant_null"])
    assert math.isfinite(low["p_drift"])
    assert math.isfinite(judged(BEGIN, low=12)["p_decay"])


def test_a_drift_without_spread_has_no_p() -> None:
    """Nothing was dropped or grown on this side, in any of its updates."""
    still = judged(BEGIN, totals={"in": ((0, 0),) * 5})
    assert still["drift_error"] == 0 and math.isnan(still["p_drift"])
    assert still["drift_null"] == 0 and still["p_decay"] == 1


def test_total_degrees_are_of_both_sides() -> None:
    sides = {"in": (np.array([1, 2]), 5), "out": (np.array([10, 0]), 20)}
    assert total_degrees(sides).tolist() == [11, 2] and total_degrees(sides).dtype == np.int64
