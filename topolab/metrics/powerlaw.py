"""Discrete power laws by maximum likelihood, and how far the data are from them.

p(k) = k^-alpha / Z(alpha), k = x_min, x_min + 1, ..., with the exact Hurwitz zeta function
Z(alpha) = zeta(alpha, x_min), less zeta(alpha, x_max + 1) where degrees are bounded by x_max.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import zeta

from topolab.errors import AnalysisError

__all__ = [
    "GoodnessOfFit",
    "PowerLawFit",
    "fit",
    "goodness_of_fit",
    "ks_distance",
    "log_hurwitz",
    "sample_tail",
]

KS = Literal["support", "integers"]
FloatArray = npt.NDArray[np.float64]
# The exponents looked at: below 1 there is no law without a bound, and beyond 40 a tail is
# a single value for every purpose.
ALPHA_LOW, ALPHA_HIGH = 1.0 + 1e-6, 40.0
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class PowerLawFit:
    """A fitted law, or the reason why there is none.

    Attributes
    ----------
    alpha : float
        Exponent.
    sigma : float
        Its standard error, from the observed Fisher information.
    x_min : int
        Smallest degree of the tail; 0 where there is no fit and none was given.
    x_max : int or None
        Largest possible degree, if one was given.
    n, n_tail : int
        Degrees in all (zeros included), and those in the tail.
    ks_distance : float
        Kolmogorov-Smirnov distance over the tail, in the convention `ks`.
    ks : {"support", "integers"}
    log_likelihood : float
        Of the tail.
    searched : bool
        Whether x_min was searched rather than given.
    reason : str
        Why there is no fit; empty where there is one.
    """

    alpha: float
    sigma: float
    x_min: int
    x_max: int | None
    n: int
    n_tail: int
    ks_distance: float
    ks: KS
    log_likelihood: float
    searched: bool
    reason: str = ""


@dataclass(frozen=True)
class GoodnessOfFit:
    """How plausible a fitted law is.

    Attributes
    ----------
    p_value : float
        Share of replicates at least as far from their own fit as the data from theirs.
    standard_error : float
        Of the p-value, sqrt(p (1 - p) / replicates).
    replicates : int
    """

    p_value: float
    standard_error: float
    replicates: int


def log_hurwitz(alpha: npt.ArrayLike, x_min: npt.ArrayLike, x_max: int | None = None) -> FloatArray:
    """ln of the normalisation: zeta(alpha, x_min), less zeta(alpha, x_max + 1) if bounded.

    Examples
    --------
    >>> round(float(log_hurwitz(2.58, 2)), 8)
    -1.16389915
    """
    exponent = np.asarray(alpha, dtype=np.float64)
    total = np.asarray(zeta(exponent, np.asarray(x_min, dtype=np.float64)))
    if x_max is not None:
        total = total - np.asarray(zeta(exponent, x_max + 1.0))
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(total), dtype=np.float64)


def fit(
    degrees: npt.ArrayLike,
    x_min: int | None = None,
    x_max: int | None = None,
    ks: KS = "support",
) -> PowerLawFit:
    """Fit a discrete power law to the tail of a degree sequence.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
        Zeros are allowed; they are in no tail.
    x_min : int, optional
        Where the tail begins. Without it every observed degree is tried, and the one with the
        smallest KS distance is taken (the smallest degree, if several have it).
    x_max : int, optional
        Largest possible degree, for instance a layer's width.
    ks : {"support", "integers"}
        Where the distance is measured. support: just below each observed degree, as plfit, igraph
        and the powerlaw package do. integers: at every integer, as Clauset et al. do.

    Returns
    -------
    PowerLawFit
        With NaN and a reason where there is nothing to fit.

    Raises
    ------
    AnalysisError
        For negative, fractional or non-finite degrees, or an impossible x_min or x_max.

    References
    ----------
    A. Clauset, C. R. Shalizi, M. E. J. Newman, "Power-law distributions in empirical data", SIAM
    Review 51 (2009).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> law = fit(rng.zipf(2.5, 5000), x_min=1)
    >>> abs(law.alpha - 2.5) < 3 * law.sigma
    True
    """
    values = _checked(degrees, x_min, x_max, ks)
    if x_max is not None:
        values = values[values <= x_max]
    distinct, counts = np.unique(values[values > 0], return_counts=True)
    n = len(values)
    searched = x_min is None
    if x_min is None:
        # A tail of one distinct value has no exponent, so the largest is no candidate.
        candidates = distinct[:-1]
        reason = "fewer than two distinct positive degrees"
    else:
        candidates = np.array([x_min]) if (distinct >= x_min).sum() > 1 else distinct[:0]
        reason = f"fewer than two distinct degrees at or above x_min = {x_min}"
    if not len(candidates):
        n_tail = int(counts[distinct >= (x_min or 1)].sum())
        return _no_fit(n, n_tail, x_min, x_max, ks, searched, reason)
    law = _best(distinct.astype(np.float64), counts.astype(np.float64), candidates, x_max, ks)
    if law is None:
        n_tail = int(counts[distinct >= candidates[0]].sum())
        return _no_fit(
            n, n_tail, x_min, x_max, ks, searched, "no exponent maximises the likelihood"
        )
    alpha, chosen, n_tail, distance, likelihood = law
    return PowerLawFit(
        alpha=alpha,
        sigma=_sigma(alpha, chosen, x_max, n_tail),
        x_min=chosen,
        x_max=x_max,
        n=n,
        n_tail=n_tail,
        ks_distance=distance,
        ks=ks,
        log_likelihood=likelihood,
        searched=searched,
    )


def ks_distance(degrees: npt.ArrayLike, law: PowerLawFit, ks: KS) -> float:
    """The distance between data and a law that was fitted to them, in either convention.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
    law : PowerLawFit
    ks : {"support", "integers"}

    Returns
    -------
    float
        NaN where the law is no fit.
    """
    values = _checked(degrees, None, None, ks)
    if law.reason:
        return math.nan
    inside = (values >= law.x_min) & (values <= (law.x_max or values.max()))
    distinct, counts = np.unique(values[inside], return_counts=True)
    return _distance(
        distinct.astype(np.float64), counts.astype(np.float64), law.alpha, law.x_min, law.x_max, ks
    )


def _checked(
    degrees: npt.ArrayLike, x_min: int | None, x_max: int | None, ks: str
) -> npt.NDArray[np.int64]:
    values = np.asarray(degrees)
    if values.ndim != 1:
        raise AnalysisError(f"degrees must be one-dimensional, not of shape {values.shape}")
    if values.size == 0:
        return np.zeros(0, dtype=np.int64)
    if values.dtype.kind not in "iufb" or not np.isfinite(values).all():
        raise AnalysisError("degrees must be finite numbers")
    whole = values.astype(np.int64)
    if not np.array_equal(whole, values) or whole.min() < 0:
        raise AnalysisError("degrees must be whole numbers, none negative")
    if x_min is not None and x_min < 1:
        raise AnalysisError(f"x_min = {x_min} must be at least 1")
    if x_max is not None and x_max <= (x_min or 1):
        raise AnalysisError(f"x_max = {x_max} must be above x_min")
    if ks not in ("support", "integers"):
        raise AnalysisError(f"ks convention {ks!r} is neither support nor integers")
    return whole


def _no_fit(
    n: int, n_tail: int, x_min: int | None, x_max: int | None, ks: KS, searched: bool, reason: str
) -> PowerLawFit:
    nan = math.nan
    return PowerLawFit(nan, nan, x_min or 0, x_max, n, n_tail, nan, ks, nan, searched, reason)


def _best(
    distinct: FloatArray,
    counts: FloatArray,
    candidates: npt.NDArray[Any],
    x_max: int | None,
    ks: KS,
) -> tuple[float, int, int, float, float] | None:
    """(alpha, x_min, n_tail, distance, log-likelihood) of the candidate with the least distance."""
    logs = np.log(distinct)
    first = np.searchsorted(distinct, candidates)
    tail_n = counts[::-1].cumsum()[::-1][first]
    tail_log = (counts * logs)[::-1].cumsum()[::-1][first]
    x_mins = candidates.astype(np.float64)
    alphas = _maximise(tail_log / tail_n, x_mins, x_max)
    likelihoods = -alphas * tail_log - tail_n * log_hurwitz(alphas, x_mins, x_max)
    # An exponent at the border of the search is no maximum.
    inside = (alphas < ALPHA_HIGH - 1e-3) & ((alphas > ALPHA_LOW + 1e-3) | (x_max is not None))
    inside &= np.isfinite(likelihoods)
    best: tuple[float, int, int, float, float] | None = None
    for i in np.flatnonzero(inside):
        at = int(first[i])
        distance = _distance(
            distinct[at:], counts[at:], float(alphas[i]), float(x_mins[i]), x_max, ks
        )
        if best is None or distance < best[3]:
            best = (
                float(alphas[i]), int(candidates[i]), int(tail_n[i]), distance,
                float(likelihoods[i]),
            )  # fmt: skip
    return best


def _maximise(mean_log: FloatArray, x_mins: FloatArray, x_max: int | None) -> FloatArray:
    """The exponent of the highest likelihood for each tail, by golden section on all at once.

    The mean log-likelihood -alpha m - ln Z(alpha) is concave in alpha.
    """
    low_limit = ALPHA_LOW if x_max is None else -2.0
    low = np.full(len(x_mins), low_limit)
    high = np.full(len(x_mins), ALPHA_HIGH)

    def negative(alpha: FloatArray) -> FloatArray:
        return alpha * mean_log + _log_z(alpha, x_mins, x_max)

    left = high - _GOLDEN * (high - low)
    right = low + _GOLDEN * (high - low)
    at_left, at_right = negative(left), negative(right)
    for _ in range(48):  # 40 * 0.618^48 is 4e-9, finer than the likelihood's own rounding
        go_left = at_left < at_right
        high = np.where(go_left, right, high)
        low = np.where(go_left, low, left)
        new = np.where(go_left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        value = negative(new)
        left, right = np.where(go_left, new, right), np.where(go_left, left, new)
        at_left, at_right = np.where(go_left, value, at_right), np.where(go_left, at_left, value)
    return np.asarray((low + high) / 2)


def _log_z(alpha: FloatArray, x_min: FloatArray, x_max: int | None) -> FloatArray:
    """ln Z relative to x_min^-alpha's scale, stable for large alpha and for bounded laws."""
    if x_max is None:
        with np.errstate(divide="ignore"):
            direct = np.log(zeta(alpha, x_min))
        # zeta underflows only where its first term is all of it
        return np.asarray(np.where(np.isfinite(direct), direct, -alpha * np.log(x_min)))
    out = np.empty(len(alpha))
    for i in range(len(alpha)):
        k = np.arange(x_min[i], x_max + 1.0)
        exponents = -alpha[i] * np.log(k)
        peak = exponents.max()
        out[i] = peak + math.log(np.exp(exponents - peak).sum())
    return out


