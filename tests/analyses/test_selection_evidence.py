"""The numbers behind the words of attachment and decay, against loops over neurons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson
from scipy.stats import t as student

from topolab.metrics.random_rewiring import random_rewiring
from topolab_analyses.claims.limits import LEAST_EXPONENT
from topolab_analyses.edge_history import Ends, joint_of, rate_of, slope_of
from topolab_analyses.selection_evidence import (
    attachment_evidence,
    decay_evidence,
    nothing_changed,
)


def ends_of(edges: Any, gained: Any, lost: Any, capacity: Any) -> Ends:
    """Of arrays (updates, sides, neurons); the capacity is that of each side."""
    e, g, x = (np.asarray(a, dtype=np.int32) for a in (edges, gained, lost))
    room = np.asarray(capacity, dtype=np.int32)[:, None] - e
    steps = np.arange(len(e))
    names = ("in", "out")[: e.shape[1]]
    degree = e.sum(1, dtype=np.int32)
    total = int(np.sum(capacity))
    end = "total" if len(names) > 1 else "in"
    return Ends(
        layer="a", end=end, sides=names, before_steps=steps, steps=steps + 1, degree=degree,
        gained=g, lost=x, room=room, edges=e, capacity=total,
    )  # fmt: skip


def grown(
    seed: int, *, power: float = 1.0, updates: int = 20, n: int = 60, capacity: tuple[int, ...] =
    (90, 40), mean: int = 12, per: int = 60,
) -> Ends:  # fmt: skip
    """Neurons that gain by k^power of what they have at both sides, and lose at random."""
    rng = np.random.default_rng(seed)
    sides = len(capacity)
    now = np.minimum(rng.poisson(mean, (sides, n)), np.array(capacity)[:, None])
    edges, gained, lost = [], [], []
    for _ in range(updates):
        up, down = np.zeros_like(now), np.zeros_like(now)
        k = np.log(np.maximum(now.sum(0), 1))
        for s in range(sides):
            down[s] = rng.multivariate_hypergeometric(now[s], min(per, int(now[s].sum())))
            free = np.repeat(np.arange(n), capacity[s] - now[s])  # a place of whom
            keys = power * k[free] + rng.gumbel(size=len(free))
            up[s] = np.bincount(free[np.argsort(-keys)[:per]], minlength=n)
        edges.append(now)
        gained.append(up)
        lost.append(down)
        now = now + up - down
    return ends_of(edges, gained, lost, capacity)


def after(ends: Ends) -> np.ndarray:
    """Degrees at the end of every update."""
    return np.asarray((ends.edges + ends.gained - ends.lost).sum(1))


# -- attachment ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 7])
def test_kernels_are_those_of_the_edge_history_with_this_seed(seed: int) -> None:
    ends = joined(grown(3, power=-1.0, updates=12), grown(3, power=2.0, updates=12))
    found = attachment_evidence(ends, ends, windows=2, seed=seed)
    gain, loss = slope_of(ends, "gain", seed=seed), slope_of(ends, "loss", seed=seed)
    rate = rate_of(ends, "gain", seed=seed)
    joint, within = joint_of(ends, within=False), joint_of(ends)
    assert found["gain_rate"] == rate.gamma
    for name, fit in (("gain", gain), ("loss", loss)):
        assert found[f"{name}_slope"] == fit.gamma
        assert found[f"{name}_error"] == fit.standard_error
        assert (found[f"{name}_low"], found[f"{name}_high"]) == (fit.low, fit.high)
        assert found[f"{name}_reason"] == fit.reason == ""
    for name, made in (("joint", joint), ("within", within)):
        assert found[name] == made.gamma
        assert (found[f"{name}_low"], found[f"{name}_high"]) == (made.low, made.high)
    assert found["within_error"] == within.standard_error
    assert (found["memory"], found["memory_error"]) == (within.memory, within.memory_error)
    assert found["p_memory"] == within.p_memory
    assert found["fitness_spread"] == within.spread and found["within_reason"] == ""
    assert found["p_gain"] == gain.p_above(LEAST_EXPONENT)
    assert found["p_no_gain"] == gain.p_below(LEAST_EXPONENT)
    assert found["p_attachment"] == within.p_above(LEAST_EXPONENT)
    assert found["p_no_attachment"] == within.p_below(LEAST_EXPONENT)
    assert found["p_gain"] + found["p_no_gain"] == pytest.approx(1)
    assert found["p_attachment"] + found["p_no_attachment"] == pytest.approx(1)
    assert (found["grown"], found["dropped"]) == (ends.gained.sum(), ends.lost.sum())


def test_the_bootstrap_follows_the_seed() -> None:
    """Of updates that differ by more than chance: their blocks matter then."""
    ends = joined(grown(3, power=-1.0, updates=12), grown(3, power=2.0, updates=12))
    found = [attachment_evidence(ends, ends, windows=1, seed=seed) for seed in (0, 0, 1)]
    assert found[0]["gain_low"] == found[1]["gain_low"] != found[2]["gain_low"]
    assert found[0]["gain_slope"] == found[2]["gain_slope"]


def test_gains_and_losses_have_updates_of_their_own() -> None:
    """Grown in twenty updates, dropped in ten others."""
    gains, losses = grown(0), grown(1, power=0.0, updates=10)
    found = attachment_evidence(gains, losses, windows=1, seed=0)
    assert found["grown"] == gains.gained.sum() and found["dropped"] == losses.lost.sum()
    assert found["gain_slope"] == slope_of(gains, "gain").gamma
    assert found["loss_slope"] == slope_of(losses, "loss").gamma


def joined(*parts: Ends) -> Ends:
    """One after the other; degrees jump in between, which no kernel minds."""
    return ends_of(
        np.concatenate([p.edges for p in parts]), np.concatenate([p.gained for p in parts]),
        np.concatenate([p.lost for p in parts]), (90, 40),
    )  # fmt: skip


def test_the_onset_is_the_first_step_of_the_first_part_that_rises() -> None:
    ends = joined(grown(1, power=-1.0, updates=10), grown(2, power=2.0, updates=10))
    for windows in (2, 4):
        found = attachment_evidence(ends, ends, windows=windows, seed=0)
        assert (found["onset_attachment"], found["onset_reason"]) == (11.0, "")
    first = grown(2, power=2.0, updates=10)
    assert attachment_evidence(first, first, windows=2, seed=0)["onset_attachment"] == 1.0
    # Parts of fewer than five updates say nothing.
    found = attachment_evidence(ends, ends, windows=5, seed=0)
    assert math.isnan(found["onset_attachment"])
    assert found["onset_reason"] == "no onset: none of 5 parts has five updates"
    falling = grown(1, power=-1.0, updates=10)
    found = attachment_evidence(falling, falling, windows=2, seed=0)
    assert math.isnan(found["onset_attachment"])
    assert found["onset_reason"] == "no onset: in none of 2 parts the exponent is clearly above 0"


def test_the_onset_is_adjusted_for_the_parts_that_are_looked_at() -> None:
    """A part that would be an onset alone is none among eight."""
    for seed in range(300):
        part = grown(seed, power=0.4, updates=6, per=25)
        slope = slope_of(part, "gain")
        if slope.low > 0 and 0.05 / 8 < slope.p_positive < 0.05 / 2:
            break
    else:
        pytest.fail("no such part")
    assert attachment_evidence(part, part, windows=1, seed=0)["onset_attachment"] == 1.0
    ends = joined(part, *[grown(1, power=-1.0, updates=6)] * 7)
    assert math.isnan(attachment_evidence(ends, ends, windows=8, seed=0)["onset_attachment"])


@pytest.mark.parametrize("side", ["gained", "lost"])
def test_nothing_grown_or_nothing_dropped_has_no_exponent_and_a_reason(side: str) -> None:
    ends = grown(0)
    still = np.zeros_like(ends.gained)
    parts = {"gained": ends.gained, "lost": ends.lost, side: still}
    ends = ends_of(ends.edges, parts["gained"], parts["lost"], (90, 40))
    none = ends_of(ends.edges[:0], still[:0], still[:0], (90, 40))
    found = attachment_evidence(
        none if side == "gained" else ends, none if side == "lost" else ends, windows=8, seed=0
    )
    if side == "gained":
        assert found["grown"] == 0 and found["gain_reason"] and found["within_reason"]
        names = ("gain_slope", "p_gain", "p_no_gain", "within", "p_attachment", "onset_attachment")
        assert found["onset_reason"] == "no onset: no edge is ever grown"
    else:
        assert found["dropped"] == 0 and found["loss_reason"]
        names = ("loss_slope", "loss_low")
    assert all(math.isnan(found[name]) for name in names)


# -- decay -----------------------------------------------------------------------------------------


def poor_of(degrees: np.ndarray) -> list[int]:
    """About a quarter: those up to the degree of the last of them, unless that is over half."""
    order = sorted(int(k) for k in degrees)
    edge = order[max(0, len(order) // 4 - 1)]
    up_to = [i for i, k in enumerate(degrees) if k <= edge]
    return up_to if 2 * len(up_to) <= len(order) else [i for i, k in enumerate(degrees) if k < edge]


def counted(ends: Ends, low: int, parts: int) -> tuple[list[list[int]], int, int, int]:
    """By loops: who was at risk in each part, how many of them were dormant at its end, and others.

    The poor are a quarter of those that are not dormant when a part begins.
    """
    ended, at_risk, dormant, others, died = after(ends), [], 0, 0, 0
    for piece in np.array_split(np.arange(len(ends)), min(parts, len(ends))):
        begin = ends.edges[piece[0]].sum(0)
        living = [i for i, k in enumerate(begin) if k >= low]
        risk = [living[i] for i in poor_of(begin[living])] if living else []
        dormant += sum(int(ended[piece[-1]][i] < low) for i in risk)
        if risk:
            rest = [i for i in living if i not in risk]
            others += len(rest)
            died += sum(int(ended[piece[-1]][i] < low) for i in rest)
        at_risk.append(risk)
    return at_risk, dormant, others, died


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 10), st.integers(5, 30))
def test_dormant_and_at_risk_are_those_of_a_loop(
    seed: int, updates: int, parts: int, low: int
) -> None:
    ends = grown(seed, updates=updates, n=25, mean=8, per=30)
    found = decay_evidence(ends, low=low, parts=parts, nulls=20, seed=0)
    at_risk, dormant, others, died = counted(ends, low, parts)
    assert found["parts"] == min(parts, updates) == len(at_risk)
    assert found["dormant"] == dormant
    assert (found["other_times"], found["dormant_others"]) == (others, died)
    assert found["poor_times"] == sum(len(risk) for risk in at_risk)
    assert found["turnover"] == pytest.approx(ends.lost.sum() / ends.edges[0].sum())
    poor = max(len(risk) for risk in at_risk)
    assert found["poor"] == pytest.approx(poor)
    assert (found["dormant_below"], found["nulls"]) == (low, 20)
    if not poor:
        assert found["decay_reason"]
        assert all(math.isnan(found[x]) for x in ("p_decay", "p_no_decay", "excess",
                   "dormant_null"))  # fmt: skip
        return
    assert found["decay_reason"] == ""
    chance, least = found["dormant_null"], 0.05 * poor
    assert found["excess"] == pytest.approx((dormant - chance) / poor)
    assert found["p_decay"] == pytest.approx(poisson.sf(dormant - 1, chance + 1 / 20 + least))
    assert found["p_no_decay"] == pytest.approx(poisson.cdf(dormant, chance + least))


@pytest.mark.parametrize("seed", [0, 5])
def test_chance_is_random_rewiring_of_each_side_from_the_start_of_each_part(seed: int) -> None:
    ends = grown(4, updates=9, mean=9)
    found = decay_evidence(ends, low=14, parts=3, nulls=40, seed=seed)
    drawn = np.zeros(40)
    at_risk, *_ = counted(ends, 14, 3)
    for number, piece in enumerate(np.array_split(np.arange(9), 3)):
        end = 0
        for side, capacity in enumerate((90, 40)):
            end = end + random_rewiring(
                ends.edges[piece[0], side], capacity, ends.lost[piece, side].sum(1),
                ends.gained[piece, side].sum(1), neurons=at_risk[number], replicates=40,
                seed=(seed * 1_000_000 + number) * 2 + side,
            )  # fmt: skip
        drawn += (np.asarray(end) < 14).sum(1)
    assert drawn.any()
    assert found["dormant_null"] == pytest.approx(drawn.mean())


def test_by_chance_as_many_become_dormant_as_random_rewiring_makes() -> None:
    """Where gains and losses are at random, the excess is none over many runs."""
    excess = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        now = rng.poisson(12, 80)
        edges, gained, lost = [], [], []
        for _ in range(6):
            up = rng.multivariate_hypergeometric(60 - now, 90)
            down = rng.multivariate_hypergeometric(now, 90)
            edges.append([now])
            gained.append([up])
            lost.append([down])
            now = now + up - down
        ends = ends_of(edges, gained, lost, (60,))
        found = decay_evidence(ends, low=9, parts=3, nulls=100, seed=seed)
        excess.append(found["dormant"] - found["dormant_null"])
    error = np.std(excess, ddof=1) / len(excess) ** 0.5
    assert abs(np.mean(excess)) < 3 * error


def test_seeds_and_parts_and_sides_share_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def fake(*_: Any, neurons: Any, replicates: int, seed: int) -> np.ndarray:
        asked.append(seed)
        return np.zeros((replicates, len(neurons)), dtype=np.int64)

    monkeypatch.setattr("topolab_analyses.selection_evidence.random_rewiring", fake)
    for seed in range(4):
        decay_evidence(grown(0), low=10, parts=8, nulls=20, seed=seed)
    assert len(asked) == len(set(asked)) == 4 * 8 * 2


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
        (list(range(1, 101)), 25),
    ],
)
def test_the_poor_are_about_a_quarter(degrees: list[int], poor: int) -> None:
    edges = np.array(degrees)[None, None] + 1  # nobody is dormant
    still = np.zeros_like(edges)
    ends = ends_of(edges, still, still, (200,))
    assert decay_evidence(ends, low=1, parts=1, nulls=20, seed=0)["poor"] == poor


def test_who_is_dormant_already_is_at_no_risk_and_the_limit_itself_is_not_dormant() -> None:
    edges = np.array([[[9, 10, 11, 12, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41]]])
    lost = np.array([[[9, 1, 1, 2, *[25] * 12]]])
    found = decay_evidence(ends_of(edges, lost * 0, lost, (99,)), low=10, parts=1, nulls=20, seed=0)
    # Of the four poorest the first was dormant; then 9, 10 and 10 are left.
    assert (found["poor"], found["dormant"]) == (3, 1)
    assert found["drift"] == pytest.approx(29 / 42 - 1)


def test_drift_is_of_those_who_are_poor_at_the_start() -> None:
    ends = grown(6, updates=12)
    first, last = ends.edges[0].sum(0), after(ends)[-1]
    poor = poor_of(first)
    found = decay_evidence(ends, low=10, parts=4, nulls=20, seed=0)
    assert found["drift"] == pytest.approx(last[poor].sum() / first[poor].sum() - 1)


def test_what_keeps_decay_from_being_judged_is_said() -> None:
    equal = np.full((1, 1, 8), 20)
    still = np.zeros_like(equal)
    found = decay_evidence(ends_of(equal, still, still, (90,)), low=10, parts=8, nulls=20, seed=0)
    assert found["decay_reason"] == "the first degrees tell no poor neurons from others"
    assert math.isnan(found["drift"]) and found["poor"] == 0
    few = np.arange(8)[None, None] + 1
    found = decay_evidence(ends_of(few, still, still, (90,)), low=10, parts=8, nulls=20, seed=0)
    assert found["decay_reason"] == "every neuron has fewer than 10 edges from the start"
    assert math.isnan(found["dormant_null"]) and math.isnan(found["p_decay"])
    none = np.zeros_like(few)
    found = decay_evidence(ends_of(none, still, still, (90,)), low=10, parts=8, nulls=20, seed=0)
    assert math.isnan(found["drift"]) and found["poor"] == 0
    # Later parts count: then there is no reason why none could be judged.
    both = np.concatenate([equal, few + 30])
    ends = ends_of(both, np.zeros_like(both), np.zeros_like(both), (90,))
    found = decay_evidence(ends, low=10, parts=2, nulls=20, seed=0)
    assert found["poor"] == 2.0 and found["decay_reason"] == ""


def test_the_rise_is_the_last_quarter_less_the_first() -> None:
    ends = grown(3, updates=24)
    found = attachment_evidence(ends, ends, windows=1, seed=2)
    first, last = (slope_of(ends, "gain", chosen=part, seed=2)
                   for part in (np.arange(6), np.arange(18, 24)))  # fmt: skip
    assert found["gain_rise"] == pytest.approx(last.gamma - first.gamma)
    error = math.hypot(first.standard_error, last.standard_error)
    expected = student.sf(found["gain_rise"] / error, min(first.freedom, last.freedom))
    assert found["p_rise"] == pytest.approx(expected)
    short = attachment_evidence(grown(3, updates=19), grown(3, updates=19), windows=1, seed=2)
    assert math.isnan(short["gain_rise"]) and math.isnan(short["p_rise"])


# -- nothing ---------------------------------------------------------------------------------------


def test_a_layer_that_never_changes_has_no_numbers_and_one_reason() -> None:
    made = nothing_changed(7, "one snapshot")
    ends = grown(0)
    every = {
        **attachment_evidence(ends, ends, windows=1, seed=0),
        **decay_evidence(ends, low=7, parts=1, nulls=20, seed=0),
    }
    assert set(made) == set(every)
    for name, value in every.items():
        if isinstance(value, str):
            assert made[name] == "one snapshot"
        elif name in ("grown", "dropped", "parts", "dormant", "nulls", "poor", "dormant_others",
                      "poor_times", "other_times"):  # fmt: skip
            assert made[name] == 0
        else:
            assert made[name] == 7 if name == "dormant_below" else math.isnan(made[name])
