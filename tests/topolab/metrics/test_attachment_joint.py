"""Degree and fitness told apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from planted_kernels import Grown, grow_by_fitness, grow_in_little_room
from scipy.optimize import minimize
from scipy.stats import nbinom
from scipy.stats import t as student

from topolab.errors import AnalysisError
from topolab.metrics.attachment import Joint, fit_joint, fit_slope

N = 300


def drawn_fitness(kind: str, rng: np.random.Generator) -> np.ndarray:
    return {
        "none": np.ones(N),
        "uniform": rng.uniform(0.4, 1.6, N),
        "lognormal": rng.lognormal(0, 0.5, N),
        "two values": np.where(rng.random(N) < 0.9, 0.8, 2.8),
    }[kind]


def fit(made: Grown, *, within: bool) -> Joint:
    return fit_joint(made.degree, made.gained, made.places, within=within)


def pooled(made: Grown) -> float:
    """The exponent that takes fitness for attachment."""
    size = made.degree.max() + 1
    events, places = np.zeros((2, len(made.degree), size))
    for t, k in enumerate(made.degree):
        events[t] = np.bincount(k, made.gained[t], size)
        places[t] = np.bincount(k, made.places[t], size)
    return fit_slope(events, places).gamma


@pytest.mark.parametrize("kind", ["uniform", "lognormal", "two values"])
@pytest.mark.parametrize("unseen", [0, 40])
def test_fitness_is_not_called_attachment(kind: str, unseen: int) -> None:
    """Also where the first degrees that were recorded are what fitness has made of them."""
    found, errors, naive, spread = [], [], [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        made = grow_by_fitness(rng, drawn_fitness(kind, rng), 0.0, unseen=unseen)
        naive.append(pooled(made))
        joint = fit(made, within=True)
        found.append(joint.gamma)
        errors.append(joint.standard_error)
        spread.append(joint.spread)
    assert min(naive) > 0.7
    assert np.mean(found) < 0.1 and np.mean(found) > -0.15
    assert max(errors) < 0.12 and min(spread) > 0.05


@pytest.mark.parametrize("kind", ["none", "uniform"])
@pytest.mark.parametrize("within", [False, True])
def test_attachment_is_found_at_any_fitness(kind: str, within: bool) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        fitness = rng.uniform(0.8, 1.2, N) if kind == "uniform" else np.ones(N)
        made = grow_by_fitness(rng, fitness, 1.0, updates=20)
        joint = fit(made, within=within)
        assert joint.gamma == pytest.approx(1, abs=0.15)
        assert joint.p_above(0.3) < 1e-6
        assert (joint.spread > 0.08) == (kind == "uniform")


@pytest.mark.parametrize("within", [False, True])
def test_intervals_cover_what_was_planted(within: bool) -> None:
    inside = sum(
        joint.low <= 0.5 <= joint.high
        for joint in (
            fit(grow_by_fitness(np.random.default_rng(s), np.ones(N), 0.5, updates=15),
                within=within)
            for s in range(100, 140)
        )
    )  # fmt: skip
    assert inside >= 35


@pytest.mark.parametrize(("exponent", "low", "high"), [(1.0, 0.7, 1.1), (0.0, -0.2, 0.1)])
def test_noise_that_multiplies_is_no_fitness(exponent: float, low: float, high: float) -> None:
    """Sigma 1, new in every update. Counted as Poisson, a planted 1 would read 0.3 and a 0 -0.6."""
    for seed in range(4):
        made = grow_by_fitness(np.random.default_rng(seed), np.ones(N), exponent, noise=1.0)
        for within in (False, True):
            joint = fit(made, within=within)
            assert low < joint.gamma < high
            assert joint.dispersion > 3 and joint.spread < 0.25


def test_noise_and_fitness_together_are_no_attachment() -> None:
    for unseen in (0, 40):
        found = []
        for seed in range(6):
            rng = np.random.default_rng(seed)
            made = grow_by_fitness(rng, rng.uniform(0.4, 1.6, N), 0.0, noise=1.0, unseen=unseen)
            found.append(fit(made, within=True))
        assert abs(np.mean([joint.gamma for joint in found])) < 0.1
        assert min(joint.p_above(0.1) for joint in found) > 0.01


def test_draws_by_weight_have_a_dispersion_of_one() -> None:
    rng = np.random.default_rng(0)
    for exponent in (0.0, 1.0):
        made = grow_by_fitness(rng, rng.uniform(0.6, 1.4, N), exponent, updates=15)
        assert fit(made, within=True).dispersion == pytest.approx(1, abs=0.06)


def test_a_fitness_that_drifts_has_a_memory() -> None:
    """It is taken for an effect of degree, but what is gained beyond that goes on."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        drifts = fit(grow_by_fitness(rng, np.ones(N), 0.0, noise=0.4, lasts=0.95), within=True)
        assert drifts.gamma > 0.2 and drifts.memory > 0.05 and drifts.p_memory < 1e-6
        for noise, fitness in ((0.0, rng.uniform(0.4, 1.6, N)), (1.0, np.ones(N))):
            steady = fit(grow_by_fitness(rng, fitness, 0.0, noise=noise), within=True)
            assert abs(steady.memory) < 0.05 and steady.p_memory > 1e-3


