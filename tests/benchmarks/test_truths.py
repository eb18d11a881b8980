"""Every known truth is what it says: by statistics that share no code with what made it."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import chisquare

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "truths"
sys.path.insert(0, str(FOLDER))  # as `python benchmarks/truths` does
catalogue, margins, rewire = (
    importlib.import_module(name) for name in ("catalogue", "margins", "rewire")
)
sys.path.remove(str(FOLDER))

SMALL = rewire.SIZES["small"]
REWIRED = {
    "random-10": 0.1, "random-50": 0.5, "hubs-from-the-start": 0.1, "linear": 0.1,
    "sublinear": 0.1, "weak": 0.1, "fitness": 0.1, "fitness-and-degree": 0.1,
    "survival-of-hubs": 0.1, "multiplicative-noise": 0.1, "all-true-2.0": 1 / 40,
    "all-true-2.7": 1 / 40,
}  # fmt: skip
STATIC = ("static", "static-power-law", "static-lognormal")


@cache
def masks_of(name: str, seed: int = 0) -> tuple[Any, ...]:
    return tuple(catalogue.TRUTHS[name].simulate(SMALL, np.random.default_rng(seed)))


def of_second(name: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fan-in, gains and losses of the second hidden layer, by update and neuron."""
    seen = [m["fc2"] for m in masks_of(name, seed)]
    fan_in = np.array([m.sum(1) for m in seen[:-1]])
    gained = np.array([(new & ~old).sum(1) for old, new in pairwise(seen)])
    lost = np.array([(old & ~new).sum(1) for old, new in pairwise(seen)])
    return fan_in, gained, lost


def pooled_exponent(degree: np.ndarray, events: np.ndarray, exposure: np.ndarray) -> float:
    """Least squares of log events per exposure on log degree, weighted by events."""
    k = degree.reshape(-1)
    count = np.bincount(k, events.reshape(-1))
    exposed = np.bincount(k, exposure.reshape(-1))
    known = (np.arange(len(count)) > 0) & (count >= 20)
    x = np.log(np.flatnonzero(known))
    return float(np.polyfit(x, np.log(count[known] / exposed[known]), 1, w=count[known] ** 0.5)[0])


def exponent_within_neurons(degree: np.ndarray, gained: np.ndarray, room: np.ndarray) -> float:
    """Of when a neuron gains, given how much it gains in all: fitness drops out.

    What was gained is part of the later degrees, so that it reads too low in short series.
    """
    some = (degree > 0).all(0)
    k, gains, free = np.log(degree[:, some]), gained[:, some], room[:, some]

    def loss(exponent: float) -> float:
        rate = free * np.exp(exponent * k)
        return -float((gains * np.log(rate / rate.sum(0))).sum())

    return float(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x)


def law_exponent(degrees: np.ndarray, low: int, high: int) -> float:
    """Plain maximum likelihood of a power law from low to high."""
    tail = degrees[(degrees >= low) & (degrees <= high)]
    support = np.log(np.arange(low, high + 1))

    def loss(alpha: float) -> float:
        return float(alpha * np.log(tail).mean() + np.log(np.exp(-alpha * support).sum()))

    return float(minimize_scalar(loss, bounds=(0.5, 6), method="bounded").x)


# -- what all have in common ------------------------------------------------------------------


@pytest.mark.parametrize("name", REWIRED)
def test_an_update_moves_its_share_and_keeps_the_number_of_edges(name: str) -> None:
    assert len(masks_of(name)) == SMALL.updates + 1
    for layer in ("fc1", "fc2"):
        for old, new in pairwise(m[layer] for m in masks_of(name)):
            moved = round(REWIRED[name] * int(old.sum()))
            assert (old & ~new).sum() == (new & ~old).sum() == moved > 0


@pytest.mark.parametrize("name", catalogue.TRUTHS)
def test_a_seed_repeats_and_another_differs(name: str) -> None:
    short = replace(SMALL, updates=4)
    once, again, other = (
        tuple(catalogue.TRUTHS[name].simulate(short, np.random.default_rng(seed)))
        for seed in (0, 0, 1)
    )
    assert len(once) == len(again) == len(other) == 5
    for layer in ("fc1", "fc2"):
        assert all(np.array_equal(a[layer], b[layer]) for a, b in zip(once, again, strict=True))
        assert not np.array_equal(once[-1][layer], other[-1][layer])


def test_every_truth_says_of_every_claim_whether_it_holds_and_why() -> None:
    assert len(catalogue.TRUTHS) >= 14
    for name, truth in catalogue.TRUTHS.items():
        assert truth.name == name and truth.what
        for claim in catalogue.CLAIMS:
            said = truth.claim(claim)
            assert said.holds in ("holds", "does not hold", "does not apply")
            assert said.because and "\n" not in said.because
    every = [{t.claim(c).holds for t in catalogue.TRUTHS.values()} for c in catalogue.CLAIMS]
    assert all({"holds", "does not hold"} <= kinds for kinds in every)


