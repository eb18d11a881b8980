"""The exponent of gains by degree, and the fitness of neurons, told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaln, polygamma, psi, stdtr, stdtrit

from topolab.errors import AnalysisError

__all__ = ["Joint", "fit_joint"]

FloatArray = npt.NDArray[np.float64]
# Limits of log s: from a spread of 55, which is no fitness, to one of 0.001, which is none; and
# a spread of 0.01, below which it makes no difference.
_S_LOW, _S_HIGH, _S_FLAT = -8.0, math.log(1e6), math.log(1e4)
# A dispersion is found when it changes by less than this part, or after so many rounds.
_SAME, _ROUNDS = 0.05, 12


@dataclass(frozen=True)
class Joint:
    """The exponent of gains by degree at a given fitness.

    Attributes
    ----------
    gamma : float
        0 where degrees do not matter, whatever the fitness; NaN with a `reason`.
    low, high : float
        95 % interval.
    standard_error : float
        Sandwich over neurons: each neuron's own noise may be of any kind.
    spread : float
        Standard deviation of the fitness, whose mean is 1; 0 where none is seen.
    dispersion : float
        Variance of what a neuron gains in an update over its mean: 1 for draws by weight, more
        where noise multiplies the weights.
    start, start_error : float
        Exponent of the first degree, which stands in for what made it; 0 and NaN without it.
    neurons, updates, events : int
        That tell something.
    reason : str
    """

    gamma: float
    low: float
    high: float
    standard_error: float
    spread: float
    dispersion: float
    start: float
    start_error: float
    neurons: int
    updates: int
    events: int
    reason: str = ""

    def p_above(self, limit: float) -> float:
        """One-sided p-value of an exponent not above the limit."""
        return float(stdtr(max(1, self.neurons - 1), (limit - self.gamma) / self.standard_error))

    def p_below(self, limit: float) -> float:
        """One-sided p-value of an exponent not below the limit."""
        return float(stdtr(max(1, self.neurons - 1), (self.gamma - limit) / self.standard_error))


def fit_joint(
    degree: npt.ArrayLike, gained: npt.ArrayLike, places: npt.ArrayLike, *, within: bool = True
) -> Joint:
    """Gains by degree and by a fitness of each neuron, by maximum likelihood.

    g ~ Poisson(tau r k^gamma z^beta eta): r free places, tau an update's (and side's) own, eta a
    neuron's fitness, with a gamma distribution of mean 1 that is integrated out, z its first degree
    above 0, over the mean.

    Parameters
    ----------
    degree : array_like of int, shape (T, n)
        Of every neuron before each update.
    gained, places : array_like of int, shape (T, n) or (T, sides, n)
        What it gained and its free places, for each side that is drawn apart.
    within : bool
        Let beta be free. A run that is recorded from the middle on starts with degrees that
        fitness has made: then only what happens to a neuron within the record tells degree from
        fitness. With beta = 0 the first degrees have to be drawn whatever the fitness.

    Returns
    -------
    Joint
        NaN with a reason with fewer than two updates or ten events, if all degrees are equal, or
        if the fit has no clear maximum.

    Raises
    ------
    AnalysisError
        If the arrays do not fit.

    Notes
    -----
    Neurons without edges are left out while they have none. Gains are counted as Poisson: a
    neuron must not nearly run out of free places within an update.

    Noise that multiplies a neuron's weight anew in every update is no fitness. It shows in gains
    that vary more than Poisson numbers do, and they are counted in units of that `dispersion`.
    What remains makes gamma too small, above all in short runs: luck that is taken for fitness
    is followed by less luck at a higher degree.

    References
    ----------
    G. Bianconi, A.-L. Barabasi, Europhysics Letters 54 (2001); T. Pham, P. Sheridan, H. Shimodaira,
    Scientific Reports 6 (2016); Y. Mundlak, Econometrica 46 (1978); J. M. Wooldridge, Journal of
    Applied Econometrics 20 (2005), on first conditions.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> fitness, k = rng.uniform(0.4, 1.6, 200), rng.poisson(30, 200)
    >>> degrees, gains = [], []
    >>> for _ in range(30):   # gains by fitness alone, random losses
    ...     gain = rng.poisson(3 * fitness)
    ...     degrees.append(k)
    ...     gains.append(gain)
    ...     k = k - rng.binomial(k, 0.1) + gain
    >>> found = fit_joint(degrees, gains, 500 - np.array(degrees), within=False)
    >>> abs(found.gamma) < 0.1, 0.3 < found.spread < 0.4
    (True, True)
    """
    data = _Data.of(degree, gained, places)
    reason = data.lacks()
    if reason:
        return _none(data, reason)
    return _fit(data, within=within and float(np.ptp(data.start)) > 1e-9)


# -- data --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Data:
    """Updates in which anything was gained, by side and neuron; neurons that ever had an edge.

    Attributes
    ----------
    log_k : ndarray, shape (T, n)
        Less the mean; 0 where there is no edge, and so no place that counts.
    gained, places : ndarray, shape (T, sides, n)
    start : ndarray, shape (n,)
        The first log_k of each neuron, less the mean.
    moved : ndarray of bool, shape (T, sides)
        Where anything was gained.
    """

    log_k: FloatArray
    gained: FloatArray
    places: FloatArray
    start: FloatArray
    moved: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, degree: npt.ArrayLike, gained: npt.ArrayLike, places: npt.ArrayLike) -> _Data:
        k, g, r = (np.asarray(a, dtype=np.float64) for a in (degree, gained, places))
        if k.ndim != 2 or g.shape != r.shape or g.ndim not in (2, 3):
            raise AnalysisError(
                "degrees (updates, neurons), gains and places (updates, sides, neurons) are "
                f"needed, got shapes {k.shape}, {g.shape} and {r.shape}"
            )
        if g.ndim == 2:
            g, r = g[:, None], r[:, None]
        if (g.shape[0], g.shape[2]) != k.shape:
            raise AnalysisError(f"degrees of {k.shape} and gains of {g.shape} do not fit")
        if min(a.min(initial=0.0) for a in (k, g, r)) < 0 or (g > r).any():
            raise AnalysisError(
                "degrees, gains and places must not be below 0, gains not beyond places"
            )
        there = (k > 0)[:, None] & (r > 0)
        g, r = np.where(there, g, 0.0), np.where(there, r, 0.0)
        moved, neurons = g.sum(2) > 0, there.any((0, 1))
        updates = moved.any(1)
        alive = (k > 0)[:, neurons]
        log_k = np.log(np.maximum(k[:, neurons], 1.0))
        first = log_k[np.argmax(alive, 0), np.arange(log_k.shape[1])] if len(k) else np.zeros(0)
        centre = log_k[alive].mean() if alive.any() else 0.0
        return cls(
            np.where(alive, log_k - centre, 0.0)[updates],
            g[updates][..., neurons],
            r[updates][..., neurons],
            first - first.mean() if len(first) else first,
            moved[updates],
        )

    def lacks(self) -> str:
        """Why nothing can be said; empty if it can."""
        events = round(self.gained.sum())
        if events < 10:
            return f"{events} events are fewer than ten"
        if len(self.moved) < 2:
            return "fewer than two updates: fitness and degree cannot be told apart"
        weight = self.places[self.moved]
        weight = weight / weight.sum(1, keepdims=True)
        log_k = self.log_k[np.nonzero(self.moved)[0]]
        mean = (weight * log_k).sum(1, keepdims=True)
        if (weight * (log_k - mean) ** 2).sum() < 1e-9:
            return "all neurons with an edge have the same degree"
        return ""


# -- likelihood --------------------------------------------------------------------------------


class _Likelihood:
    """Negative binomial over each neuron's gains; parameters gamma, log s, beta, log tau."""

    def __init__(self, data: _Data, *, within: bool) -> None:
        self.data, self.within = data, within
        self.total, self.by_row = data.gained.sum((0, 1)), data.gained.sum(2)[data.moved]
        self.seen = float((data.gained.sum(1) * data.log_k).sum())
        self.seen_start = float(self.total @ data.start)

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Minus the log-likelihood and its gradient, an event."""
        d, s, total = self.data, math.exp(theta[1]), self.total
        by_start = np.exp(theta[2] * d.start)
        tau = np.zeros(d.moved.shape)
        tau[d.moved] = np.exp(theta[3:])
        power = theta[0] * d.log_k
        np.exp(power, out=power)
        expected = np.einsum("ts,tsn->tn", tau, d.places)
        expected *= power
        sums = expected.sum(0)
        expected *= d.log_k
        logs = expected.sum(0)
        sums *= by_start
        fitness = (s + total) / (s + sums)
        weight = fitness * by_start
        value = (
            float(np.sum(gammaln(s + total) - gammaln(s) + s * theta[1]
                         - (s + total) * np.log(s + sums)))
            + theta[0] * self.seen + theta[2] * self.seen_start + float(self.by_row @ theta[3:])
        )  # fmt: skip
        gradient = np.empty_like(theta)
        gradient[0] = self.seen - float(weight @ logs)
        gradient[1] = float(self._by_s(s, sums, fitness).sum())
        gradient[2] = self.seen_start - (fitness * d.start) @ sums if self.within else 0.0
        power *= weight
        tau *= np.einsum("tsn,tn->ts", d.places, power)
        gradient[3:] = self.by_row - tau[d.moved]
        events = float(self.by_row.sum())
        return -value / events, -gradient / events

    def expected(self, theta: FloatArray) -> FloatArray:
        """Gains of a neuron of fitness 1, by update and side that gained; shape (rows, n)."""
        d = self.data
        power = np.exp(theta[0] * d.log_k + theta[2] * d.start)[np.nonzero(d.moved)[0]]
        return np.asarray(d.places[d.moved] * power * np.exp(theta[3:])[:, None])

    def _by_s(self, s: float, sums: FloatArray, fitness: FloatArray) -> FloatArray:
        """Each neuron's slope in log s."""
        return np.asarray(
            s * (psi(s + self.total) - psi(s) + math.log(s) + 1 - np.log(s + sums) - fitness)
        )

    def curvature(self, theta: FloatArray, *, free_s: bool) -> tuple[FloatArray, FloatArray]:
        """Scores, a column for each neuron, and the observed information.

        In the order gamma, beta if it is free, log tau, log s if it is free.
        """
        d, total, s = self.data, self.total, math.exp(theta[1])
        e, gained = self.expected(theta), d.gained[d.moved]
        log_k = d.log_k[np.nonzero(d.moved)[0]]
        sums = e.sum(0)
        fitness = (s + total) / (s + sums)
        by_degree = e * log_k
        shapes = [by_degree.sum(0)] + ([d.start * sums] if self.within else [])
        at = len(shapes)
        inner = np.vstack([*shapes, e])  # of the sum of what is expected, by parameter
        scores = -inner * fitness
        scores[0] += (gained * log_k).sum(0)
        scores[at:] += gained
        information = -(inner * (fitness / (s + sums))) @ inner.T
        information[0, 0] += float(((by_degree * log_k) @ fitness).sum())
        rows = by_degree @ fitness
        information[0, at:] += rows
        information[at:, 0] += rows
        if self.within:
            scores[1] += total * d.start
            information[1, 1] += float((fitness * d.start**2) @ sums)
            both = float((fitness * d.start) @ by_degree.sum(0))
            information[0, 1] += both
            information[1, 0] += both
            rows = e @ (fitness * d.start)
            information[1, at:] += rows
            information[at:, 1] += rows
        diagonal = np.arange(at, len(inner))
        information[diagonal, diagonal] += e @ fitness
        if not free_s:
            return scores, information
        own = self._by_s(s, sums, fitness)
        cross = inner @ (s * (1 - fitness) / (s + sums))
        bend = s**2 * (
            polygamma(1, s + total) - polygamma(1, s) + 1 / s - (2 - fitness) / (s + sums)
        )
        corner = -float((bend + own).sum())
        information = np.block([[information, cross[:, None]], [cross[None], np.array([[corner]])]])
        return np.vstack([scores, own]), information


