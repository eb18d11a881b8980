"""Rates by degree and fitness, and forecasts from the past alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

from topolab.errors import AnalysisError
from topolab.metrics import prediction
from topolab.metrics.prediction import compare, fit_rates, forecast

ROOM = 60


def simulated(
    updates: int, n: int, seed: int, *, exponent: float = 0.0, spread: float = 0.0, drop: int = 400
) -> tuple[Any, Any, Any]:
    """Degrees, exposures and gains; a neuron gains by fitness k^exponent for each free place."""
    rng = np.random.default_rng(seed)
    fitness = rng.gamma(spread**-2, spread**2, n) if spread else np.ones(n)
    k = rng.integers(8, 24, n)
    degrees, gains = [], []
    for _ in range(updates):
        weight = (ROOM - k) * fitness * k.astype(float) ** exponent
        gain = rng.multinomial(drop, weight / weight.sum())
        degrees.append(k)
        gains.append(gain)
        # As many are lost at random; none goes below 1 or above the room.
        loss = rng.multivariate_hypergeometric(k, drop)
        k = np.clip(k + gain - loss, 1, ROOM - 1)
    k, e = np.array(degrees), np.array(gains)
    return k, (ROOM - k).astype(float), e


def log_p(k: Any, x: Any, e: Any, weight: Any) -> float:
    """Sum over events of log p, from its definition."""
    p = x * weight / (x * weight).sum(-1, keepdims=True)
    return float((e * np.log(np.where(e > 0, p, 1.0))).sum())


def test_the_exponent_is_the_penalised_likelihoods_maximum() -> None:
    k, x, e = simulated(12, 30, 1, exponent=0.8, drop=40)

    def objective(g: float) -> float:
        return -log_p(k, x, e, k.astype(float) ** g) + g**2 / 2

    oracle = optimize.minimize_scalar(objective, bounds=(-3, 3), method="bounded")
    rates = fit_rates(k, x, e, "degree")
    assert rates.exponent == pytest.approx(oracle.x, abs=1e-3)
    assert rates.at_zero == 1.0 and rates.shape == np.inf and (rates.fitness == 1).all()


def test_degree_0_has_a_weight_of_its_own() -> None:
    """Twice the events for each exposed place as at degree 1, whatever k^g is elsewhere."""
    k = np.tile([0, 1, 2, 4], (50, 1))
    e = np.tile([8, 4, 8, 16], (50, 1))
    rates = fit_rates(k, np.ones_like(k), e, "degree")
    assert rates.exponent == pytest.approx(1, abs=0.01)
    assert rates.at_zero == pytest.approx(2, rel=0.01)
    expected = [rates.at_zero, 1.0, 1.0, 3.0**rates.exponent]
    assert rates.weights([0, 1, 1, 3]) == pytest.approx(expected)


@pytest.mark.parametrize("spread", [0.3, 1.0])
def test_the_shape_of_fitness_is_the_negative_binomials(spread: float) -> None:
    """All alike exposed: every neuron expects as many events, and scipy knows their law."""
    rng = np.random.default_rng(3)
    e = rng.poisson(20 * rng.gamma(spread**-2, spread**2, (1, 200)))
    mean = e.mean()
    oracle = optimize.minimize_scalar(
        lambda u: -stats.nbinom.logpmf(e, np.exp(u), np.exp(u) / (np.exp(u) + mean)).sum(),
        bounds=(-4, 8), method="bounded", options={"xatol": 1e-8},
    )  # fmt: skip
    rates = fit_rates(np.full_like(e, 5), np.ones_like(e), e, "fitness")
    assert rates.shape == pytest.approx(np.exp(oracle.x), rel=0.01)
    assert rates.fitness == pytest.approx((rates.shape + e[0]) / (rates.shape + mean), rel=1e-3)
    assert rates.exponent == 0.0 and rates.at_zero == 1.0


def test_equal_neurons_have_no_fitness() -> None:
    e = np.full((4, 30), 5)
    rates = fit_rates(np.full_like(e, 9), np.ones_like(e), e, "fitness")
    assert rates.shape > 1e4 and rates.fitness == pytest.approx(np.ones(30), abs=1e-3)


def stiff() -> tuple[Any, Any, Any]:
    """Hubs of 15 times the others' degree, which hardly change, and a hundred events a neuron."""
    rng = np.random.default_rng(15)
    k = np.where(np.arange(60) < 6, 800, 54)[None] + rng.integers(-8, 9, (10, 60))
    weight = k * k**0.6 * rng.gamma(8, 1 / 8, 60)
    e = np.array([rng.multinomial(900, w / w.sum()) for w in weight])
    return k, k.astype(float), e


