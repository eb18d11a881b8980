"""Exponents of kernels: those that were put into a rewiring must come out again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from planted_kernels import rewire
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import f_oneway, kstest
from scipy.stats import t as student

from topolab.errors import AnalysisError
from topolab.metrics.attachment import change_p, fit_rate, fit_slope


@pytest.mark.parametrize("drop", [0.1, 0.3, 0.5])
@pytest.mark.parametrize(("gain", "loss"), [(0.0, 0.0), (1.0, 0.0), (0.0, -1.0), (1.0, 1.0)])
def test_exponents_are_recovered_however_much_is_dropped(
    gain: float, loss: float, drop: float
) -> None:
    """With replacement a loss of -1 would read -0.89, -0.79 and -0.64."""
    made = rewire(np.random.default_rng(1), gain, loss, drop=drop)
    for events, places, truth in (
        (made.gained, made.room, gain),
        (made.lost, made.edges, loss),
    ):
        slope = fit_slope(events, places)
        assert slope.gamma == pytest.approx(truth, abs=0.06)
        assert abs(slope.gamma - truth) < slope.high - slope.low
        assert (slope.p_positive < 0.001) == (truth > 0)
        assert (slope.p_negative < 0.001) == (truth < 0)


@pytest.mark.parametrize("truth", [0.0, -1.0])
def test_intervals_cover_the_truth_and_a_cosine_is_no_trend(truth: float) -> None:
    """40 runs that begin with 50 % dropped and end with none, in four parts each."""
    inside = 0
    parts = np.zeros((40, 4))
    changes = []
    for seed in range(40):
        made = rewire(np.random.default_rng(seed), 0.0, truth, drop=0.5, cosine=True,
                      updates=40, shape=(120, 90))  # fmt: skip
        slope = fit_slope(made.lost, made.edges)
        inside += slope.low <= truth <= slope.high
        for i, rows in enumerate(np.array_split(np.arange(40), 4)):
            parts[seed, i] = fit_slope(made.lost[rows], made.edges[rows]).gamma
        changes.append(change_p(made.lost, made.edges))
    assert inside >= 36
    error = parts.std(0, ddof=1) / math.sqrt(40)
    assert (np.abs(parts.mean(0) - truth) < 3.5 * error).all()
    assert np.abs(parts.mean(0) - truth)[:3].max() < 0.03
    assert sum(p <= 0.05 for p in changes) <= 6


def test_p_of_a_change_is_uniform_where_there_is_none() -> None:
    """100 runs with a constant kernel."""
    found = []
    for seed in range(100):
        made = rewire(np.random.default_rng(seed), 1.0, 0.0, drop=0.3, updates=24, shape=(80, 60))
        found.append(change_p(made.gained, made.room))
    assert kstest(found, "uniform").pvalue > 0.01
    assert 1 <= sum(p <= 0.05 for p in found) <= 11


def test_a_change_is_found() -> None:
    made = [rewire(np.random.default_rng(s), g, 0.0, updates=12) for s, g in enumerate((0.0, 0.6))]
    gained, room = (np.concatenate([getattr(m, n) for m in made]) for n in ("gained", "room"))
    assert change_p(gained, room) < 1e-4
    assert change_p(gained, room, windows=2) < 1e-4
    # Two rows of one update do not count as two updates.
    twice = np.repeat(np.arange(24), 2)
    both = change_p(np.repeat(gained, 2, 0), np.repeat(room, 2, 0), update=twice)
    assert both == pytest.approx(change_p(gained, room), rel=1e-6)
    for windows in (0, 1, 13):
        assert math.isnan(change_p(gained, room, windows=windows))
    assert math.isfinite(change_p(gained, room, windows=12))
    assert math.isnan(change_p(np.zeros((9, 4)), np.ones((9, 4))))
    assert change_p(gained, room) == change_p(gained, room, windows=4)
    # Nine events; one degree; updates that take all there is, which say nothing.
    few = np.array([[0, 1, 0.0], [0, 0, 1]] * 4 + [[0, 1, 0]])
    assert math.isnan(change_p(few, np.full(few.shape, 9.0), windows=2))
    ten = np.vstack([few, few[:1]])
    assert math.isfinite(change_p(ten, np.full(ten.shape, 9.0), windows=2))
    assert math.isnan(change_p(room[:, :2] / 2, room[:, :2]))
    full = np.vstack([gained, room[:3]])
    assert change_p(full, np.vstack([room, room[:3]])) == pytest.approx(change_p(gained, room))


def test_change_is_an_analysis_of_variance_of_the_slopes_of_updates() -> None:
    """Many draws in every update, so that a Newton step is the update's own exponent."""
    rng = np.random.default_rng(2)
    places = np.full((12, 5), 200_000)
    power = rng.normal(0.5, 0.02, 12)
    events = rng.binomial(places, 1 - np.exp(-0.2 * np.maximum(np.arange(5), 1) ** power[:, None]))
    alone = [fit_slope(events[[t]], places[[t]]) for t in range(12)]
    slopes = np.array([slope.gamma for slope in alone])
    found = f_oneway(*np.array_split(slopes, 3)).pvalue
    assert change_p(events, places, windows=3) == pytest.approx(found, rel=0.1)


