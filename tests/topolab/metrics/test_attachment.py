"""Attachment kernels: those that were put into a rewiring must come out again."""

from __future__ import annotations

import math

import numpy as np
import pytest

from topolab.errors import AnalysisError
from topolab.metrics.attachment import (
    bins,
    block_weights,
    exposure,
    fit_kernel,
    fit_slope,
)
from topolab.metrics.nulls import random_rewiring


def rewire(
    rng: np.random.Generator, gain: float, loss: float, *, steps: int = 60, turnover: int = 300
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A mask of 200 x 150 that drops and grows edges by k^loss and k^gain, edge by edge.

    Returns events gained and lost, and exposures to gain, to loss, and neurons; all (T, K).
    """
    n, c = 200, 150
    mask = rng.random((n, c)) < np.linspace(0.02, 0.3, n)[:, None]
    size = c + 1
    gained, lost, room, held, neurons = (np.zeros((steps, size)) for _ in range(5))
    for t in range(steps):
        k = mask.sum(1)
        weight = np.maximum(k, 1.0)
        # Gumbel's trick: the largest of log weight + noise are a weighted draw without repeats.
        noise = rng.gumbel(size=(n, c))
        drop = np.where(mask, loss * np.log(weight)[:, None] + noise, -np.inf)
        grow = np.where(mask, -np.inf, gain * np.log(weight)[:, None] + noise)
        before = mask.copy()
        mask.reshape(-1)[np.argpartition(-drop, turnover, axis=None)[:turnover]] = False
        mask.reshape(-1)[np.argpartition(-grow, turnover, axis=None)[:turnover]] = True
        neurons[t], gained[t], lost[t] = exposure(
            k, (mask & ~before).sum(1), (before & ~mask).sum(1), c, size
        )
        room[t] = neurons[t] * (c - np.arange(size))
        held[t] = neurons[t] * np.arange(size)
    return gained, lost, room, held, neurons


@pytest.mark.parametrize(("gain", "loss"), [(0.0, 0.0), (1.0, 0.0), (0.5, -0.5), (1.0, 1.0)])
def test_kernels_are_recovered(gain: float, loss: float) -> None:
    """Uniform, linear and sublinear; each exponent within its own interval, widened a little."""
    gained, lost, room, held, _ = rewire(np.random.default_rng(1), gain, loss)
    for events, exposed, truth in ((gained, room, gain), (lost, held, loss)):
        slope = fit_slope(events, exposed)
        assert slope.gamma == pytest.approx(truth, abs=0.05)
        half = (slope.high - slope.low) / 2
        assert abs(slope.gamma - truth) < 2 * half
        assert (slope.p_positive < 0.001) == (truth > 0)
        assert (slope.p_negative < 0.001) == (truth < 0)
        kernel = fit_kernel(events, exposed)
        expected = np.maximum(kernel.mean_degree, 1) ** truth
        expected *= (kernel.value * kernel.expected).sum() / (expected * kernel.expected).sum()
        known = (kernel.events > 200) & (kernel.expected > 200)
        assert known.sum() >= 5
        assert kernel.value[known] == pytest.approx(expected[known], rel=0.2)
        inside = (kernel.value_low <= expected) & (expected <= kernel.value_high)
        assert inside[known].mean() >= 0.6


def test_the_interval_covers_the_truth_and_the_null_its_slope() -> None:
    """100 rewirings at random: about 95 % within each interval."""
    inside = within = 0
    for seed in range(100):
        gained, _, room, _, _ = rewire(
            np.random.default_rng(seed), 0.0, 0.0, steps=30, turnover=150
        )
        slope = fit_slope(gained, room)
        inside += slope.low <= 0 <= slope.high
        within += abs(slope.gamma) < 1.96 * slope.null_error
    assert inside >= 90 and 88 <= within <= 99


def test_the_kernel_maximises_the_likelihood() -> None:
    rng = np.random.default_rng(3)
    exposed = rng.integers(1, 50, (8, 6)).astype(float)
    events = rng.poisson(exposed * [1, 2, 3, 1, 0.5, 4]).astype(float)
    kernel = fit_kernel(events, exposed, starts=np.arange(6))

    def likelihood(a: np.ndarray) -> float:
        share = exposed * a / (exposed @ a)[:, None]
        return float((events * np.log(share)).sum())

    best = likelihood(kernel.value)
    for i in range(6):
        for factor in (0.99, 1.01):
            other = kernel.value.copy()
            other[i] *= factor
            assert likelihood(other) < best
    chance = events.sum(1, keepdims=True) * exposed / exposed.sum(1, keepdims=True)
    assert kernel.expected == pytest.approx(chance.sum(0))
    assert (kernel.value * kernel.expected).sum() == pytest.approx(kernel.expected.sum())


def test_the_rate_of_linear_attachment_is_one() -> None:
    """(c - k) a(k) = k: a neuron's whole rate, with the number of neurons as exposure."""
    rng = np.random.default_rng(4)
    neurons = np.zeros((20, 61))
    neurons[:, 1:] = rng.integers(0, 30, (20, 60))
    p = neurons * np.arange(61)
    events = np.array([rng.multinomial(2000, row / row.sum()) for row in p]).astype(float)
    assert fit_slope(events, neurons).gamma == pytest.approx(1, abs=0.03)


def test_bins_hold_enough_and_cover_all() -> None:
    events = np.zeros((3, 100))
    events[:, :40] = 5.0
    exposed = np.ones((3, 100))
    first = bins(events, exposed)
    assert first[0] == 0 and (np.diff(first) > 0).all()
    per = events.sum() / 100
    assert (np.diff(np.append(first, 100)) * per >= 25).all()


def test_blocks_are_drawn_whole() -> None:
    weights = block_weights(10, 500, np.random.default_rng(0), length=5)
    assert (weights.sum(1) == 10).all()
    assert weights.mean(0) == pytest.approx(1, abs=0.15)
    alone = (weights[:, 1:-1] > 0) & (weights[:, :-2] == 0) & (weights[:, 2:] == 0)
    assert not alone.any()


def test_too_little_has_a_reason() -> None:
    none = np.zeros((4, 5))
    slope = fit_slope(none, np.ones((4, 5)))
    assert math.isnan(slope.gamma) and "fewer than ten" in slope.reason
    assert len(fit_kernel(none, np.ones((4, 5))).value) == 0
    one = np.zeros((4, 5))
    one[:, 2] = 10
    assert "same degree" in fit_slope(one, one).reason
    short = fit_slope([[20, 30, 40.0]], [[10, 10, 10.0]])
    assert math.isfinite(short.gamma) and math.isnan(short.low) and "five updates" in short.reason
    edge = np.zeros((6, 4))
    edge[:, 3] = 20
    assert "no finite exponent" in fit_slope(edge, np.ones((6, 4))).reason
    for events, exposed in (
        ([[1.0]], [[0.0]]),
        ([1.0], [1.0]),
        ([[-1.0]], [[1.0]]),
        ([[1.0, 2.0]], [[1.0]]),
    ):
        with pytest.raises(AnalysisError):
            fit_slope(events, exposed)
    with pytest.raises(AnalysisError):
        exposure([3], [2], [0], 4, 5)
    with pytest.raises(AnalysisError):
        exposure([3], [0], [4], 4, 5)


def test_random_rewiring_is_hypergeometric() -> None:
    """One update from a known start: means and variances of the exact law."""
    start = np.array([10, 0, 5, 20, 5])
    after = random_rewiring(start, 25, [12], [12], replicates=20_000, seed=1)
    assert (after.sum(1) == 40).all() and after.min() >= 0 and after.max() <= 25
    lost, free = 12 / 40, 12 / (5 * 25 - 40)
    mean = start * (1 - lost) + (25 - start) * free
    assert after.mean(0) == pytest.approx(mean, abs=0.05)

    def variance(part: np.ndarray, total: int) -> np.ndarray:
        p = part / total
        return 12 * p * (1 - p) * (total - 12) / (total - 1)

    expected = variance(start, 40) + variance(25 - start, 85)
    assert after.var(0) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(("lost", "gained"), [(5, 0), (0, 5), (7, 3), (3, 7), (3, 6), (40, 85)])
def test_random_rewiring_keeps_count(lost: int, gained: int) -> None:
    after = random_rewiring([10, 0, 5, 20, 5], 25, [lost, 1], [gained, 1], replicates=50)
    assert (after.sum(1) == 40 - lost + gained).all()
    assert after.min() >= 0 and after.max() <= 25
    assert len({tuple(row) for row in after}) > 1 or lost == 40