# -- fit ---------------------------------------------------------------------------------------


def _fit(data: _Data, *, within: bool) -> Joint:
    """The maximum, with gains counted in units of their dispersion, which is found on the way."""
    dispersion, theta = 1.0, np.zeros(0)
    for last in (False,) * _ROUNDS + (True,):
        likelihood = _Likelihood(replace(data, gained=data.gained / dispersion), within=within)
        theta = _climb(likelihood, theta)
        new = max(1.0, _dispersion(data, likelihood, theta, dispersion))
        if last or abs(math.log(new / dispersion)) < _SAME:
            break
        theta[3:] += math.log(dispersion / new)
        dispersion = new
    # At the bound there is no fitness to speak of, and near it the likelihood is flat.
    free_s = theta[1] < _S_FLAT
    scores, information = likelihood.curvature(theta, free_s=free_s)
    others = np.linalg.pinv(information[1:, 1:], hermitian=True)
    alone = information[0, 0] - information[0, 1:] @ others @ information[1:, 0]
    if not alone > 1e-8 * information[0, 0]:
        return _none(data, "no clear maximum: degrees hardly change within neurons")
    inverse = np.linalg.pinv(information, hermitian=True)
    step = inverse @ scores.sum(1)
    error, start_error = (float(math.sqrt(x)) for x in ((inverse[:2] @ scores) ** 2).sum(1))
    if not abs(step[0]) <= 0.05 * error:
        return _none(data, "the fit did not converge")
    gamma = float(theta[0] + step[0])
    neurons = data.log_k.shape[1]
    half = float(stdtrit(max(1, neurons - 1), 0.975)) * error
    return Joint(
        gamma, gamma - half, gamma + half, error,
        math.exp(-theta[1] / 2) if free_s else 0.0, dispersion,
        float(theta[2]), start_error if within else math.nan,
        neurons, len(data.moved), round(data.gained.sum()),
    )  # fmt: skip