def test_the_interval_covers_0_and_the_null_the_slopes_of_chance() -> None:
    """100 rewirings at random, half of the edges in each update."""
    inside = within = 0
    for seed in range(100):
        made = rewire(np.random.default_rng(seed), 0.0, 0.0, drop=0.5, updates=20, shape=(80, 60))
        slope = fit_slope(made.lost, made.edges)
        inside += slope.low <= 0 <= slope.high
        within += abs(slope.gamma) < 1.96 * slope.null_error
    assert inside >= 90 and 88 <= within <= 99


# -- degree 0 --------------------------------------------------------------------------------------


def test_neurons_without_edges_do_not_bend_the_slope() -> None:
    """Half of them have none at the start. With degree 0 as 1 a planted 1 would read 1.3 to 1.8."""
    for seed in range(4):
        made = rewire(np.random.default_rng(seed), 1.0, 0.0, without_edges=0.5, updates=30)
        slope = fit_slope(made.gained, made.room)
        assert slope.gamma == pytest.approx(1, abs=0.1)
        # Degree 0 was given the weight of degree 1.
        assert slope.zero == pytest.approx(1, abs=0.35)


def test_degree_0_has_a_number_of_its_own() -> None:
    places = np.array([[5000.0, 1000, 1000, 1000, 1000]] * 6)
    hazard = 0.2 * np.arange(5) ** 0.7
    for ratio in (0.0, 0.5, 3.0):
        hazard[0] = 0.2 * ratio
        slope = fit_slope(places * (1 - np.exp(-hazard)), places)
        assert slope.gamma == pytest.approx(0.7, abs=1e-6)
        assert slope.zero == pytest.approx(ratio, abs=1e-6)
        assert slope.events == round(6 * (places[0] * (1 - np.exp(-hazard))).sum())
    places[:, 0] = 0
    assert math.isnan(fit_slope(places * (1 - np.exp(-hazard)), places).zero)
    # All of the places at degree 0 taken: no ratio is high enough.
    places[:, 0] = 10
    hazard[0] = math.inf
    assert math.isnan(fit_slope(places * (1 - np.exp(-hazard)), places).zero)


def test_ten_events_of_neurons_with_edges_are_enough() -> None:
    places = np.array([[9.0, 50, 50]])
    assert math.isfinite(fit_slope([[0, 5.0, 5]], places).gamma)
    assert fit_slope([[0, 5.0, 4]], places).reason == "9 events are fewer than ten"
    few = fit_slope([[7, 5.0, 4]], places)
    assert few.events == 16 and isinstance(few.events, int)
    assert few.reason == "9 events are fewer than ten (of 16, those of neurons with an edge)"
    assert math.isnan(few.gamma) and math.isnan(few.zero)


# -- two sides -------------------------------------------------------------------------------------