def test_memory_and_its_error_by_hand() -> None:
    """From one neuron's row to the next: residuals are those of the fit, over its roots."""
    joint = Joint(0.5, 0.3, 0.7, 0.1, 0.2, 1.0, 0.0, math.nan, 25, 8, 900, "", 0.2, 0.1)
    assert joint.p_memory == pytest.approx(student.sf(2, 24))
    # Two updates with gains that swap: all that is beyond the fit is taken back.
    k = np.array([[10] * 20 + [20] * 20, [20] * 20 + [10] * 20])
    gains = np.array([[2, 8] * 20, [8, 2] * 20])
    swap = fit_joint(k, gains, 1e6 * np.ones((2, 40)), within=False)
    assert swap.memory == pytest.approx(-0.5, abs=0.01) and swap.p_memory > 0.99


@pytest.mark.parametrize(("capacity", "share"), [(240, 0.17), (120, 0.5)])
@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_room_that_is_used_up_does_not_bend_the_exponent(
    capacity: int, share: float, exponent: float
) -> None:
    """With room as at the start of an update a planted 1 would read 0.95 and 0.77."""
    found = []
    for seed in range(4):
        made = grow_in_little_room(np.random.default_rng(seed), capacity, exponent)
        assert made.gained.sum() / made.places.sum() == pytest.approx(share, abs=0.01)
        joint = fit(made, within=True)
        found.append(joint.gamma)
        assert joint.low - 0.05 < exponent < joint.high + 0.05
    assert np.mean(found) == pytest.approx(exponent, abs=0.06)


def test_errors_where_room_is_used_up() -> None:
    """The exponents of 30 runs scatter as much as their errors say."""
    fits = [
        fit(grow_in_little_room(np.random.default_rng(s), 120, 1.0, updates=10, n=150), within=True)
        for s in range(30)
    ]
    scatter = np.std([f.gamma for f in fits], ddof=1)
    assert 0.7 < scatter / np.mean([f.standard_error for f in fits]) < 1.4


def test_a_run_recorded_from_the_middle_on_needs_the_first_degrees() -> None:
    rng = np.random.default_rng(1)
    made = grow_by_fitness(rng, rng.uniform(0.4, 1.6, N), 0.0, unseen=60, updates=12)
    joint, within = fit(made, within=False), fit(made, within=True)
    assert joint.gamma > 0.5 and joint.start == 0 and math.isnan(joint.start_error)
    assert abs(within.gamma) < 0.2 and within.start > 0.5
    assert 0 < within.start_error < 0.3
    # Where all begin alike, first degrees say nothing and are left out.
    alike = Grown(*(a.copy() for a in (made.degree, made.gained, made.places)))
    alike.degree[0] = 50
    same = fit(alike, within=True)
    assert same.gamma == fit(alike, within=False).gamma and same.start == 0


# -- the likelihood, plainly -----------------------------------------------------------------------


def plain(k: np.ndarray, g: np.ndarray, r: np.ndarray, theta: np.ndarray, z: np.ndarray) -> float:
    """Negative binomial of a neuron's total, times a multinomial of where its gains fall."""
    gamma, log_s, beta, *log_tau = theta
    total = 0.0
    for i in range(k.shape[1]):
        mean = np.array([
            r[t, i] * math.exp(log_tau[t] + beta * z[i]) * k[t, i] ** gamma if k[t, i] else 0.0
            for t in range(len(k))
        ])  # fmt: skip
        gains = np.where(k[:, i] > 0, g[:, i], 0)
        s, expected, count = math.exp(log_s), mean.sum(), gains.sum()
        if not expected:
            continue
        total += nbinom.logpmf(count, s, s / (s + expected))
        some = gains > 0
        total += float((gains[some] * np.log(mean[some] / expected)).sum())
    return total


