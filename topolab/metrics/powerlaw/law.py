"""The fit of a discrete power law to the tail of a degree sequence."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError
from topolab.metrics.powerlaw import kernels
from topolab.metrics.powerlaw.hurwitz import log_z_derivatives

__all__ = ["KS", "PowerLawFit", "Tally", "checked", "data_of", "fit", "ks_distance"]

KS = Literal["support", "integers"]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


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
    least_tail : int
        The fewest degrees that were accepted as a tail.
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
    least_tail: int = 10


@dataclass(frozen=True)
class Tally:
    """Distinct positive degrees and what is summed over them from above."""

    distinct: FloatArray
    logs: FloatArray
    above: FloatArray
    logs_above: FloatArray

    @classmethod
    def of(cls, degrees: IntArray) -> Tally:
        """Count a degree sequence; zeros are left out."""
        values, counts = np.unique(degrees[degrees > 0], return_counts=True)
        distinct = values.astype(np.float64)
        logs = np.log(distinct)
        above = np.append(counts[::-1].cumsum()[::-1], 0).astype(np.float64)
        logs_above = np.append((counts * logs)[::-1].cumsum()[::-1], 0.0)
        return cls(distinct, logs, above, logs_above)


def fit(
    degrees: npt.ArrayLike,
    x_min: int | None = None,
    x_max: int | None = None,
    ks: KS = "support",
    least_tail: int = 10,
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
        Largest possible degree, for instance a layer's width. Larger ones are left out.
    ks : {"support", "integers"}
        Where the distance is measured. support: just below each observed degree, as plfit, igraph
        and the powerlaw package do. integers: at every integer, as Clauset et al. do.
    least_tail : int
        A tail of fewer degrees is no basis for a fit, nor a candidate of the search. igraph and
        the powerlaw package go down to 2.

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
    values = checked(degrees, x_min, x_max, ks)
    if whole_number("least_tail", least_tail) < 2:
        raise AnalysisError(f"least_tail = {least_tail} must be at least 2")
    if x_max is not None:
        values = values[values <= x_max]
    tally = Tally.of(values)
    searched = x_min is None
    if x_min is None:
        # A tail of one distinct value has no exponent, so the largest is no candidate.
        x_mins = tally.distinct[:-1]
        reason = "fewer than two distinct positive degrees"
        if x_max is not None and len(x_mins):
            x_mins = x_mins[x_mins <= x_max - kernels.LEAST_SPAN]
            reason = f"no degree leaves room for a tail of ten below x_max = {x_max}"
        if len(x_mins):
            x_mins = x_mins[tally.above[: len(x_mins)] >= least_tail]
            reason = f"no tail of two degrees or more holds {least_tail} neurons"
    else:
        several = (tally.distinct >= x_min).sum() > 1
        x_mins = np.array([float(x_min)]) if several else np.zeros(0)
        reason = f"fewer than two distinct degrees at or above x_min = {x_min}"
        held = int((values >= x_min).sum())
        if len(x_mins) and held < least_tail:
            x_mins = x_mins[:0]
            reason = f"{held} degrees at or above x_min = {x_min} are fewer than {least_tail}"
    first = np.searchsorted(tally.distinct, x_mins).astype(np.int64)
    chosen = -1
    if len(x_mins):
        alpha, chosen, distance = kernels.best(
            tally.distinct, tally.logs, tally.above, tally.logs_above, first, x_mins,
            _bound(x_max), ks == "integers",
        )  # fmt: skip
        reason = "no exponent maximises the likelihood"
    if chosen < 0:
        at = int(np.searchsorted(tally.distinct, x_min or 1))
        nan = math.nan
        return PowerLawFit(
            nan, nan, x_min or 0, x_max, len(values), int(tally.above[at]), nan, ks, nan,
            searched, reason, least_tail,
        )  # fmt: skip
    at = int(first[chosen])
    log_x = math.log(x_mins[chosen])
    log_z, _, curvature = log_z_derivatives(alpha, float(x_mins[chosen]), _bound(x_max))
    n_tail = int(tally.above[at])
    return PowerLawFit(
        alpha=alpha,
        sigma=1 / math.sqrt(n_tail * curvature) if curvature > 0 else math.nan,
        x_min=int(x_mins[chosen]),
        x_max=x_max,
        n=len(values),
        n_tail=n_tail,
        ks_distance=distance,
        ks=ks,
        log_likelihood=float(-alpha * (tally.logs_above[at] - n_tail * log_x) - n_tail * log_z),
        searched=searched,
        least_tail=least_tail,
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

    Raises
    ------
    AnalysisError
        For data that are not those of the fit.
    """
    if law.reason:
        return math.nan
    checked([], None, None, ks)
    tally = Tally.of(data_of(degrees, law))
    first = int(np.searchsorted(tally.distinct, law.x_min))
    worst, _ = kernels.distance(
        tally.distinct, tally.logs, tally.above, first, law.alpha, float(law.x_min),
        _bound(law.x_max), ks == "integers", math.inf, first,
    )  # fmt: skip
    return worst


def _bound(x_max: int | None) -> float:
    return math.inf if x_max is None else float(x_max)


def data_of(degrees: npt.ArrayLike, law: PowerLawFit) -> IntArray:
    """The degrees that a law was fitted to, without those above its bound.

    Raises
    ------
    AnalysisError
        If these are others.
    """
    values = checked(degrees, None, None, law.ks)
    if law.x_max is not None:
        values = values[values <= law.x_max]
    if len(values) != law.n or int((values >= law.x_min).sum()) != law.n_tail:
        raise AnalysisError(
            f"these are not the degrees the law was fitted to: it had {law.n}, "
            f"{law.n_tail} of them in the tail"
        )
    return values


def checked(degrees: npt.ArrayLike, x_min: int | None, x_max: int | None, ks: str) -> IntArray:
    """Degrees as whole numbers.

    Raises
    ------
    AnalysisError
        If they are not that, or a parameter is impossible.
    """
    for name, bound in (("x_min", x_min), ("x_max", x_max)):
        if bound is not None and whole_number(name, bound) < 1:
            raise AnalysisError(f"{name} = {bound} must be at least 1")
    if x_max is not None and x_max <= (x_min or 1):
        raise AnalysisError(f"x_max = {x_max} must be above x_min")
    if ks not in ("support", "integers"):
        raise AnalysisError(f"ks convention {ks!r} is neither support nor integers")
    try:
        values = np.asarray(degrees)
    except ValueError as error:
        raise AnalysisError(f"degrees must be a sequence of numbers ({error})") from error
    if values.ndim != 1:
        raise AnalysisError(f"degrees must be one-dimensional, not of shape {values.shape}")
    if values.size == 0:
        return np.zeros(0, dtype=np.int64)
    if values.dtype.kind not in "iufb" or not np.isfinite(values).all():
        raise AnalysisError("degrees must be finite numbers")
    if values.min() < 0:
        raise AnalysisError("degrees must be whole numbers, none negative")
    if values.max() > 2**53:
        raise AnalysisError(f"degrees above 2^53 are not exact numbers here: {values.max()}")
    whole = values.astype(np.int64)
    if not np.array_equal(whole, values):
        raise AnalysisError("degrees must be whole numbers, none negative")
    return whole


def whole_number(name: str, value: object) -> int:
    """A parameter as an int.

    Raises
    ------
    AnalysisError
        If it is none.
    """
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError as error:
        raise AnalysisError(f"{name} = {value!r} must be a whole number") from error