def test_the_sides_of_an_update_have_times_of_their_own() -> None:
    """One side draws ten times as much as the other, and has the rich; both go by degree^0.5."""
    hazard = np.arange(6) ** 0.5
    places = np.array([[0, 900.0, 900, 900, 50, 50], [0, 50.0, 50, 900, 900, 900]] * 8)
    tau = np.array([0.3, 0.03] * 8)[:, None]
    update = np.repeat(np.arange(8), 2)
    events = places * (1 - np.exp(-tau * hazard))
    slope = fit_slope(events, places, update=update)
    assert slope.gamma == pytest.approx(0.5, abs=1e-6)
    # Added up, a neuron of few edges seems to gain most.
    summed = fit_slope(events[::2] + events[1::2], places[::2] + places[1::2])
    assert summed.gamma < 0
    # Blocks keep the rows of an update together: 8 updates, not 16.
    freedom = 8 / 2 - 1
    half = (slope.high - slope.low) / 2
    assert half / slope.standard_error == pytest.approx(student.ppf(0.975, freedom))
    shuffled = np.random.default_rng(0).permutation(16)
    again = fit_slope(events[shuffled], places[shuffled], update=update[shuffled])
    assert again.standard_error == pytest.approx(slope.standard_error, rel=1e-6)
    assert fit_slope(events[:8], places[:8], update=update[:8]).reason.startswith("fewer than five")


# -- every number of a slope, computed plainly -----------------------------------------------------