# -- kernels ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "planted"),
    [("random-10", 0), ("random-50", 0), ("hubs-from-the-start", 0), ("survival-of-hubs", 0),
     ("weak", 0.05), ("sublinear", 0.5), ("linear", 1), ("multiplicative-noise", 1)],
)  # fmt: skip
def test_gains_follow_the_planted_kernel(name: str, planted: float) -> None:
    found = []
    for seed in range(1 if name == "random-50" else 2):
        k, gained, _ = of_second(name, seed)
        found.append(pooled_exponent(k, gained, SMALL.first - k))
    assert np.mean(found) == pytest.approx(planted, abs=0.1)


@pytest.mark.parametrize("name", ["all-true-2.0", "all-true-2.7"])
def test_gains_are_in_proportion_to_the_degree_itself(name: str) -> None:
    k, gained, _ = of_second(name)
    assert pooled_exponent(k, gained, np.ones_like(k)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("name", "planted"), [("random-10", 0), ("linear", 0)])
def test_losses_are_random(name: str, planted: float) -> None:
    k, _, lost = of_second(name)
    assert pooled_exponent(k, lost, k) == pytest.approx(planted, abs=0.1)


def test_hubs_survive_since_their_edges_are_lost_less() -> None:
    k, _, lost = of_second("survival-of-hubs")
    assert pooled_exponent(k, lost, k) == pytest.approx(-1, abs=0.15)


def test_fitness_looks_like_attachment_and_is_none_within_a_neuron() -> None:
    k, gained, _ = of_second("fitness")
    room = SMALL.first - k
    assert pooled_exponent(k[20:], gained[20:], room[20:]) > 0.7
    assert exponent_within_neurons(k, gained, room) < 0
    k, gained, _ = of_second("linear")
    assert exponent_within_neurons(k, gained, SMALL.first - k) > 0.5
    k, gained, _ = of_second("fitness-and-degree")
    assert exponent_within_neurons(k, gained, SMALL.first - k) > 0.5


@pytest.mark.parametrize("name", ["fitness", "fitness-and-degree"])
def test_fitness_has_nothing_to_do_with_the_first_degree(name: str) -> None:
    """Gains per unit of the planted kernel measure fitness; they do not know the first degree."""
    power = 0 if name == "fitness" else 1
    r = []
    for seed in range(4):
        k, gained, _ = of_second(name, seed)
        kernel = (SMALL.first - k) * np.maximum(k, 1) ** float(power)
        fitness = gained.sum(0) / kernel.sum(0)
        r.append(np.corrcoef(k[0], fitness)[0, 1])
        # and there is fitness: the same neurons gain more in both halves of the run
        halves = [
            gained[part].sum(0) / kernel[part].sum(0) for part in (slice(0, 20), slice(20, 40))
        ]
        assert np.corrcoef(*halves)[0, 1] > 0.2
    assert abs(np.mean(r)) < 3 / np.sqrt(4 * SMALL.second)


def test_noise_is_new_in_every_update() -> None:
    k, gained, _ = of_second("multiplicative-noise")
    expected = k / k.sum(1, keepdims=True) * gained.sum(1, keepdims=True)
    excess = ((gained - expected) ** 2).sum() / expected.sum()
    assert excess > 2  # chance alone gives 1
    relative = (gained - expected) / np.sqrt(np.maximum(expected, 0.1))
    assert abs(np.mean(relative[1:] * relative[:-1]) / np.mean(relative**2)) < 0.1


# -- degrees ----------------------------------------------------------------------------------


def test_a_static_run_never_changes() -> None:
    for name in STATIC:
        for layer in ("fc1", "fc2"):
            first = masks_of(name)[0][layer]
            assert all(np.array_equal(first, m[layer]) for m in masks_of(name))


@pytest.mark.parametrize(
    ("name", "alpha"), [("static-power-law", 2.0), ("all-true-2.0", 2.0), ("all-true-2.7", 2.7)]
)
@pytest.mark.parametrize("layer", [0, 1])
def test_degrees_have_the_exponent_up_to_the_width(name: str, alpha: float, layer: int) -> None:
    low = 40
    found = []
    for seed in range(4):
        ends = rewire.degrees(masks_of(name, seed)[-1])[layer]
        found.append(law_exponent(ends, low, SMALL.capacity[layer]))
    assert np.mean(found) == pytest.approx(alpha, abs=0.35)


