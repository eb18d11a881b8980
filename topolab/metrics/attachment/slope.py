"""The exponent of a kernel of the form k^gamma, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from topolab.metrics.attachment.blocks import block_weights, freedom
from topolab.metrics.attachment.counts import check_counts, number_updates
from topolab.metrics.attachment.draws import (
    Draws,
    Model,
    Optimum,
    counted,
    drawn_once,
    gather,
    maximise,
    null_information,
)

__all__ = ["Slope", "fit_rate", "fit_slope"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Slope:
    """The exponent of a kernel of the form k^gamma, of neurons that have an edge.

    Attributes
    ----------
    gamma : float
        0 where degree does not matter beyond room (or, for a loss, edges to lose).
    low, high : float
        95 % interval, by Student's quantile for as many blocks as the updates fall into.
    standard_error : float
        Of the block bootstrap over updates, or of the likelihood if that is larger.
    null_error : float
        Standard error of gamma if it is 0, from the Fisher information: with events drawn by
        chance, 95 % of the slopes are within 1.96 of these.
    p_positive, p_negative : float
        One-sided, from gamma over the larger of both errors, by the same Student distribution.
    events : int
        Degree 0 included.
    reason : str
    zero : float
        Hazard of a place at a neuron without edges, over the fitted one at degree 1: 0 where none
        of them was taken, NaN where there is none.
    freedom : float
        Of that Student distribution; NaN without an interval.
    """

    gamma: float
    low: float
    high: float
    standard_error: float
    null_error: float
    p_positive: float
    p_negative: float
    events: int
    reason: str = ""
    zero: float = math.nan
    freedom: float = math.nan

    def p_above(self, limit: float) -> float:
        """One-sided p-value of an exponent not above the limit; NaN without an interval."""
        return self._tail((limit - self.gamma) / self.standard_error)

    def p_below(self, limit: float) -> float:
        """One-sided p-value of an exponent not below the limit; NaN without an interval."""
        return self._tail((self.gamma - limit) / self.standard_error)

    def _tail(self, t: float) -> float:
        return float(stdtr(self.freedom, t)) if math.isfinite(self.freedom) else math.nan


def fit_slope(
    events: npt.ArrayLike,
    places: npt.ArrayLike,
    *,
    update: npt.ArrayLike | None = None,
    replicates: int = 200,
    seed: int = 0,
) -> Slope:
    """The exponent gamma of a kernel k^gamma, by maximum likelihood, with intervals.

    Of the places at neurons of degree k an update takes each with probability
    1 - exp(-tau k^gamma), where tau is the update's own: draws by weight that put nothing back
    (Plackett and Luce; in continuous time Wallenius). gamma is 0 for growth, or pruning, at random.

    Parameters
    ----------
    events, places : array_like, shape (rows, K)
        By degree 0 ... K - 1 what was drawn and what there was to draw: free places for a gain,
        edges for a loss.
    update : array_like, shape (rows,), optional
        The update that a row belongs to, in order of time; each row its own without it. The two
        sides of neurons are drawn apart, and are two rows of one update.
    replicates : int
        Of the block bootstrap over updates.
    seed : int

    Returns
    -------
    Slope
        NaN with a reason where there are fewer than ten events, or all neurons have one degree.

    Raises
    ------
    AnalysisError
        If the arrays do not fit, or more was drawn than there was.

    Notes
    -----
    Neurons without edges have no part in gamma (k^gamma is 0 or without end there) but a number
    of their own, `zero`. A replicate of the bootstrap is one Newton step from the optimum: exact to
    the order of its own error, and nothing is fitted again.

    References
    ----------
    R. D. Luce, "Individual choice behavior" (1959); R. L. Plackett, Applied Statistics 24 (1975);
    K. T. Wallenius, "Biased sampling" (1963). A. Fog, Communications in Statistics 37 (2008).

    Examples
    --------
    >>> places = np.array([[0.0, 1000, 1000, 0, 1000]] * 6)
    >>> slope = fit_slope(places * (1 - np.exp(-0.1 * np.array([0, 1, 2, 3, 4]))), places)
    >>> round(slope.gamma, 6)
    1.0
    """
    e, p = check_counts(events, places)
    number = number_updates(update, len(e))
    draws = gather(e, p, number, full=True)
    return _fit(e, p, draws, drawn_once, once=True, replicates=replicates, seed=seed)


def fit_rate(
    events: npt.ArrayLike,
    neurons: npt.ArrayLike,
    *,
    update: npt.ArrayLike | None = None,
    replicates: int = 200,
    seed: int = 0,
) -> Slope:
    """The exponent of a neuron's whole rate, tau k^gamma events in an update, with intervals.

    That is of (c - k) a(k) for gains and of k b(k) for losses: 1 for the preferential attachment
    of Barabasi and Albert.

    Parameters
    ----------
    events, neurons : array_like, shape (rows, K)
        By degree 0 ... K - 1 the events, and the neurons that could have any.
    update, replicates, seed
        As for `fit_slope`.

    Returns
    -------
    Slope

    Raises
    ------
    AnalysisError
        If the arrays do not fit.

    Notes
    -----
    The events of a neuron are counted as Poisson, given the total of each update as multinomial:
    a rate describes expected numbers, whichever way they come about.

    Examples
    --------
    >>> neurons = np.array([[0.0, 100, 100, 0, 100]] * 6)
    >>> rate = fit_rate(neurons * np.array([0, 1, 2, 3, 4]), neurons)
    >>> round(rate.gamma, 6)
    1.0
    """
    e, p = check_counts(events, neurons, several=True)
    number = number_updates(update, len(e))
    draws = gather(e, p, number, full=False)
    return _fit(e, p, draws, counted, once=False, replicates=replicates, seed=seed)


def _fit(
    events: FloatArray,
    places: FloatArray,
    draws: Draws,
    model: Model,
    *,
    once: bool,
    replicates: int,
    seed: int,
) -> Slope:
    count, nan = round(events.sum()), math.nan

    def none(reason: str) -> Slope:
        return Slope(nan, nan, nan, nan, nan, nan, nan, count, reason)

    used = round(draws.events.sum())
    if used < 10:
        left_out = f" (of {count}, those of neurons with an edge)" if used < count else ""
        return none(f"{used} events are fewer than ten{left_out}")
    by_chance = null_information(draws, once=once)
    if not by_chance > 1e-9:
        return none("all neurons with an edge have the same degree")
    found = maximise(draws, model)
    if not math.isfinite(found.gamma):
        return none("no finite exponent: all events are at the edge of the degrees")
    gamma, null_error = found.gamma, 1 / math.sqrt(by_chance)
    zero = _zero(events[draws.kept, 0], places[draws.kept, 0], draws, found, model)
    error = _error(found, replicates, seed)
    if math.isnan(error):
        reason = "fewer than five updates: no interval"
        return Slope(gamma, nan, nan, nan, null_error, nan, nan, count, reason, zero)
    degrees = freedom(len(found.score))
    half = float(stdtrit(degrees, 0.975)) * error
    t = gamma / max(error, null_error)
    return Slope(
        gamma, gamma - half, gamma + half, error, null_error,
        float(stdtr(degrees, -t)), float(stdtr(degrees, t)), count, "", zero, degrees,
    )  # fmt: skip


def _error(found: Optimum, replicates: int, seed: int) -> float:
    """Of the block bootstrap, each replicate a Newton step away, or of the likelihood if larger."""
    updates = len(found.score)
    if updates < 5 or replicates < 2:
        return math.nan
    weights = block_weights(updates, replicates, np.random.default_rng(seed))
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = (weights @ found.score) / (weights @ found.information)
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < 2:
        return math.nan
    return max(float(drawn.std(ddof=1)), 1 / math.sqrt(float(found.information.sum())))


def _zero(
    events: FloatArray, places: FloatArray, draws: Draws, found: Optimum, model: Model
) -> float:
    """The hazard of degree 0 in units of that of degree 1, over all updates together."""
    there = places > 0
    e, p = events[there], places[there]
    if not len(e):
        return math.nan
    if not e.any():
        return 0.0
    at_one = found.log_tau[there] - found.gamma * draws.centre
    log_ratio = math.log(e.sum() / (p * np.exp(at_one)).sum())
    for _ in range(100):
        _, slope, bend = model(e, p, at_one + log_ratio)
        if not bend.sum() > 0:
            break
        step = float(np.clip(slope.sum() / bend.sum(), -1.0, 1.0))
        log_ratio += step
        if abs(step) < 1e-10:
            return math.exp(log_ratio)
    return math.nan
