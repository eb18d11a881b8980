"""Attachment kernels: those that were put into a rewiring must come out again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import t as student

from topolab.errors import AnalysisError
from topolab.metrics.attachment import (
    bins,
    block_weights,
    exposure,
    fit_kernel,
    fit_slope,
)


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


# -- every number of a slope, computed plainly -----------------------------------------------------


def plain_slope(
    events: np.ndarray, exposed: np.ndarray, replicates: int, seed: int
) -> dict[str, float]:
    """fit_slope by loops, root finding and scipy's Student distribution."""
    steps, size = events.shape
    logs = [math.log(max(k, 1)) for k in range(size)]

    def moments(t: int, gamma: float) -> tuple[float, float]:
        share = [exposed[t, k] * max(k, 1) ** gamma for k in range(size)]
        if not sum(share):
            return 0.0, 0.0
        mean = sum(p * x for p, x in zip(share, logs, strict=True)) / sum(share)
        square = sum(p * (x - mean) ** 2 for p, x in zip(share, logs, strict=True)) / sum(share)
        return mean, square

    def best(weights: list[int]) -> float:
        def score(gamma: float) -> float:
            return sum(
                w * (events[t] @ logs - events[t].sum() * moments(t, gamma)[0])
                for t, w in enumerate(weights)
            )

        return float(brentq(score, -20, 20, xtol=1e-12))

    def information(gamma: float) -> float:
        return sum(events[t].sum() * moments(t, gamma)[1] for t in range(steps))

    block = next(b for b in range(1, steps + 1) if b**3 >= steps)
    begin = np.random.default_rng(seed).integers(0, steps, (replicates, -(-steps // block)))
    drawn = []
    for row in begin:
        chosen = [(b + i) % steps for b in row for i in range(block)][:steps]
        drawn.append(best([chosen.count(t) for t in range(steps)]))
    gamma = best([1] * steps)
    by_likelihood, null_error = (1 / math.sqrt(information(g)) for g in (gamma, 0.0))
    error = max(float(np.std(drawn, ddof=1)), by_likelihood)
    freedom = max(1.0, steps / block - 1)
    t = gamma / max(error, null_error)
    half = student.ppf(0.975, freedom) * error
    return {
        "gamma": gamma, "low": gamma - half, "high": gamma + half, "standard_error": error,
        "null_error": null_error, "p_positive": student.sf(t, freedom),
        "p_negative": student.cdf(t, freedom),
        "by_bootstrap": float(np.std(drawn, ddof=1)), "by_likelihood": by_likelihood,
    }  # fmt: skip


def drifting(steps: int, gamma: float, swing: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Events of a slope that is steeper in the first half; step 2 has no exposure."""
    rng = np.random.default_rng(seed)
    exposed = rng.integers(0, 40, (steps, 6)).astype(float)
    exposed[2] = 0
    power = gamma + swing * (np.arange(steps) < steps // 2)
    events = rng.poisson(exposed * np.maximum(np.arange(6), 1) ** power[:, None] / 10).astype(float)
    return events, exposed


@pytest.mark.parametrize(
    ("steps", "gamma", "swing"),
    [(30, 0.5, 0.0), (30, -0.8, 1.5), (27, 0.3, 0.0), (8, 2.0, 0.0), (5, 0.4, 0.6)],
)
def test_a_slope_by_loops(steps: int, gamma: float, swing: float) -> None:
    events, exposed = drifting(steps, gamma, swing)
    plain = plain_slope(events, exposed, 12, 5)
    slope = fit_slope(events, exposed, replicates=12, seed=5)
    for name, value in plain.items():
        if not name.startswith("by_"):
            assert getattr(slope, name) == pytest.approx(value, rel=1e-6, abs=1e-9), name
    assert slope.events == events.sum() and slope.reason == ""


def test_p_of_a_slope_takes_the_larger_error() -> None:
    """Each of the three errors is the largest in one of three cases, and p follows it."""
    largest = set()
    # At degree 1 nearly all neurons: chance tells little, and a slope tells more of itself.
    exposed = np.array([[0, 900, 0, 0, 0, 0, 0, 0, 0, 10.0]] * 10)
    for events, rooms in (
        (exposed * np.arange(10) ** 2.0, exposed),
        (exposed[:, ::-1] * 0 + np.array([0, 90, 0, 0, 0, 0, 0, 0, 0, 90.0]), exposed[:, :] * 0
         + np.array([0, 100, 0, 0, 0, 0, 0, 0, 0, 100.0])),
        drifting(30, 0.2, 2.0),
        (np.array([[0, 1, 40.0]] * 10), np.array([[0, 20, 20.0]] * 10)),
    ):  # fmt: skip
        plain = plain_slope(events, rooms, 20, 0)
        slope = fit_slope(events, rooms, replicates=20)
        errors = {n: plain[n] for n in ("by_bootstrap", "by_likelihood", "null_error")}
        largest.add(max(errors, key=lambda n: errors[n]))
        assert slope.standard_error == pytest.approx(
            max(plain["by_bootstrap"], plain["by_likelihood"]), rel=1e-6
        )
        freedom = len(events) / (4 if len(events) == 30 else 3) - 1
        t = slope.gamma / max(errors.values())
        assert slope.p_positive == pytest.approx(student.sf(t, freedom), rel=1e-6, abs=1e-12)
        assert slope.p_negative == pytest.approx(student.sf(-t, freedom), rel=1e-6, abs=1e-12)
    assert largest == {"by_bootstrap", "by_likelihood", "null_error"}


def test_few_steps_have_few_degrees_of_freedom() -> None:
    """Five steps are 2.5 blocks of two; the interval is Student's with 1.5 degrees of freedom."""
    slope = fit_slope(*drifting(5, 0.4, 0.6))
    assert (slope.high - slope.gamma) / slope.standard_error == pytest.approx(
        student.ppf(0.975, 1.5)
    )
    events, exposed = drifting(5, 0.4, 0.6)
    assert math.isnan(fit_slope(events[:4], exposed[:4]).low)
    assert "five updates" in fit_slope(events[:4], exposed[:4]).reason
    for replicates, known in ((1, False), (2, True), (3, True)):
        assert math.isfinite(fit_slope(events, exposed, replicates=replicates).low) == known
    short = fit_slope(events[:4], exposed[:4])
    assert math.isnan(short.p_positive) and math.isnan(short.standard_error)
    assert math.isfinite(short.null_error)


def test_ten_events_are_enough_for_a_slope() -> None:
    assert math.isfinite(fit_slope([[0, 5.0, 5]], [[0, 5.0, 5]]).gamma)
    assert fit_slope([[0, 5.0, 4]], [[0, 5.0, 5]]).reason == "9 events are fewer than ten"
    assert fit_slope([[0, 5.0, 4]], [[0, 5.0, 5]]).events == 9
    assert isinstance(fit_slope([[0, 5.0, 5]], [[0, 5.0, 5]]).events, int)


@pytest.mark.parametrize("gamma", [-40.0, -15.0, 15.0, 40.0])
def test_steep_slopes_stay_finite(gamma: float) -> None:
    """k^40 of degree 900 is beyond a float; only ratios matter."""
    exposed = np.zeros((6, 1000))
    exposed[:, [898, 899, 900]] = 1e6
    share = (np.arange(1, 1001) / 900) ** gamma
    events = exposed * np.append(0, share[:-1]) / 100
    slope = fit_slope(events, exposed, replicates=5)
    assert slope.gamma == pytest.approx(gamma, rel=1e-6) and math.isfinite(slope.low)


# -- bins, blocks, kernels -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per_degree", "size", "options", "first"),
    [
        # Edges of ratio 2: 0, 2, 4, 8, 16; degree 0 counts as 1.
        (30.0, 20, {"ratio": 2.0}, [0, 2, 4, 8, 16]),
        (12.5, 4, {"ratio": 2.0}, [0, 2]),
        (12.0, 4, {"ratio": 2.0}, [0]),
        (10.0, 8, {"ratio": 1.5}, [0, 3]),
        (10.0, 20, {"ratio": 2.0, "least": 60.0}, [0, 8]),
        (1.0, 9, {"ratio": 2.0}, [0]),
        # 1.25: 0, 2, 3, 4, 5, 7, 9, 12, 15, 19, 24.
        (25.0, 24, {}, [0, 2, 3, 4, 5, 7, 9, 12, 15, 19]),
        (30.0, 1, {}, [0]),
    ],
)
def test_bins_by_hand(
    per_degree: float, size: int, options: dict[str, float], first: list[int]
) -> None:
    found = bins(np.full((1, size), per_degree), np.ones((1, size)), **options)
    assert found.tolist() == first and found.dtype == np.int64


def test_a_last_bin_of_few_events_joins_the_one_before() -> None:
    events = np.array([[30.0, 30, 30, 10]])
    assert bins(events, events, ratio=1.01).tolist() == [0, 2]
    assert bins(events[:, 1:], events[:, 1:], ratio=1.01).tolist() == [0]
    events[0, 3] = 25
    assert bins(events, events, ratio=1.01).tolist() == [0, 2, 3]


def test_blocks_by_hand() -> None:
    """Circular: a block that begins at the last step goes on at the first."""
    for steps, length in ((7, 3), (8, None), (9, None), (27, None), (28, None)):
        block = length or next(b for b in range(1, steps) if b**3 >= steps)
        begin = np.random.default_rng(3).integers(0, steps, (20, -(-steps // block)))
        weights = block_weights(steps, 20, np.random.default_rng(3), length)
        for row, made in zip(begin, weights, strict=True):
            chosen = [(b + i) % steps for b in row for i in range(block)][:steps]
            assert made.tolist() == [chosen.count(t) for t in range(steps)]


def test_the_ends_and_means_of_bins() -> None:
    events = np.array([[5, 4, 6, 1, 4.0], [3, 2, 0, 0, 5]])
    exposed = np.array([[10, 10, 20, 40, 20.0], [5, 5, 0, 10, 20]])
    kernel = fit_kernel(events, exposed, starts=[0, 2, 3])
    assert kernel.low.tolist() == [0, 2, 3] and kernel.high.tolist() == [1, 2, 4]
    assert kernel.events.tolist() == [14, 6, 10]
    chance = 20 * exposed[0] / 100 + 10 * exposed[1] / 40
    assert kernel.expected == pytest.approx([chance[:2].sum(), chance[2], chance[3:].sum()])
    assert kernel.mean_degree == pytest.approx(
        [chance[1] / chance[:2].sum(), 2, (3 * chance[3] + 4 * chance[4]) / chance[3:].sum()]
    )
    assert np.isnan(kernel.value_low).all() and np.isnan(kernel.value_high).all()


def test_intervals_of_a_kernel_are_quantiles_over_blocks() -> None:
    """Each replicate is the kernel of the steps that were drawn, as often as they were."""
    events, exposed = drifting(9, 0.5, 1.0)
    kernel = fit_kernel(events, exposed, starts=[0, 2, 4], replicates=15, seed=6)
    drawn = []
    for weights in block_weights(9, 15, np.random.default_rng(6)).astype(int):
        chosen = np.repeat(np.arange(9), weights)
        drawn.append(fit_kernel(events[chosen], exposed[chosen], starts=[0, 2, 4]).value)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    assert kernel.value_low == pytest.approx(low, rel=1e-6)
    assert kernel.value_high == pytest.approx(high, rel=1e-6)
    assert np.isnan(fit_kernel(events[:4], exposed[:4], starts=[0, 2]).value_low).all()
    assert np.isfinite(fit_kernel(events[:5], exposed[:5], starts=[0, 2]).value_low).all()
    for replicates, known in ((1, False), (2, True)):
        kernel = fit_kernel(events, exposed, starts=[0, 2], replicates=replicates)
        assert np.isfinite(kernel.value_low).all() == known


def test_a_bin_that_nothing_is_exposed_to_has_no_value() -> None:
    exposed = np.array([[10, 0, 0, 10.0]] * 6)
    kernel = fit_kernel(exposed, exposed, starts=[0, 1, 3])
    assert kernel.value[[0, 2]] == pytest.approx([1, 1]) and math.isnan(kernel.value[1])
    assert math.isnan(kernel.value_low[1]) and math.isnan(kernel.mean_degree[1])
    assert np.isfinite(kernel.value_low[[0, 2]]).all()
    # Exposed, and nothing happened: the kernel is 0 there, not unknown.
    kernel = fit_kernel([[8.0, 0]] * 6, [[10.0, 10]] * 6, starts=[0, 1])
    assert kernel.value == pytest.approx([2, 0])


@pytest.mark.parametrize(
    "starts", [[], [1, 2], [0, 2, 2], [0, 3, 1], [0, 4], [0, 1, 4], [0, 2, 1, 3]]
)
def test_bins_that_cannot_be(starts: list[int]) -> None:
    with pytest.raises(AnalysisError, match="bins must begin at 0, rise and end below 4"):
        fit_kernel(np.ones((1, 4)), np.ones((1, 4)), starts=starts)
    assert len(fit_kernel(np.ones((1, 4)), np.ones((1, 4)), starts=[0, 1, 3]).value) == 3


@pytest.mark.parametrize(
    ("degrees", "gained", "lost", "message"),
    [
        ([[1]], [[0]], [[0]], "one degree, gain and loss per neuron"),
        ([1, 2], [0], [0, 0], "one degree, gain and loss per neuron"),
        ([1, 2], [0, 0], [0], "one degree, gain and loss per neuron"),
        ([-1, 2], [0, 0], [0, 0], "degrees must be in 0 ... 4"),
        ([1, 2], [-1, 0], [0, 0], "gains and losses not below 0"),
        ([1, 2], [0, 0], [0, -1], "gains and losses not below 0"),
        ([1, 5], [0, 0], [0, 0], "degrees must be in 0 ... 4"),  # beyond the size asked for
        ([1, 2], [0, 0], [0, 3], "gained or lost more edges than it could"),
        ([1, 2], [0, 7], [0, 0], "gained or lost more edges than it could"),
    ],
)
def test_exposures_that_cannot_be(
    degrees: object, gained: object, lost: object, message: str
) -> None:
    with pytest.raises(AnalysisError, match=message):
        exposure(degrees, gained, lost, 8, 5)  # type: ignore[arg-type]


def test_exposures_at_their_limits() -> None:
    """Full neurons, one that loses all, one that fills up; and no neurons."""
    neurons, gains, losses = exposure([4, 4, 1, 0], [0, 0, 3, 4], [0, 4, 0, 0], 4, 5)
    assert neurons.tolist() == [1, 1, 0, 0, 2]
    assert gains.tolist() == [4, 3, 0, 0, 0] and losses.tolist() == [0, 0, 0, 0, 4]
    with pytest.raises(AnalysisError, match="room for 3"):
        exposure([4], [0], [0], 3, 5)
    assert [a.tolist() for a in exposure([], [], [], 4, 3)] == [[0, 0, 0]] * 3


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_events_and_exposure_are_finite_and_not_negative(bad: float) -> None:
    good = np.full((5, 4), 10.0)
    broken = good.copy()
    broken[2, 1] = bad
    for events, exposed in ((good, broken), (broken, good)):
        for fit in (fit_slope, fit_kernel):
            with pytest.raises(AnalysisError, match="not below 0"):
                fit(events, exposed)


def test_two_hundred_replicates_of_seed_0_unless_told() -> None:
    events, exposed = drifting(12, 0.4, 1.0)
    assert fit_slope(events, exposed) == fit_slope(events, exposed, replicates=200, seed=0)
    kernel = fit_kernel(events, exposed, starts=[0, 3])
    told = fit_kernel(events, exposed, starts=[0, 3], replicates=200, seed=0)
    assert kernel.value_low.tolist() == told.value_low.tolist()
    assert bins(events, exposed).tolist() == bins(events, exposed, ratio=1.25, least=25).tolist()


def test_only_ratios_of_exposure_matter() -> None:
    events, exposed = drifting(9, 0.5, 1.0)
    slope, kernel = fit_slope(events, exposed), fit_kernel(events, exposed, starts=[0, 2, 4])
    for factor in (1e-4, 1e4):
        scaled = fit_slope(events, exposed * factor)
        assert (scaled.gamma, scaled.low, scaled.null_error) == pytest.approx(
            (slope.gamma, slope.low, slope.null_error), rel=1e-9
        )
        other = fit_kernel(events, exposed * factor, starts=[0, 2, 4])
        assert other.value == pytest.approx(kernel.value, rel=1e-8)
        assert other.value_low == pytest.approx(kernel.value_low, rel=1e-8)
        assert other.expected == pytest.approx(kernel.expected)
