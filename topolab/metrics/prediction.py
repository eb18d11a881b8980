"""Prediction: who gains, or loses, edges in the next update, told from the updates before it.

Four models of the rate w at which a neuron of degree k has an event for each place (or edge) that
it offers: `uniform` (w = 1), `degree` (k^g), `fitness` (an effect of each neuron) and `both`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from topolab.errors import AnalysisError
from topolab.metrics.attachment import block_weights
from topolab.metrics.jit import jit

__all__ = ["BURN_IN", "LEAST", "MODELS", "ModelScore", "Rates", "compare", "fit_rates", "forecast"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

MODELS = ("uniform", "degree", "fitness", "both")
#: Updates that are learned from before the first one is forecast.
BURN_IN = 5
#: Forecasts that an interval needs.
LEAST = 5
#: Exponents are drawn to 0 as by one observation of standard deviation 1, so that the first few
#: updates cannot send them anywhere.
_PRIOR = 1.0
_STEEPEST = 5.0
#: A fit is renewed when the updates have grown by one in so many.
_RENEWED = 20
#: Of the shape s of the fitness: from a few neurons with everything to all alike.
_LOWEST_SHAPE, _HIGHEST_SHAPE = 1e-2, 1e5
_ROUNDS = 200
_EXACT = 1e-4
#: Of so many rounds of `both` the first is the exponent's, the others are the fitness's.
_TURNS = 3


@dataclass(frozen=True)
class Rates:
    """A fitted model: a neuron i of degree k has weight fitness_i k^exponent.

    Attributes
    ----------
    exponent : float
    at_zero : float
        What stands for k^exponent at degree 0, where it says nothing.
    shape : float
        s of the gamma distribution, of mean 1 and variance 1 / s, that fitness is drawn from;
        infinite where there is no fitness.
    fitness : ndarray, shape (n,)
        Per neuron (s + G) / (s + E), from its G events and the E expected without fitness.
    """

    exponent: float
    at_zero: float
    shape: float
    fitness: FloatArray

    def weights(self, degree: npt.ArrayLike) -> FloatArray:
        """The weight of each neuron at these degrees."""
        k = np.asarray(degree)
        return self.fitness * np.where(k > 0, np.maximum(k, 1.0) ** self.exponent, self.at_zero)


@dataclass(frozen=True)
class ModelScore:
    """How well a model forecasts, against chance and against the best of the others.

    Attributes
    ----------
    model : str
    score, low, high : float
        Mean log probability of an event minus that under `uniform`, in nats, and its 95 % interval.
    lead, lead_low, lead_high : float
        Score minus the best score among the other models, and its 95 % interval.
    """

    model: str
    score: float
    low: float
    high: float
    lead: float
    lead_low: float
    lead_high: float


def forecast(
    degree: npt.ArrayLike, exposed: npt.ArrayLike, events: npt.ArrayLike, *, burn_in: int = BURN_IN
) -> FloatArray:
    """The log score of every update under every model, fitted to the updates before it alone.

    Parameters
    ----------
    degree : array_like of int, shape (T, n)
        Of each neuron before each update.
    exposed : array_like, shape (T, n)
        Its chance of an event if all places (edges) are alike, up to a factor for each update:
        c - k for gains, k for losses.
    events : array_like of int, shape (T, n)
        Edges it gained, or lost.
    burn_in : int
        Updates that are learned from before the first is forecast, at least one.

    Returns
    -------
    ndarray, shape (T, 4)
        Per update and model (`MODELS`) the sum over its events of log p, minus that under
        `uniform`; NaN in the first `burn_in` updates. It sums over events: divide by their number.

    Raises
    ------
    AnalysisError
        If the arrays do not fit, or an event happened where nothing was exposed.

    Notes
    -----
    p is the probability that an event falls on the neuron. An update draws many without
    replacement; what is scored are the shares that a model expects, which is the same for all.
    A fit is renewed whenever the updates have grown by a twentieth, each neuron's G and E always.

    Examples
    --------
    Of two neurons with the same degree the first always gains three times as much:

    >>> scores = forecast(np.full((40, 2), 5), np.ones((40, 2)), np.tile([30, 10], (40, 1)))
    >>> (scores[-1] / 40).round(2).tolist()
    [0.0, 0.0, 0.13, 0.13]
    """
    k, x, e = _checked(degree, exposed, events)
    if burn_in < 1:
        raise AnalysisError(f"burn_in = {burn_in}: at least one update must be learned from")
    out = np.full((len(e), len(MODELS)), np.nan)
    out[burn_in:, 0] = 0.0
    so_far, totals = np.cumsum(e, axis=0), e.sum(1).astype(np.float64)
    for column, model in enumerate(MODELS[1:], start=1):
        rates, due = _at_start(e.shape[1]), burn_in
        expected = np.zeros(e.shape[1])
        for t in range(burn_in, len(e)):
            if t == due:
                rates = _fit(k[:t], x[:t], e[:t], totals[:t], model, rates)
                due = t + max(1, t // _RENEWED)
                if model != "degree":
                    expected = _expected(k[:t], x[:t], totals[:t], rates)
            elif model != "degree":
                new = slice(t - 1, t)
                expected = expected + _expected(k[new], x[new], totals[new], rates)
                fitness = (rates.shape + so_far[t - 1]) / (rates.shape + expected)
                rates = Rates(rates.exponent, rates.at_zero, rates.shape, fitness)
            out[t, column] = _log_score(k[t], x[t], e[t], rates)
    return out


def fit_rates(
    degree: npt.ArrayLike,
    exposed: npt.ArrayLike,
    events: npt.ArrayLike,
    model: str,
) -> Rates:
    """The rates of a model, by maximum likelihood; fitness by empirical Bayes.

    Fitness is drawn from a gamma distribution of mean 1 whose shape is fitted with everything
    else: with fitness integrated out a neuron's events are negative binomial. This is the EM
    algorithm of that likelihood, whose expected fitness is (s + G) / (s + E).

    Parameters
    ----------
    degree, exposed, events : array_like, shape (T, n)
        As of `forecast`.
    model : {"uniform", "degree", "fitness", "both"}

    Returns
    -------
    Rates

    Raises
    ------
    AnalysisError
        If the arrays do not fit or there is no such model.

    References
    ----------
    T. Pham, P. Sheridan, H. Shimodaira, "Joint estimation of preferential attachment and node
    fitness in growing complex networks", Scientific Reports 6 (2016). They fit the fitness's mode
    and insertions into a growing network.

    Examples
    --------
    >>> exposed = np.ones((1, 3))
    >>> rates = fit_rates([[10, 20, 40]], exposed, [[1000, 2000, 4000]], "degree")
    >>> round(rates.exponent, 2)
    1.0
    """
    if model not in MODELS:
        raise AnalysisError(f"there is no model {model!r}; there is {', '.join(MODELS)}")
    k, x, e = _checked(degree, exposed, events)
    if model == "uniform" or not e.sum():
        return Rates(0.0, 1.0, math.inf, np.ones(e.shape[1]))
    return _fit(k, x, e, e.sum(1).astype(np.float64), model, _at_start(e.shape[1]))


def _at_start(n: int) -> Rates:
    return Rates(0.0, 1.0, 1.0, np.ones(n))


def _fit(
    k: IntArray, x: FloatArray, e: IntArray, totals: FloatArray, model: str, begin: Rates
) -> Rates:
    """The rates, beginning from those of fewer updates."""
    exponent, at_zero, shape, fitness = _em(
        k, x, e, totals, _log_degrees(k),
        begin.exponent, begin.at_zero, min(begin.shape, _HIGHEST_SHAPE), begin.fitness.copy(),
        model in ("degree", "both"), model in ("fitness", "both"),
    )  # fmt: skip
    return Rates(exponent, at_zero, shape, fitness)


def compare(
    scores: npt.ArrayLike, events: npt.ArrayLike, *, replicates: int = 1000, seed: int = 0
) -> list[ModelScore]:
    """Models by their mean log score for an event, with intervals by the block bootstrap.

    Parameters
    ----------
    scores : array_like, shape (T, 4)
        As of `forecast`, without updates that were not forecast.
    events : array_like of int, shape (T,)
        Of each update.
    replicates : int
        Of the circular block bootstrap over updates.
    seed : int

    Returns
    -------
    list of ModelScore
        One for each of `MODELS`; intervals are NaN with fewer than five updates.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> scores = rng.normal([0, 2, 5, 4], 1, (30, 4)) * [0, 1, 1, 1]
    >>> [(c.model, c.lead_low > 0) for c in compare(scores, np.full(30, 10))]
    [('uniform', False), ('degree', False), ('fitness', True), ('both', False)]
    """
    s, count = np.asarray(scores, dtype=np.float64), np.asarray(events, dtype=np.float64)
    if s.ndim != 2 or s.shape != (len(count), len(MODELS)) or not count.sum():
        raise AnalysisError(
            f"scores of {len(MODELS)} models and events of each update are needed, got shapes "
            f"{s.shape} and {count.shape}"
        )
    mean = s.sum(0) / count.sum()
    drawn = np.full((2, len(MODELS)), np.nan)
    # Few blocks say little about their own spread: Student's quantile, not the normal one.
    blocks = len(s) / math.ceil(round(math.pow(len(s), 1 / 3), 9))
    quantile = float(stdtrit(max(1.0, blocks - 1), 0.975))
    if len(s) >= LEAST and replicates >= 2:
        weights = block_weights(len(s), replicates, np.random.default_rng(seed))
        drawn = (weights @ s) / (weights @ count)[:, None]

    def interval(i: int, against: int) -> tuple[float, float, float]:
        value = float(mean[i] - mean[against])
        half = quantile * float((drawn[:, i] - drawn[:, against]).std(ddof=1))
        return value, value - half, value + half

    out = []
    for i, model in enumerate(MODELS):
        others = [j for j in range(len(MODELS)) if j != i]
        # The rival is chosen once: it is the same in all replicates.
        rival = others[int(np.argmax(mean[others]))]
        out.append(ModelScore(model, *interval(i, 0), *interval(i, rival)))
    return out


def _checked(
    degree: npt.ArrayLike, exposed: npt.ArrayLike, events: npt.ArrayLike
) -> tuple[IntArray, FloatArray, IntArray]:
    k, x = np.asarray(degree, dtype=np.int64), np.asarray(exposed, dtype=np.float64)
    e = np.asarray(events, dtype=np.int64)
    if e.ndim != 2 or k.shape != e.shape or x.shape != e.shape:
        raise AnalysisError(
            f"degrees, exposures and events must be arrays (updates, neurons), got shapes "
            f"{k.shape}, {x.shape} and {e.shape}"
        )
    if e.size and (min(k.min(), e.min()) < 0 or not np.isfinite(x).all() or x.min() < 0):
        raise AnalysisError("degrees, exposures and events must be numbers not below 0")
    if (e[x == 0] > 0).any():
        raise AnalysisError("an event at a neuron where nothing is exposed to it")
    return k, x, e


def _log_degrees(k: IntArray) -> FloatArray:
    """ln k at index k; 0 at 0, whose weight stands apart."""
    return np.log(np.maximum(np.arange(int(k.max(initial=0)) + 1), 1.0))


def _log_score(k: IntArray, x: FloatArray, e: IntArray, rates: Rates) -> float:
    """Sum over the events of an update of log p, minus that under `uniform`."""
    if not e.sum():
        return 0.0
    weight = rates.weights(k)
    some = e > 0
    level = np.log((x * weight).sum() / x.sum())
    return float((e[some] * (np.log(weight[some]) - level)).sum())


def _expected(k: IntArray, x: FloatArray, totals: FloatArray, rates: Rates) -> FloatArray:
    """E: events that each neuron would have had, were its fitness 1."""
    power = np.exp(rates.exponent * _log_degrees(k))
    power[0] = rates.at_zero
    return _sum_expected(k, x, totals, power, rates.fitness)


@jit
def _sum_expected(
    k: IntArray, x: FloatArray, totals: FloatArray, power: FloatArray, fitness: FloatArray
) -> FloatArray:
    updates, n = k.shape
    expected = np.zeros(n)
    for t in range(updates):
        z = 0.0
        for i in range(n):
            z += x[t, i] * fitness[i] * power[k[t, i]]
        if z > 0:
            for i in range(n):
                expected[i] += totals[t] / z * x[t, i] * power[k[t, i]]
    return expected


@jit
def _em(
    k: IntArray, x: FloatArray, e: IntArray, totals: FloatArray, log_k: FloatArray,
    exponent: float, at_zero: float, shape: float, fitness: FloatArray,
    with_degree: bool, with_fitness: bool,
) -> tuple[float, float, float, FloatArray]:  # fmt: skip
    updates, n = e.shape
    gained = np.zeros(n)
    seen = seen_at_zero = 0.0
    highest = 0
    for t in range(updates):
        for i in range(n):
            if e[t, i]:
                gained[i] += e[t, i]
                seen += e[t, i] * log_k[k[t, i]]
                if k[t, i] == 0:
                    seen_at_zero += e[t, i]
    for i in range(n):
        highest = max(highest, int(gained[i]))
    above = np.zeros(highest + 1)  # how many neurons have more than m events
    for i in range(n):
        for m in range(int(gained[i])):
            above[m] += 1
    expected, leaning = np.zeros(n), np.zeros(n)
    change = 0.0
    for round_ in range(_ROUNDS):
        # Each has its turn: if both answered to the same misfit, they would overshoot together.
        of_degree = with_degree and (round_ % _TURNS == 0 or not with_fitness)
        of_fitness = with_fitness and not of_degree
        power = np.exp(exponent * log_k)
        power[0] = at_zero
        expected[:] = 0.0
        leaning[:] = 0.0
        misfit = information = expected_at_zero = 0.0
        for t in range(updates):
            z = s1 = s2 = s0 = 0.0
            for i in range(n):
                w = x[t, i] * fitness[i] * power[k[t, i]]
                z += w
                s1 += w * log_k[k[t, i]]
                s2 += w * log_k[k[t, i]] ** 2
                if k[t, i] == 0:
                    s0 += w
            if z > 0 and totals[t] > 0:
                rate, mean = totals[t] / z, s1 / z
                misfit -= totals[t] * mean
                information += totals[t] * max(s2 / z - mean**2, 0.0)
                expected_at_zero += rate * s0
                if with_fitness:
                    for i in range(n):
                        here = rate * x[t, i] * power[k[t, i]]
                        expected[i] += here
                        leaning[i] += here * (log_k[k[t, i]] - mean)
        if of_degree:
            if with_fitness:
                # What fitness would answer is not known of the exponent (Louis 1982).
                for i in range(n):
                    under = shape + expected[i]
                    information -= (shape + gained[i]) * (leaning[i] / under) ** 2
            step = (seen + misfit - _PRIOR * exponent) / (max(information, 0.0) + _PRIOR)
            new = min(max(exponent + min(max(step, -1.0), 1.0), -_STEEPEST), _STEEPEST)
            change = max(change, abs(new - exponent))
            exponent = new
            # Drawn to 1 as by one event seen where one was expected.
            new = (1.0 + seen_at_zero) / (1.0 + expected_at_zero / at_zero)
            change = max(change, abs(np.log(new / at_zero)))
            at_zero = new
        if of_fitness:
            new = _shape_step(gained, expected, above, shape)
            # The shape matters less than what it does to the fitness.
            change = max(change, 0.01 * abs(np.log(new / shape)))
            shape = new
            posterior = (shape + gained) / (shape + expected)
            # Its mean is 1 at the maximum. Only the prior says so, which many events drown out.
            posterior /= posterior.mean()
            change = max(change, np.abs(posterior - fitness).max())
            fitness = posterior
        if (round_ + 1) % _TURNS == 0 or not (with_degree and with_fitness):
            if change < _EXACT:
                break
            change = 0.0
    if not with_fitness:
        shape = np.inf
    return exponent, at_zero, shape, fitness


@jit
def _shape_step(gained: FloatArray, expected: FloatArray, above: FloatArray, s: float) -> float:
    """One step of Newton's, in ln s, on the negative binomial likelihood of all neurons' events."""
    n = len(gained)
    first, second = n * (np.log(s) + 1), n / s
    for m in range(len(above) - 1):
        first += above[m] / (s + m)
        second -= above[m] / (s + m) ** 2
    for i in range(n):
        under = s + expected[i]
        first -= np.log(under) + (s + gained[i]) / under
        second -= 1 / under + (expected[i] - gained[i]) / under**2
    slope, curve = s * first, s * s * second + s * first
    step = -slope / curve if curve < 0 else np.sign(slope)
    step = min(max(step, -1.0), 1.0)
    return float(min(max(s * np.exp(step), _LOWEST_SHAPE), _HIGHEST_SHAPE))
