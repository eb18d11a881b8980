"""Kernels by bins of degree."""

from __future__ import annotations

import math

import numpy as np
import pytest
from planted_kernels import rewire

from topolab.errors import AnalysisError
from topolab.metrics.attachment import bins, block_weights, fit_kernel


@pytest.mark.parametrize("drop", [0.1, 0.5])
@pytest.mark.parametrize(("gain", "loss"), [(0.0, 0.0), (1.0, 0.0), (0.5, -0.5), (1.0, -1.0)])
def test_kernels_are_recovered(gain: float, loss: float, drop: float) -> None:
    """Uniform, linear and sublinear, however much an update moves."""
    made = rewire(np.random.default_rng(1), gain, loss, drop=drop)
    for events, places, truth in ((made.gained, made.room, gain), (made.lost, made.edges, loss)):
        kernel = fit_kernel(events, places)
        expected = np.maximum(kernel.mean_degree, 1) ** truth
        # At the highest hazards every place may be taken, and the kernel has no value there.
        known = (kernel.events > 200) & (kernel.expected > 200) & np.isfinite(kernel.value)
        by_chance = kernel.expected[known]
        expected *= (kernel.value[known] * by_chance).sum() / (expected[known] * by_chance).sum()
        assert known.sum() >= 5
        assert kernel.value[known] == pytest.approx(expected[known], rel=0.15)
        inside = (kernel.value_low <= expected) & (expected <= kernel.value_high)
        assert inside[known].mean() >= 0.6


def likelihood(events: np.ndarray, places: np.ndarray, value: np.ndarray) -> float:
    """Of draws without repeats, every row's tau at its best."""
    best = 0.0
    for e, p in zip(events, places, strict=True):
        taus = np.exp(np.linspace(-8, 4, 4001))[:, None]
        hazard = taus * value
        with np.errstate(divide="ignore", invalid="ignore"):
            rows = np.where(e > 0, e * np.log(1 - np.exp(-hazard)), 0) - (p - e) * hazard
        best += float(rows.sum(1).max())
    return best


def test_the_kernel_maximises_the_likelihood() -> None:
    rng = np.random.default_rng(3)
    places = rng.integers(20, 80, (8, 6))
    hazard = rng.uniform(0.1, 0.5, 8)[:, None] * [1, 2, 3, 1, 0.5, 4]
    events = rng.binomial(places, 1 - np.exp(-hazard))
    kernel = fit_kernel(events, places, starts=np.arange(6))
    best = likelihood(events, places, kernel.value)
    for i in range(6):
        for factor in (0.95, 1.05):
            other = kernel.value.copy()
            other[i] *= factor
            assert likelihood(events, places, other) < best
    chance = events.sum(1, keepdims=True) * places / places.sum(1, keepdims=True)
    assert kernel.expected == pytest.approx(chance.sum(0))
    assert (kernel.value * kernel.expected).sum() == pytest.approx(kernel.expected.sum())
    # The fit is one of hazards: shares of what was taken are nearer to each other.
    taken = events.sum(0) / places.sum(0)
    assert kernel.value.max() / kernel.value.min() > 1.3 * taken.max() / taken.min()


def test_the_ends_and_means_of_bins() -> None:
    events = np.array([[5, 4, 6, 1, 4.0], [3, 2, 0, 0, 5]])
    places = np.array([[10, 10, 20, 40, 20.0], [5, 5, 0, 10, 20]])
    kernel = fit_kernel(events, places, starts=[0, 2, 3])
    assert kernel.low.tolist() == [0, 2, 3] and kernel.high.tolist() == [1, 2, 4]
    assert kernel.events.tolist() == [14, 6, 10]
    chance = 20 * places[0] / 100 + 10 * places[1] / 40
    assert kernel.expected == pytest.approx([chance[:2].sum(), chance[2], chance[3:].sum()])
    assert kernel.mean_degree == pytest.approx(
        [chance[1] / chance[:2].sum(), 2, (3 * chance[3] + 4 * chance[4]) / chance[3:].sum()]
    )
    assert np.isnan(kernel.value_low).all() and np.isnan(kernel.value_high).all()