@pytest.mark.parametrize("within", [False, True])
def test_the_maximum_and_its_error_by_finite_differences(within: bool) -> None:
    """Neurons without edges at first, or ever, are among them."""
    rng = np.random.default_rng(3)
    made = grow_by_fitness(rng, rng.lognormal(0, 0.9, 40), 0.3, updates=4, start=9, capacity=60)
    # So much room that none of it is used up.
    k, g, r = made.degree.copy(), made.gained, made.places * 1e5
    k[0, :3] = 0
    k[:, 5] = 0
    joint = fit_joint(k, g, r, within=within)
    assert joint.dispersion == 1
    some = (k > 0).any(0)
    first = np.array([row[row > 0][0] if row.any() else 1 for row in k.T])
    z = np.where(some, np.log(first) - np.log(first[some]).mean(), 0)
    free = [0, 1, 2, *range(3, 7)] if within else [0, 1, *range(3, 7)]

    def fill(x: np.ndarray) -> np.ndarray:
        theta = np.zeros(7)
        theta[free] = x
        return theta

    start = np.zeros(len(free))
    start[1], start[-4:] = 0.5, -14
    best = minimize(lambda x: -plain(k, g, r, fill(x), z), start, method="BFGS",
                    options={"gtol": 1e-4}).x  # fmt: skip
    assert joint.gamma == pytest.approx(best[0], abs=1e-3)
    assert joint.spread == pytest.approx(math.exp(-best[1] / 2), abs=1e-3)
    assert joint.start == pytest.approx(best[2] if within else 0, abs=2e-3)
    assert joint.neurons == 39 and joint.updates == 4
    assert joint.events == g[k > 0].sum()

    # The sandwich: curvature and every neuron's own score, by differences.
    h, p = 1e-3, len(free)
    e = np.eye(p) * h

    def at(x: np.ndarray, i: int | None = None) -> float:
        part = slice(None) if i is None else [i]
        return plain(k[:, part], g[:, part], r[:, part], fill(x), z[part])

    bend = np.array([
        [(at(best + a + b) - at(best + a - b) - at(best - a + b) + at(best - a - b)) / (4 * h * h)
         for b in e] for a in e
    ])  # fmt: skip
    scores = np.array(
        [[(at(best + a, i) - at(best - a, i)) / (2 * h) for a in e] for i in np.flatnonzero(some)]
    )
    inverse = np.linalg.inv(-bend)
    sandwich = inverse @ scores.T @ scores @ inverse
    assert joint.standard_error == pytest.approx(math.sqrt(sandwich[0, 0]), rel=1e-2)
    if within:
        assert joint.start_error == pytest.approx(math.sqrt(sandwich[2, 2]), rel=1e-2)
    half = student.ppf(0.975, 38) * joint.standard_error
    assert (joint.low, joint.high) == pytest.approx((joint.gamma - half, joint.gamma + half))


def test_sides_have_times_of_their_own() -> None:
    """Twice the same side is one side; a side that draws more does not bend the exponent."""
    rng = np.random.default_rng(0)
    made = grow_by_fitness(rng, rng.uniform(0.6, 1.4, N), 0.5, updates=12)
    one = fit(made, within=True)
    few = rng.binomial(made.gained, np.linspace(0.1, 0.5, 12)[:, None])
    both = fit_joint(
        made.degree,
        np.stack([few, made.gained - few], 1),
        np.stack([made.places, made.places], 1),
    )
    assert both.gamma == pytest.approx(one.gamma, abs=1e-3)
    assert both.standard_error == pytest.approx(one.standard_error, rel=1e-2)
    assert both.spread == pytest.approx(one.spread, abs=1e-3)
    idle = fit_joint(
        made.degree,
        np.stack([made.gained, 0 * made.gained], 1),
        np.stack([made.places, made.places], 1),
    )
    assert idle.gamma == pytest.approx(one.gamma, abs=1e-6)


def test_p_of_a_limit() -> None:
    joint = Joint(0.5, 0.3, 0.7, 0.1, 0.2, 1.0, 0.0, math.nan, 25, 8, 900)
    assert joint.p_above(0.3) == pytest.approx(student.sf(2, 24))
    assert joint.p_below(0.3) == pytest.approx(student.cdf(2, 24))
    assert joint.p_above(0.5) == joint.p_below(0.5) == 0.5
    assert joint.p_below(0.6) == pytest.approx(student.cdf(-1, 24))


def test_where_nothing_can_be_said_there_is_a_reason() -> None:
    rng = np.random.default_rng(0)
    made = grow_by_fitness(rng, np.ones(30), 0.0, updates=6)
    k, g, r = made.degree, made.gained, made.places
    for found, reason in (
        (fit_joint(k[:1], g[:1], r[:1]), "fewer than two updates"),
        (fit_joint(k, 0 * g, r), "0 events are fewer than ten"),
        (fit_joint(0 * k, g, r), "0 events are fewer than ten"),
        (fit_joint(0 * k + 7, g, r), "same degree"),
        (fit_joint(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3))), "fewer than ten"),
        (fit_joint(np.tile(k[:1], (6, 1)), g, r), "hardly change within neurons"),
    ):
        assert math.isnan(found.gamma) and math.isnan(found.standard_error)
        assert math.isnan(found.spread) and reason in found.reason
    assert not fit_joint(np.tile(k[:1], (6, 1)), g, r, within=False).reason
    quiet = g.copy()
    quiet[2:] = 0
    assert fit_joint(k, quiet, r).updates == 2 and not fit_joint(k, quiet, r).reason
    quiet[1] = 0
    assert "fewer than two updates" in fit_joint(k, quiet, r).reason
    for wrong in ((k[0], g[0], r[0]), (k, g, r[:, 1:]), (k[1:], g, r), (k, -g, r), (k, g, g - 1)):
        with pytest.raises(AnalysisError):
            fit_joint(*wrong)


def test_within_neurons_unless_told() -> None:
    rng = np.random.default_rng(0)
    made = grow_by_fitness(rng, rng.uniform(0.4, 1.6, 60), 0.0, updates=8)
    assert fit_joint(made.degree, made.gained, made.places).start != 0