@pytest.mark.parametrize(
    "make", [lambda: simulated(6, 25, 17, exponent=0.7, spread=0.5, drop=80), stiff]
)
def test_the_joint_fit_is_the_maximum_of_the_marginal_likelihood(make: Any) -> None:
    """With fitness integrated out and a level for each update, by scipy's optimiser."""
    k, x, e = make()
    gained = e.sum(0)

    def minus(parameters: Any) -> float:
        g, s, level = parameters[0], np.exp(parameters[1]), np.exp(parameters[2:])
        expected = level @ (x * k**g)
        by_neuron = special.gammaln(s + gained) - special.gammaln(s) + s * np.log(s)
        by_neuron = by_neuron - (s + gained) * np.log(s + expected)
        return -float(
            by_neuron.sum() + (e * g * np.log(k)).sum() + e.sum(1) @ parameters[2:] - g**2 / 2
        )

    begin = np.concatenate([[0.0, 1.0], np.log(e.sum(1) / x.sum(1))])
    oracle = optimize.minimize(minus, begin, method="L-BFGS-B", options={"maxiter": 5000})
    rates = fit_rates(k, x, e, "both")
    found = np.concatenate(
        [[rates.exponent, np.log(rates.shape)],
         np.log(e.sum(1) / (x * rates.weights(k)).sum(1))]
    )  # fmt: skip
    assert minus(found) <= oracle.fun + 0.01
    assert rates.exponent == pytest.approx(oracle.x[0], abs=0.02)
    assert rates.fitness.mean() == pytest.approx(1)


@pytest.mark.parametrize(("exponent", "spread"), [(1.0, 0.0), (0.0, 0.4), (0.8, 0.4), (-0.5, 0.4)])
def test_the_joint_fit_tells_degree_from_fitness(exponent: float, spread: float) -> None:
    k, x, e = simulated(60, 200, 5, exponent=exponent, spread=spread, drop=800)
    rates = fit_rates(k, x, e, "both")
    assert rates.exponent == pytest.approx(exponent, abs=0.15)
    assert rates.shape**-0.5 == pytest.approx(spread, abs=0.08)


def test_a_forecast_knows_the_past_alone() -> None:
    k, x, e = simulated(30, 40, 7, exponent=0.5, spread=0.3)
    scores = forecast(k, x, e, burn_in=4)
    assert np.isnan(scores[:4]).all() and np.isfinite(scores[4:]).all()
    assert np.isnan(forecast(k, x, e)).all(1).sum() == prediction.BURN_IN == 5
    assert (scores[4:, 0] == 0).all()
    other_k, other_x, other_e = (a.copy() for a in (k, x, e))
    other_e[20:] = other_e[20:, ::-1]
    other_k[21:], other_x[21:] = other_k[21:, ::-1], other_x[21:, ::-1]
    changed = forecast(other_k, other_x, other_e, burn_in=4)
    np.testing.assert_array_equal(changed[:20], scores[:20])
    assert (changed[20, 1:] != scores[20, 1:]).all()


@pytest.mark.parametrize("model", prediction.MODELS[1:])
def test_a_score_is_the_log_probability_of_the_events(model: str) -> None:
    k, x, e = simulated(8, 40, 9, exponent=0.5, spread=0.3)
    scores = forecast(k, x, e, burn_in=7)
    rates = fit_rates(k[:7], x[:7], e[:7], model)
    expected = log_p(k[7], x[7], e[7], rates.weights(k[7])) - log_p(k[7], x[7], e[7], 1.0)
    assert scores[7, prediction.MODELS.index(model)] == pytest.approx(expected)


@pytest.mark.parametrize("model", ["fitness", "both"])
def test_between_two_fits_a_neurons_own_events_still_count(model: str) -> None:
    """At update 41 the fit is that of 40, and G and E go on to 41."""
    k, x, e = simulated(42, 40, 11, exponent=0.5, spread=0.5)
    k[::3, :5] = 0
    scores = forecast(k, x, e, burn_in=40)
    rates = fit_rates(k[:40], x[:40], e[:40], model)
    weight = rates.weights(k) * x
    expected = ((e.sum(1) / weight.sum(1))[:, None] * weight / rates.fitness)[:41].sum(0)
    fitness = (rates.shape + e[:41].sum(0)) / (rates.shape + expected)
    late = rates.weights(k[41]) / rates.fitness * fitness
    told = log_p(k[41], x[41], e[41], late) - log_p(k[41], x[41], e[41], 1.0)
    assert scores[41, prediction.MODELS.index(model)] == pytest.approx(told, rel=1e-6)
    stale = log_p(k[41], x[41], e[41], rates.weights(k[41])) - log_p(k[41], x[41], e[41], 1.0)
    assert abs(stale - told) > 1e-3


def test_a_forecast_is_the_same_whatever_the_unit_of_exposure() -> None:
    k, x, e = simulated(20, 40, 13, exponent=1.0)
    factor = np.linspace(0.1, 50, 20)[:, None]
    np.testing.assert_allclose(forecast(k, x * factor, e), forecast(k, x, e), rtol=1e-9, atol=1e-9)