def _climb(likelihood: _Likelihood, theta: FloatArray) -> FloatArray:
    """The parameters where the likelihood is largest, from those of an earlier fit if any."""
    data = likelihood.data
    if not len(theta):
        tau = data.gained.sum(2)[data.moved] / data.places.sum(2)[data.moved]
        theta = np.concatenate([[0.0, 3.0, 0.0], np.log(tau)])
    free = (-20.0, 20.0)
    beta = free if likelihood.within else (0.0, 0.0)
    found = minimize(
        likelihood, theta, jac=True, method="L-BFGS-B",
        bounds=[free, (_S_LOW, _S_HIGH), beta, *[(None, None)] * (len(theta) - 3)],
        options={"maxiter": 1000, "maxfun": 2000, "maxcor": 20, "ftol": 1e-11, "gtol": 1e-6},
    )  # fmt: skip
    return np.asarray(found.x)


def _dispersion(data: _Data, likelihood: _Likelihood, theta: FloatArray, before: float) -> float:
    """Variance of the gains of a neuron in an update over their mean: 1 if they are Poisson."""
    s = math.exp(theta[1])
    made = likelihood.expected(theta)
    sums = made.sum(0)
    # Noise is a neuron's, so that its sides are taken together.
    rows = np.nonzero(data.moved)[0]
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    mean = np.add.reduceat(before * made * (s + likelihood.total) / (s + sums), first, axis=0)
    apart = data.gained.sum(1) - mean
    there = mean > 0
    # A neuron of its own fitness takes a degree of freedom, one of the common fitness none.
    left = np.count_nonzero(there) - len(theta) - float((sums / (s + sums)).sum())
    if left < 1:
        return 1.0
    return float((apart[there] ** 2 / mean[there]).sum()) / left


def _none(data: _Data, reason: str) -> Joint:
    nan = math.nan
    return Joint(
        nan, nan, nan, nan, nan, nan, nan, nan,
        data.log_k.shape[1], len(data.moved), round(data.gained.sum()), reason,
    )  # fmt: skip