def _survival(k: FloatArray, alpha: float, x_min: float, x_max: int | None) -> FloatArray:
    """P(K >= k) of the law."""
    if x_max is not None:
        support = np.arange(x_min, x_max + 1.0)
        weights = (support / x_min) ** -alpha
        tail = np.concatenate([weights[::-1].cumsum()[::-1], [0.0]])
        where = np.clip(k - x_min, 0, len(support)).astype(np.int64)
        return np.asarray(tail[where] / tail[0])
    return np.asarray(zeta(alpha, k) / zeta(alpha, x_min))


def _distance(
    distinct: FloatArray, counts: FloatArray, alpha: float, x_min: float, x_max: int | None, ks: KS
) -> float:
    n = counts.sum()
    below = (counts.cumsum() - counts) / n  # share of the data below each observed degree
    model_below = 1 - _survival(distinct, alpha, x_min, x_max)
    left = float(np.abs(below - model_below).max())
    if ks == "support":
        return left
    # Between two observed degrees the data stand still and the law rises, so the distance is
    # largest at the ends of the gap: at the degree itself, and just below the next one.
    at = below + counts / n
    model_at = 1 - _survival(distinct + 1, alpha, x_min, x_max)
    return max(left, float(np.abs(at - model_at).max()))


def _sigma(alpha: float, x_min: int, x_max: int | None, n_tail: int) -> float:
    """Standard error from the curvature of ln Z, by central differences."""
    h = 1e-3
    grid = np.array([alpha - h, alpha, alpha + h])
    if x_max is None and grid[0] <= 1:
        return math.nan
    values = _log_z(grid, np.full(3, float(x_min)), x_max)
    curvature = (values[0] - 2 * values[1] + values[2]) / h**2
    return float(1 / math.sqrt(n_tail * curvature)) if curvature > 0 else math.nan