def test_models_are_compared_by_what_they_say_of_an_event() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(50, 150, 40)
    noise = rng.normal(0, 1, (40, 4))
    scores = (np.array([0.0, 0.05, 0.2, 0.2]) * counts[:, None] + noise) * [0, 1, 1, 1]
    uniform, degree, fitness, both = compare(scores, counts)
    assert [c.model for c in (uniform, degree, fitness, both)] == list(prediction.MODELS)
    for found, column in ((degree, 1), (fitness, 2)):
        assert found.score == pytest.approx(scores[:, column].sum() / counts.sum())
        assert found.low < found.score < found.high and found.low > 0
    assert (uniform.score, uniform.low, uniform.high) == (0, 0, 0)
    assert degree.lead == pytest.approx(degree.score - max(fitness.score, both.score))
    assert degree.lead_high < 0 and uniform.lead_high < 0
    assert fitness.lead == pytest.approx(-both.lead) and fitness.lead_low < 0 < fitness.lead_high
    # The interval is Student's: four blocks less one of width, and 1.2 times the normal one.
    ratio = (degree.high - degree.low) / (2 * 1.96 * _error(scores[:, 1], counts))
    assert ratio == pytest.approx(stats.t.ppf(0.975, 40 / 4 - 1) / 1.96, rel=1e-3)


def _error(score: Any, counts: Any) -> float:
    from topolab.metrics.attachment import block_weights

    weights = block_weights(len(counts), 1000, np.random.default_rng(0))
    return float(((weights @ score) / (weights @ counts)).std(ddof=1))


def test_few_forecasts_have_no_interval() -> None:
    found = compare(np.tile([0.0, 1.0, 2.0, 3.0], (4, 1)), [10, 10, 10, 10])
    assert found[3].score == 0.3 and found[3].lead == pytest.approx(0.1)
    assert np.isnan([found[3].low, found[3].high, found[3].lead_low, found[3].lead_high]).all()
    five = compare(np.tile([0.0, 1.0, 2.0, 3.0], (5, 1)), [10] * 5)
    assert five[3].low == pytest.approx(0.3)


def test_a_law_without_end_is_held_in_bounds() -> None:
    """All events at the highest degree, and all at one of a thousand neurons."""
    k = np.tile([1, 10], (200, 1))
    e = np.tile([0, 900], (200, 1))
    assert fit_rates(k, np.ones_like(k), e, "degree").exponent <= 5.0
    e = np.zeros((3, 1000), dtype=int)
    e[:, 0] = 5000
    rates = fit_rates(np.full_like(e, 9), np.ones_like(e), e, "fitness")
    assert rates.shape >= 1e-2 and np.isfinite(rates.fitness).all()
    assert rates.fitness.argmax() == 0


def test_nothing_to_learn_from_is_chance() -> None:
    rates = fit_rates([[3, 4]], [[1.0, 1.0]], [[0, 0]], "both")
    assert rates.exponent == 0 and (rates.fitness == 1).all()
    scores = forecast([[3, 4]] * 3, [[1.0, 1.0]] * 3, [[0, 0], [0, 0], [2, 1]], burn_in=1)
    assert scores[1:].tolist() == [[0.0] * 4] * 2


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([1, 2], [1, 2], [1, 2]), "must be arrays"),
        (([[1, 2]], [[1, 2]], [[1, 2, 3]]), "must be arrays"),
        (([[1, 2, 3]], [[1, 2]], [[1, 2]]), "must be arrays"),
        (([[-1, 2]], [[1, 2]], [[1, 2]]), "not below 0"),
        (([[1, 2]], [[1, -2]], [[1, 0]]), "not below 0"),
        (([[1, 2]], [[1, np.nan]], [[1, 0]]), "not below 0"),
        (([[1, 2]], [[1, 2]], [[1, -2]]), "not below 0"),
        (([[1, 2]], [[1, 0]], [[1, 2]]), "nothing is exposed"),
    ],
)
def test_arrays_that_cannot_be(arrays: Any, message: str) -> None:
    for call in (lambda: forecast(*arrays), lambda: fit_rates(*arrays, "both")):
        with pytest.raises(AnalysisError, match=message):
            call()


def test_what_else_is_refused() -> None:
    with pytest.raises(AnalysisError, match="no model 'chance'"):
        fit_rates([[1]], [[1.0]], [[1]], "chance")
    with pytest.raises(AnalysisError, match="at least one update"):
        forecast([[1]], [[1.0]], [[1]], burn_in=0)
    for scores, events in ((np.zeros((3, 2)), [1, 1, 1]), (np.zeros((3, 4)), [0, 0, 0])):
        with pytest.raises(AnalysisError, match="scores of 4 models"):
            compare(scores, events)
