"""The exponent of gains by degree, and the fitness of neurons, told apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import stdtr, stdtrit

from topolab.metrics.attachment.joint_likelihood import JointData, JointLikelihood

__all__ = ["Joint", "fit_joint"]

FloatArray = npt.NDArray[np.float64]
# Limits of log s: from a spread of 55, which is no fitness, to one of 0.001, which is none; and
# a spread of 0.01, below which it makes no difference.
_S_LOW, _S_HIGH, _S_FLAT = -8.0, math.log(1e6), math.log(1e4)
# A dispersion is found when it changes by less than this part, or after so many rounds.
_SAME, _ROUNDS = 0.05, 12
# Room is as good as free where a gain finds this part of it used up, on average.
_USED = 0.01


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
    memory, memory_error : float
        Correlation of what a neuron gained beyond the fit in one update and in the next, and its
        standard error over neurons. About 0 if fitness is fixed and noise new in every update;
        above it where fitness drifts, which this fit takes for an effect of degree.
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
    memory: float = math.nan
    memory_error: float = math.nan

    @property
    def p_memory(self) -> float:
        """One-sided p-value of a memory not above 0."""
        return float(stdtr(max(1, self.neurons - 1), -self.memory / self.memory_error))

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
    Neurons without edges are left out while they have none. Places that are taken in an update are
    gone for the rest of it: r is the room on average over the update, r (1 - exp(-h)) / h for a
    hazard h, found in rounds.

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
    ...     gain = rng.binomial(500 - k, 0.006 * fitness)
    ...     degrees.append(k)
    ...     gains.append(gain)
    ...     k = k - rng.binomial(k, 0.1) + gain
    >>> found = fit_joint(degrees, gains, 500 - np.array(degrees), within=False)
    >>> abs(found.gamma) < 0.1, 0.3 < found.spread < 0.4
    (True, True)
    """
    data = JointData.of(degree, gained, places)
    reason = data.lacks()
    if reason:
        return _none(data, reason)
    return _fit(data, within=within and float(np.ptp(data.start)) > 1e-9)


# -- fit ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Settled:
    """A fit at which the dispersion and the room that gains leave are those of the fit itself.

    Attributes
    ----------
    likelihood : JointLikelihood
    theta : ndarray
        Its parameters.
    dispersion : float
    mean : ndarray, shape (T, n)
        What each neuron is expected to gain in each update, its sides together.
    stretch : float
        Of errors: the rounds hold the room fixed, while more weight leaves less of it.
    """

    likelihood: JointLikelihood
    theta: FloatArray
    dispersion: float
    mean: FloatArray
    stretch: float


def _fit(data: JointData, *, within: bool) -> Joint:
    """The maximum, and its error by the sandwich over neurons."""
    settled = _settle(data, within=within)
    theta = settled.theta
    # At the bound there is no fitness to speak of, and near it the likelihood is flat.
    free_s = theta[1] < _S_FLAT
    scores, information = settled.likelihood.curvature(theta, free_s=free_s)
    others = np.linalg.pinv(information[1:, 1:], hermitian=True)
    alone = information[0, 0] - information[0, 1:] @ others @ information[1:, 0]
    if not alone > 1e-8 * information[0, 0]:
        return _none(data, "no clear maximum: degrees hardly change within neurons")
    inverse = np.linalg.pinv(information, hermitian=True)
    step = inverse @ scores.sum(1)
    error, start_error = (float(math.sqrt(x)) for x in ((inverse[:2] @ scores) ** 2).sum(1))
    if not abs(step[0]) <= 0.05 * error:
        return _none(data, "the fit did not converge")
    error *= settled.stretch
    gamma = float(theta[0] + step[0])
    neurons = data.log_k.shape[1]
    half = float(stdtrit(max(1, neurons - 1), 0.975)) * error
    return Joint(
        gamma, gamma - half, gamma + half, error,
        math.exp(-theta[1] / 2) if free_s else 0.0, settled.dispersion,
        float(theta[2]), start_error * settled.stretch if within else math.nan,
        neurons, len(data.moved), round(data.gained.sum()), "",
        *_memory(data, settled.mean),
    )  # fmt: skip


def _settle(data: JointData, *, within: bool) -> _Settled:
    """Fits in rounds, each with the dispersion and the room that the one before had found."""
    dispersion, room, theta = 1.0, data.places, np.zeros(0)
    # Noise is a neuron's, so that its sides are taken together.
    update = np.flatnonzero(np.diff(np.nonzero(data.moved)[0], prepend=-1))
    for last in (False,) * _ROUNDS + (True,):
        working = replace(data, gained=data.gained / dispersion, places=room)
        likelihood = JointLikelihood(working, within=within)
        theta = _climb(likelihood, theta)
        by_side, freedom = likelihood.fitted(theta)
        by_side *= dispersion
        mean = np.add.reduceat(by_side, update, axis=0)
        new = max(1.0, _dispersion(data, mean, len(theta) + freedom))
        hazard = np.minimum(_over(by_side, room[data.moved]), 30.0)
        left = _room_left(data, hazard)
        used = np.abs(np.log(_over(left, room, 1.0)[data.moved]))
        crowded = (by_side * used).sum() > _USED * by_side.sum()
        if last or (abs(math.log(new / dispersion)) < _SAME and not crowded):
            break
        theta[3:] += math.log(dispersion / new)
        dispersion, room = new, left
    bent = by_side * _over(hazard, np.expm1(hazard), 1.0)
    return _Settled(likelihood, theta, dispersion, mean, float(by_side.sum() / bent.sum()))


def _climb(likelihood: JointLikelihood, theta: FloatArray) -> FloatArray:
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


def _over(above: FloatArray, below: FloatArray, otherwise: float = 0.0) -> FloatArray:
    """A ratio, where it is one."""
    out = np.full(above.shape, otherwise)
    return np.asarray(np.divide(above, below, out=out, where=below > 0))


def _room_left(data: JointData, hazard: FloatArray) -> FloatArray:
    """Free places on average over an update, in which each is taken with this hazard."""
    left = data.places.copy()
    left[data.moved] *= _over(-np.expm1(-hazard), hazard, 1.0)
    return left


def _dispersion(data: JointData, mean: FloatArray, freedom: float) -> float:
    """Variance of the gains of a neuron in an update over their mean: 1 if they are Poisson."""
    squares = _over((data.gained.sum(1) - mean) ** 2, mean)
    left = np.count_nonzero(mean) - freedom
    return float(squares.sum()) / left if left >= 1 else 1.0


def _memory(data: JointData, mean: FloatArray) -> tuple[float, float]:
    """Correlation of Pearson's residuals from one update to the next, and its error."""
    rest = _over(data.gained.sum(1) - mean, np.sqrt(mean))
    both, square = (rest[1:] * rest[:-1]).sum(0), (rest**2).sum(0)
    if not square.sum() > 0:
        return math.nan, math.nan
    memory = float(both.sum() / square.sum())
    return memory, float(math.sqrt(((both - memory * square) ** 2).sum()) / square.sum())


def _none(data: JointData, reason: str) -> Joint:
    nan = math.nan
    return Joint(
        nan, nan, nan, nan, nan, nan, nan, nan,
        data.log_k.shape[1], len(data.moved), round(data.gained.sum()), reason,
    )  # fmt: skip
