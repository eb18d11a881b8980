"""The likelihood of what an update draws, and its maximum over the exponent of a kernel.

A draw of several edges, one after the other by weight and without putting any back, is a race of
exponential clocks that is stopped at the last of them (Luce 1959, Plackett 1975): place j is taken
with probability 1 - exp(-tau w_j), tau being the time of the stop. So of the places at neurons of
degree k the number taken is binomial with 1 - exp(-tau k^gamma), and tau is profiled out, update
by update: a regression with the complementary log-log link. At gamma = 0 its information is that
of the hypergeometric draw exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Draws", "Optimum", "counted", "drawn_once", "gather", "maximise", "null_information"]

FloatArray = npt.NDArray[np.float64]
#: Of events, places and the logarithm of the hazard: the log-likelihood, its slope in that
#: logarithm, and minus its curvature.
Model = Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]]
# Exponents beyond this are no kernel: all events are at one edge of the degrees.
_LARGEST = 50.0


@dataclass(frozen=True)
class Draws:
    """Counts by row and degree from 1 on, where there is any place, in rows that tell something.

    Attributes
    ----------
    row : ndarray of int, shape (cells,)
    x : ndarray, shape (cells,)
        Logarithm of the degree, less `centre`.
    events, places : ndarray, shape (cells,)
    update : ndarray of int, shape (rows,)
        The update a row belongs to, numbered without gaps.
    kept : ndarray of int, shape (rows,)
        The rows these are among those that were given.
    centre : float
    """

    row: npt.NDArray[np.intp]
    x: FloatArray
    events: FloatArray
    places: FloatArray
    update: npt.NDArray[np.intp]
    kept: npt.NDArray[np.intp]
    centre: float

    def by_row(self, values: FloatArray) -> FloatArray:
        """Sums over the degrees of each row."""
        return np.asarray(np.bincount(self.row, values, len(self.kept)), dtype=np.float64)

    def by_update(self, values: FloatArray) -> FloatArray:
        """Sums over the rows of each update."""
        return np.asarray(np.bincount(self.update, values), dtype=np.float64)


@dataclass(frozen=True)
class Optimum:
    """Where the likelihood is largest.

    Attributes
    ----------
    gamma : float
        NaN where it has no maximum.
    log_tau : ndarray, shape (rows,)
        Logarithm of the hazard at x = 0.
    score, information : ndarray, shape (updates,)
        Of gamma, each row's tau profiled out, at the optimum.
    """

    gamma: float
    log_tau: FloatArray
    score: FloatArray
    information: FloatArray


def gather(
    events: FloatArray, places: FloatArray, update: npt.NDArray[np.intp], *, full: bool
) -> Draws:
    """The cells of two arrays (rows, degrees from 0 on) that a kernel is fitted to.

    A row without an event says nothing, nor (if `full` is set) one of which every place was taken.
    """
    e, p = events[:, 1:], places[:, 1:]
    drawn = e.sum(1)
    rows = (drawn > 0) & (drawn < p.sum(1)) if full else drawn > 0
    kept = np.flatnonzero(rows)
    row, column = np.nonzero(p[kept] > 0)
    log_k = np.log1p(column.astype(np.float64))
    there = p[kept[row], column]
    centre = float((there * log_k).sum() / there.sum()) if len(there) else 0.0
    numbered = np.unique(update[kept], return_inverse=True)[1].reshape(-1)
    return Draws(
        row, log_k - centre, e[kept[row], column], there, numbered.astype(np.intp), kept, centre
    )


# -- two models --------------------------------------------------------------------------------


def drawn_once(
    events: FloatArray, places: FloatArray, log_hazard: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Each place is taken once at most: binomial, with probability 1 - exp(-hazard)."""
    hazard = np.exp(np.minimum(log_hazard, 300.0))
    left = (places - events) * hazard
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        ratio = np.where(hazard > 0, hazard / np.expm1(hazard), 1.0)
        taken = np.where(events > 0, events * np.log(-np.expm1(-hazard)), 0.0)
    bend = np.maximum(ratio * (ratio + hazard - 1), 0.0)
    return taken - left, events * ratio - left, left + events * bend


def counted(
    events: FloatArray, places: FloatArray, log_hazard: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Any number of events at each place: Poisson."""
    expected = places * np.exp(np.minimum(log_hazard, 300.0))
    return events * log_hazard - expected, events - expected, expected


# -- the maximum -------------------------------------------------------------------------------


def maximise(draws: Draws, model: Model) -> Optimum:
    """gamma and every row's tau together, by Newton's steps: the likelihood is concave in them."""
    gamma, log_tau = 0.0, np.log(draws.by_row(draws.events) / draws.by_row(draws.places))

    def look(gamma: float, log_tau: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        value, slope, bend = model(draws.events, draws.places, log_tau[draws.row] + gamma * draws.x)
        return float(value.sum()), slope, bend

    value, slope, bend = look(gamma, log_tau)
    for _ in range(200):
        by_tau = np.maximum(draws.by_row(bend), 1e-300)
        mixed = draws.by_row(bend * draws.x)
        pull = draws.by_row(slope)
        information = float((bend * draws.x**2).sum() - (mixed**2 / by_tau).sum())
        if not information > 1e-12:
            break
        step = float((slope * draws.x).sum() - (mixed * pull / by_tau).sum()) / information
        step = float(np.clip(step, -5.0, 5.0))
        others = np.clip((pull - mixed * step) / by_tau, -5.0, 5.0)
        # Concave, so that a step along the Newton direction that is short enough climbs.
        for _ in range(40):
            new = look(gamma + step, log_tau + others)
            if new[0] >= value - 1e-12 * abs(value):
                break
            step, others = step / 2, others / 2
        gamma, log_tau = gamma + step, log_tau + others
        value, slope, bend = new
        if abs(gamma) > _LARGEST:
            break
        if abs(step) < 1e-10 and float(np.abs(others).max()) < 1e-8:
            return _profiled(draws, gamma, log_tau, slope, bend)
    none = np.zeros(0)
    return Optimum(float("nan"), log_tau, none, none)


def _profiled(
    draws: Draws, gamma: float, log_tau: FloatArray, slope: FloatArray, bend: FloatArray
) -> Optimum:
    by_tau = np.maximum(draws.by_row(bend), 1e-300)
    mixed = draws.by_row(bend * draws.x)
    information = draws.by_row(bend * draws.x**2) - mixed**2 / by_tau
    return Optimum(
        gamma,
        log_tau,
        draws.by_update(draws.by_row(slope * draws.x)),
        draws.by_update(np.maximum(information, 0.0)),
    )


def null_information(draws: Draws, *, once: bool) -> float:
    """Fisher information of gamma where it is 0: the variance of ln k among the places, by row."""
    places, drawn = draws.by_row(draws.places), draws.by_row(draws.events)
    mean = draws.by_row(draws.places * draws.x) / places
    spread = np.maximum(draws.by_row(draws.places * draws.x**2) / places - mean**2, 0.0)
    if once:
        share = drawn / places
        drawn = places * np.log1p(-share) ** 2 * (1 - share) / share
    return float((drawn * spread).sum())