def drawn(steps: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Many draws in each of three bins, by a hazard that is doubled in the first half."""
    rng = np.random.default_rng(seed)
    places = rng.integers(300, 600, (steps, 3))
    hazard = 0.3 * np.array([1.0, 2.0, 3.0]) ** (0.5 + (np.arange(steps) < steps // 2)[:, None])
    return rng.binomial(places, 1 - np.exp(-hazard)).astype(float), places.astype(float)


def test_intervals_of_a_kernel_are_quantiles_over_blocks() -> None:
    """A Newton step is near the kernel of the steps that were drawn, as often as they were."""
    events, places = drawn(9)
    starts = [0, 1, 2]
    kernel = fit_kernel(events, places, starts=starts, replicates=200, seed=6)
    refitted = []
    for weights in block_weights(9, 200, np.random.default_rng(6)).astype(int):
        chosen = np.repeat(np.arange(9), weights)
        refitted.append(fit_kernel(events[chosen], places[chosen], starts=starts).value)
    low, high = np.quantile(refitted, [0.025, 0.975], axis=0)
    assert kernel.value_low == pytest.approx(low, rel=0.05)
    assert kernel.value_high == pytest.approx(high, rel=0.05)
    widths = kernel.value_high - kernel.value_low
    assert widths == pytest.approx(high - low, rel=0.1)
    assert (kernel.value_low < kernel.value).all() and (kernel.value < kernel.value_high).all()
    assert np.isnan(fit_kernel(events[:4], places[:4], starts=starts).value_low).all()
    assert np.isfinite(fit_kernel(events[:5], places[:5], starts=starts).value_low).all()
    for replicates, known in ((1, False), (2, True)):
        kernel = fit_kernel(events, places, starts=starts, replicates=replicates)
        assert np.isfinite(kernel.value_low).all() == known


def test_rows_of_one_update_stay_together() -> None:
    events, places = drawn(10)
    apart = fit_kernel(events, places, starts=[0, 1, 2], seed=3)
    update = np.repeat(np.arange(10), 2)
    half = np.floor(events / 2)
    both = fit_kernel(
        np.stack([half, events - half], 1).reshape(20, 3),
        np.stack([places / 2, places / 2], 1).reshape(20, 3),
        update=update, starts=[0, 1, 2], seed=3,
    )  # fmt: skip
    assert both.value == pytest.approx(apart.value, rel=1e-2)
    assert both.value_low == pytest.approx(apart.value_low, rel=2e-2)
    assert both.value_high == pytest.approx(apart.value_high, rel=2e-2)
    assert np.isnan(fit_kernel(events[:8], places[:8], update=np.arange(8) // 2).value_low).all()


def test_a_bin_without_places_has_no_value() -> None:
    places = np.array([[20, 0, 0, 20.0]] * 6)
    kernel = fit_kernel(places / 2, places, starts=[0, 1, 3])
    assert kernel.value[[0, 2]] == pytest.approx([1, 1]) and math.isnan(kernel.value[1])
    assert math.isnan(kernel.value_low[1]) and math.isnan(kernel.mean_degree[1])
    assert np.isfinite(kernel.value_low[[0, 2]]).all()


def test_a_bin_in_which_nothing_happened_is_0_and_not_beyond_what_chance_allows() -> None:
    kernel = fit_kernel([[8.0, 0, 2]] * 6, [[10.0, 10, 10]] * 6, starts=[0, 1, 2])
    assert kernel.value[1] == 0 and kernel.value_low[1] == 0
    # With a Poisson number of 3.69 on average none is seen in one case of forty.
    assert kernel.expected[1] == pytest.approx(20)
    assert math.exp(-kernel.value_high[1] * kernel.expected[1]) == pytest.approx(0.025)
    ratio = math.log(1 - 0.8) / math.log(1 - 0.2)
    assert kernel.value[0] / kernel.value[2] == pytest.approx(ratio)


def test_a_bin_of_which_all_was_taken_has_no_value() -> None:
    kernel = fit_kernel([[10.0, 5, 2]] * 6, [[10.0, 10, 10]] * 6, starts=[0, 1, 2])
    assert math.isnan(kernel.value[0]) and np.isfinite(kernel.value[1:]).all()
    full = np.full((6, 3), 10.0)
    assert np.isnan(fit_kernel(full, full, starts=[0, 1, 2]).value).all()


@pytest.mark.parametrize(
    "starts", [[], [1, 2], [0, 2, 2], [0, 3, 1], [0, 4], [0, 1, 4], [0, 2, 1, 3]]
)
def test_bins_that_cannot_be(starts: list[int]) -> None:
    places = np.full((1, 4), 2.0)
    with pytest.raises(AnalysisError, match="bins must begin at 0, rise and end below 4"):
        fit_kernel(places / 2, places, starts=starts)
    assert len(fit_kernel(places / 2, places, starts=[0, 1, 3]).value) == 3


def test_no_events_no_bins() -> None:
    assert len(fit_kernel(np.zeros((4, 5)), np.ones((4, 5))).value) == 0


def test_two_hundred_replicates_of_seed_0_and_bins_of_25_unless_told() -> None:
    events, places = drawn(12)
    kernel = fit_kernel(events, places, starts=[0, 2])
    told = fit_kernel(events, places, starts=[0, 2], replicates=200, seed=0)
    assert kernel.value_low.tolist() == told.value_low.tolist()
    assert bins(events, places).tolist() == bins(events, places, ratio=1.25, least=25).tolist()
    assert fit_kernel(events, places).low.tolist() == bins(events, places).tolist()


def test_rows_without_a_draw_say_nothing() -> None:
    events, places = drawn(8)
    more = fit_kernel(
        np.vstack([events, 0 * events[:2]]), np.vstack([places, places[:2]]), starts=[0, 1, 2]
    )
    assert more.value == pytest.approx(fit_kernel(events, places, starts=[0, 1, 2]).value)
    few = fit_kernel([[1.0, 0], [0, 1]], [[9.0, 9], [9, 9]], starts=[0, 1])
    assert few.value == pytest.approx([1, 1])