def plain_slope(
    events: np.ndarray, places: np.ndarray, replicates: int, seed: int
) -> dict[str, float]:
    """fit_slope by loops, root finding, finite differences and scipy's Student distribution."""
    degrees = np.arange(1.0, events.shape[1])
    rows = [(e[1:], p[1:]) for e, p in zip(events, places, strict=True) if e[1:].sum() > 0]
    rows = [(e, p) for e, p in rows if e.sum() < p.sum()]
    steps = len(rows)

    def likelihood(row: tuple[np.ndarray, np.ndarray], gamma: float) -> float:
        e, p = row
        weight = degrees**gamma / np.average(degrees**gamma, weights=p)

        def given(log_tau: float) -> float:
            hazard = math.exp(log_tau) * weight
            some = e > 0
            return float(
                (e[some] * np.log(1 - np.exp(-hazard[some]))).sum() - ((p - e) * hazard).sum()
            )

        found = minimize_scalar(lambda x: -given(x), bracket=(-4, 0), tol=1e-14)
        return -float(found.fun)

    def score(row: tuple[np.ndarray, np.ndarray], gamma: float, h: float = 1e-4) -> float:
        return (likelihood(row, gamma + h) - likelihood(row, gamma - h)) / (2 * h)

    def information(row: tuple[np.ndarray, np.ndarray], gamma: float, h: float = 3e-3) -> float:
        middle = 2 * likelihood(row, gamma)
        return (middle - likelihood(row, gamma + h) - likelihood(row, gamma - h)) / h**2

    gamma = float(brentq(lambda g: sum(score(row, g) for row in rows), -9, 9, xtol=1e-10))
    scores, told = ([f(row, gamma) for row in rows] for f in (score, information))
    by_chance = 0.0
    for e, p in rows:
        # The variance of a draw without replacement of this many, through its profile score.
        drawn, there, x = e.sum(), p.sum(), np.log(degrees)
        spread = np.average((x - np.average(x, weights=p)) ** 2, weights=p)
        share = drawn / there
        variance = drawn * (1 - share) * spread  # of the sum of ln k, but for (n - 1) / n
        by_chance += variance * (math.log(1 - share) / share) ** 2
    block = next(b for b in range(1, steps + 1) if b**3 >= steps)
    begin = np.random.default_rng(seed).integers(0, steps, (replicates, -(-steps // block)))
    drawn_slopes = []
    for starts in begin:
        chosen = [(b + i) % steps for b in starts for i in range(block)][:steps]
        step = sum(scores[t] for t in chosen) / sum(told[t] for t in chosen)
        drawn_slopes.append(gamma + step)
    by_bootstrap = float(np.std(drawn_slopes, ddof=1))
    by_likelihood, null_error = 1 / math.sqrt(sum(told)), 1 / math.sqrt(by_chance)
    error = max(by_bootstrap, by_likelihood)
    freedom = max(1.0, steps / block - 1)
    t = gamma / max(error, null_error)
    half = student.ppf(0.975, freedom) * error
    return {
        "gamma": gamma, "low": gamma - half, "high": gamma + half, "standard_error": error,
        "null_error": null_error, "p_positive": student.sf(t, freedom),
        "p_negative": student.cdf(t, freedom),
        "by_bootstrap": by_bootstrap, "by_likelihood": by_likelihood,
    }  # fmt: skip


def drifting(steps: int, gamma: float, swing: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Draws by a slope that is steeper in the first half; update 2 draws nothing, 3 everything."""
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 60, (steps, 6))
    power = gamma + swing * (np.arange(steps) < steps // 2)
    hazard = 0.4 * np.maximum(np.arange(6), 1) ** power[:, None]
    events = rng.binomial(places, 1 - np.exp(-hazard))
    events[2] = 0
    if steps > 8:
        events[3] = places[3]
    return events.astype(float), places.astype(float)


@pytest.mark.parametrize(
    ("steps", "gamma", "swing"),
    [(29, 0.5, 0.0), (29, -0.8, 1.5), (12, 0.3, 0.0), (7, 2.0, 0.0), (6, 0.4, 0.6)],
)
def test_a_slope_by_loops(steps: int, gamma: float, swing: float) -> None:
    events, places = drifting(steps, gamma, swing)
    plain = plain_slope(events, places, 12, 5)
    slope = fit_slope(events, places, replicates=12, seed=5)
    for name, value in plain.items():
        if not name.startswith("by_"):
            assert getattr(slope, name) == pytest.approx(value, rel=1e-3, abs=1e-5), name
    assert slope.gamma == pytest.approx(plain["gamma"], abs=1e-6)
    assert slope.null_error == pytest.approx(plain["null_error"], rel=1e-9)
    assert slope.events == events.sum() and slope.reason == ""


def test_p_of_a_slope_takes_the_larger_error() -> None:
    """Each of the three errors is the largest in one of four cases, and p follows it."""
    largest = set()
    steep = np.array([[0, 9000, 0, 0, 0, 0, 0, 0, 0, 100.0]] * 10)
    for events, places in (
        (np.round(steep * (1 - np.exp(-0.002 * np.arange(10) ** 2.0))), steep),
        (np.array([[0, 1, 40.0]] * 10), np.array([[0, 50, 50.0]] * 10)),
        drifting(30, 0.2, 2.0),
    ):
        plain = plain_slope(events, places, 20, 0)
        slope = fit_slope(events, places, replicates=20)
        errors = {n: plain[n] for n in ("by_bootstrap", "by_likelihood", "null_error")}
        largest.add(max(errors, key=lambda n: errors[n]))
        assert slope.standard_error == pytest.approx(
            max(plain["by_bootstrap"], plain["by_likelihood"]), rel=1e-3
        )
        t = slope.gamma / max(slope.standard_error, slope.null_error)
        freedom = 28 / 4 - 1 if len(events) == 30 else 10 / 3 - 1
        assert slope.p_positive == pytest.approx(student.sf(t, freedom), rel=1e-6, abs=1e-12)
        assert slope.p_negative == pytest.approx(student.sf(-t, freedom), rel=1e-6, abs=1e-12)
    assert largest == {"by_bootstrap", "by_likelihood", "null_error"}


def test_few_updates_have_few_degrees_of_freedom() -> None:
    """Five updates are 2.5 blocks of two; the interval is Student's with 1.5 degrees of freedom."""
    events, places = drifting(6, 0.4, 0.6)  # one of six draws nothing
    slope = fit_slope(events, places)
    assert (slope.high - slope.gamma) / slope.standard_error == pytest.approx(
        student.ppf(0.975, 1.5)
    )
    for replicates, known in ((1, False), (2, True), (3, True)):
        assert math.isfinite(fit_slope(events, places, replicates=replicates).low) == known
    short = fit_slope(events[:5], places[:5])
    assert short.reason == "fewer than five updates: no interval"
    assert math.isfinite(short.gamma) and math.isfinite(short.null_error)
    for name in ("low", "high", "p_positive", "p_negative", "standard_error"):
        assert math.isnan(getattr(short, name))


def test_too_little_has_a_reason() -> None:
    assert "fewer than ten" in fit_slope(np.zeros((4, 5)), np.ones((4, 5))).reason
    places = np.zeros((4, 5))
    places[:, 2] = 50
    assert "same degree" in fit_slope(places / 2, places).reason
    places[:, 0] = 50
    assert "same degree" in fit_slope(places / 2, places).reason
    edge, room = np.zeros((6, 4)), np.full((6, 4), 30.0)
    edge[:, 3] = 20
    assert "no finite exponent" in fit_slope(edge, room).reason
    edge = np.zeros((6, 4))
    edge[:, 1] = 20
    assert "no finite exponent" in fit_slope(edge, room).reason
    full = np.full((6, 4), 30.0)
    assert "fewer than ten" in fit_slope(full, full).reason  # all taken: no update tells anything


@pytest.mark.parametrize("gamma", [-40.0, -15.0, 15.0, 40.0])
def test_steep_slopes_stay_finite(gamma: float) -> None:
    """k^40 of degree 900 is beyond a float; only ratios matter."""
    places = np.zeros((6, 1000))
    places[:, [898, 899, 900]] = 1e6
    hazard = np.append(0, (np.arange(1, 1000) / 900) ** gamma) / 100
    events = places * (1 - np.exp(-hazard))
    slope = fit_slope(events, places, replicates=5)
    assert slope.gamma == pytest.approx(gamma, rel=1e-6) and math.isfinite(slope.low)


def test_two_hundred_replicates_of_seed_0_unless_told() -> None:
    events, places = drifting(12, 0.4, 1.0)
    for fit in (fit_slope, fit_rate):
        plain, told = fit(events, places), fit(events, places, replicates=200, seed=0)
        assert plain.low == told.low and plain.gamma == told.gamma
        assert plain.low != fit(events, places, seed=1).low
        assert plain.low != fit(events, places, replicates=199).low


# -- rates -----------------------------------------------------------------------------------------


def test_the_rate_of_linear_attachment_is_one() -> None:
    """(c - k) a(k) = k: a neuron's whole rate, with the number of neurons as exposure."""
    rng = np.random.default_rng(4)
    neurons = np.zeros((20, 61))
    neurons[:, 1:] = rng.integers(0, 30, (20, 60))
    p = neurons * np.arange(61)
    events = np.array([rng.multinomial(2000, row / row.sum()) for row in p]).astype(float)
    rate = fit_rate(events, neurons)
    assert rate.gamma == pytest.approx(1, abs=0.03)
    assert rate.low < 1 < rate.high and rate.null_error > 0
    # Any number of events at a neuron; its degree 0 apart.
    neurons[:, 0], events[:, 0] = 1000, 0
    apart = fit_rate(events, neurons)
    assert apart.gamma == pytest.approx(rate.gamma) and apart.zero == 0
    with pytest.raises(AnalysisError, match="no place for it"):
        fit_rate([[1.0]], [[0.0]])


def test_a_rate_maximises_the_multinomial_likelihood() -> None:
    events, neurons = drifting(9, 0.5, 1.0)
    rate = fit_rate(events, neurons, replicates=10)

    def likelihood(gamma: float) -> float:
        weight = neurons[:, 1:] * np.arange(1.0, 6) ** gamma
        share = weight / np.maximum(weight.sum(1, keepdims=True), 1e-300)
        seen = events[:, 1:] > 0
        return float((events[:, 1:][seen] * np.log(share[seen])).sum())

    best = minimize_scalar(lambda g: -likelihood(g), bracket=(-1.0, 1.0), tol=1e-12).x
    assert rate.gamma == pytest.approx(best, abs=1e-6)
    h = 1e-4
    told = (2 * likelihood(0) - likelihood(h) - likelihood(-h)) / h**2
    assert rate.null_error == pytest.approx(1 / math.sqrt(told), rel=1e-4)


def test_p_of_a_limit() -> None:
    """One-sided, by the Student distribution of the interval."""
    slope = fit_slope(*drifting(12, 0.4, 0.6))
    freedom = 10 / 3 - 1  # one of twelve updates draws nothing, one everything
    assert slope.freedom == pytest.approx(freedom)
    for limit in (-0.2, 0.1, slope.gamma, 3.0):
        t = (slope.gamma - limit) / slope.standard_error
        assert slope.p_above(limit) == pytest.approx(student.sf(t, freedom))
        assert slope.p_below(limit) == pytest.approx(student.cdf(t, freedom))
    short = fit_slope(*(a[:5] for a in drifting(12, 0.4, 0.6)))
    assert math.isnan(short.p_above(0.1)) and math.isnan(short.p_below(0.1))