def sample_tail(law: PowerLawFit, size: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw degrees from a fitted tail, exactly, by inversion.

    Parameters
    ----------
    law : PowerLawFit
    size : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (size,)
    """
    u = 1 - rng.random(size)  # in (0, 1]: draw k with P(K >= k) >= u > P(K >= k + 1)
    low = np.full(size, law.x_min, dtype=np.int64)
    high = low * 2
    limit = law.x_max if law.x_max is not None else 2**53
    while True:
        open_ = _survival(high.astype(np.float64), law.alpha, law.x_min, law.x_max) >= u
        if not open_.any() or (high[open_] >= limit).all():
            break
        low[open_] = high[open_]
        high[open_] = np.minimum(high[open_] * 2, limit + 1)
    high = np.minimum(high, limit + 1)
    while (high - low > 1).any():
        middle = (low + high) // 2
        up = _survival(middle.astype(np.float64), law.alpha, law.x_min, law.x_max) >= u
        low, high = np.where(up, middle, low), np.where(up, high, middle)
    return low


def goodness_of_fit(
    degrees: npt.ArrayLike,
    law: PowerLawFit,
    *,
    replicates: int = 2500,
    seed: int = 0,
) -> GoodnessOfFit:
    """The semi-parametric bootstrap of Clauset, Shalizi and Newman.

    Each replicate has as many degrees as the data; each of them comes from the fitted tail with
    probability n_tail / n, else from the observed degrees below x_min. It is fitted as the data
    were: with its own search of x_min if theirs was searched, with the same x_min if it was given.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
        The data that `law` was fitted to.
    law : PowerLawFit
    replicates : int
        2,500 give the p-value to 0.01.
    seed : int
        Every replicate has a generator of its own from it.

    Returns
    -------
    GoodnessOfFit
        NaN where the law is no fit. By the authors' rule p <= 0.1 rejects the power law.

    Examples
    --------
    >>> data = np.random.default_rng(1).zipf(2.5, 300)
    >>> goodness_of_fit(data, fit(data, x_min=1), replicates=50).p_value > 0.1
    True
    """
    if replicates < 1:
        raise AnalysisError(f"replicates = {replicates}: at least one is needed")
    if not math.isfinite(law.alpha):
        return GoodnessOfFit(math.nan, math.nan, 0)
    values = _checked(degrees, None, None, law.ks)
    if law.x_max is not None:
        values = values[values <= law.x_max]
    body = values[values < law.x_min]
    further = 0
    for child in np.random.SeedSequence(seed).spawn(replicates):
        rng = np.random.default_rng(child)
        in_tail = int(rng.binomial(len(values), law.n_tail / len(values)))
        tail = sample_tail(law, in_tail, rng)
        rest = rng.choice(body, len(values) - in_tail) if len(body) else body
        replicate = fit(
            np.concatenate([tail, rest]), None if law.searched else law.x_min, law.x_max, law.ks
        )
        further += replicate.ks_distance >= law.ks_distance
    p = further / replicates
    return GoodnessOfFit(p, math.sqrt(p * (1 - p) / replicates), replicates)