def test_barabasi_albert_only_grows_and_has_exponent_three() -> None:
    for layer in ("fc1", "fc2"):
        for old, new in pairwise(m[layer] for m in masks_of("barabasi-albert")):
            assert not (old & ~new).any() and new.sum() > old.sum()
    found = [
        law_exponent(rewire.degrees(masks_of("barabasi-albert", seed)[-1])[0], 15, 600)
        for seed in range(4)
    ]
    assert np.mean(found) == pytest.approx(3, abs=0.4)
    # half of the new ends are those of neurons that had none
    first = [m["fc1"] for m in masks_of("barabasi-albert")]
    shares = [
        (new & ~old)[old.sum(1) == 0].sum() / (new & ~old).sum() for old, new in pairwise(first)
    ]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)


def test_hubs_from_the_start_are_gone_at_the_end() -> None:
    first, last = (masks_of("hubs-from-the-start")[i]["fc2"].sum(1) for i in (0, -1))
    assert first.var() / first.mean() > 10
    assert last.var() / last.mean() == pytest.approx(1, abs=0.4)  # binomial: 1 - density


def test_lognormal_degrees_are_lognormal() -> None:
    log = np.log(rewire.degrees(masks_of("static-lognormal")[0])[1])
    assert log.std() == pytest.approx(1.2, abs=0.15) and log.mean() == pytest.approx(3, abs=0.25)


def test_pruning_only_prunes_at_random() -> None:
    for layer in ("fc1", "fc2"):
        for old, new in pairwise(m[layer] for m in masks_of("pruning-only")):
            assert not (new & ~old).any()
            assert old.sum() - new.sum() == round(0.04 * int(old.sum()))
    k, _, lost = of_second("pruning-only")
    assert pooled_exponent(k, lost, k) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("layer", [0, 1])
def test_the_poor_become_dormant_where_decay_is_said_to_hold(layer: int) -> None:
    for name, truth in catalogue.TRUTHS.items():
        if name in (*STATIC, "barabasi-albert", "pruning-only"):
            continue
        died = 0
        for seed in range(3):
            begin, end = (rewire.degrees(masks_of(name, seed)[i])[layer] for i in (0, -1))
            poor = begin <= np.sort(begin)[len(begin) // 4]
            died += int(((begin >= 10) & (end < 10) & poor).sum())
        assert (died > 5) if truth.decay.holds == "holds" else (died == 0), (name, died)


# -- the parts --------------------------------------------------------------------------------


def test_places_are_drawn_by_the_weights_of_both_ends() -> None:
    mask = np.array([[True, False, False], [False, False, True]])
    rows, columns = np.array([1.0, 3.0]), np.array([1.0, 2.0, 0.0])
    rng = np.random.default_rng(0)
    drawn = [int(rewire.draw_places(mask, 1, rows, columns, rng)[0]) for _ in range(4000)]
    seen = np.bincount(drawn, minlength=6)
    weight = np.outer(rows, columns).reshape(-1) * ~mask.reshape(-1)
    assert seen[weight == 0].sum() == 0
    expected = 4000 * weight[weight > 0] / weight.sum()
    assert chisquare(seen[weight > 0], expected).pvalue > 1e-3
    drawn = [int(rewire.draw_edges(mask, 1, rows, np.ones(3), rng)[0]) for _ in range(4000)]
    assert np.mean(np.array(drawn) == 5) == pytest.approx(0.75, abs=0.03)


def test_no_place_is_drawn_twice_and_too_many_are_refused() -> None:
    rng = np.random.default_rng(0)
    mask = np.eye(4, dtype=bool)
    places = rewire.draw_places(mask, 12, np.ones(4), np.ones(4), rng)
    assert sorted(places) == sorted(np.flatnonzero(~mask))
    with pytest.raises(RuntimeError, match="1 of 13 edges find no free place"):
        rewire.draw_places(mask, 13, np.ones(4), np.ones(4), rng)


def test_masks_have_the_degrees_that_were_drawn() -> None:
    rng = np.random.default_rng(0)
    mask = margins.wire(np.array([3, 1, 2]), np.array([2, 2, 1, 1]), rng)
    assert mask.sum(1).tolist() == [3, 1, 2] and mask.sum(0).tolist() == [2, 2, 1, 1]
    assert margins.wire(np.array([3, 3, 0]), np.array([3, 1, 1, 1]), rng) is None
    drawn: dict[int, np.ndarray] = {}

    def draw(layer: int, n: int, high: int) -> np.ndarray:
        drawn[layer] = margins.draw_power_law(2.0, (40, 20)[layer], high, n, rng)
        return drawn[layer]

    made = rewire.degrees(margins.masks_of_degrees(SMALL, draw, rng))
    assert np.array_equal(made[0], drawn[0]) and np.array_equal(made[1], drawn[1])
