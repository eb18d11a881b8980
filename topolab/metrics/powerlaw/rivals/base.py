"""What a rival of the power law is: a discrete distribution over a tail, and how it is fitted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "Rival", "Tail", "log_difference", "log_mass"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tail:
    """The degrees that a power law was fitted to, counted.

    Attributes
    ----------
    k, weight : ndarray, shape (d,)
        Distinct degrees, ascending, and how often each occurs.
    x_min, x_max : float
        The first degree of the tail and the last possible one, which may be infinite.
    alpha : float
        Exponent of the power law.
    """

    k: FloatArray
    weight: FloatArray
    x_min: float
    x_max: float
    alpha: float

    @cached_property
    def n(self) -> float:
        """How many degrees there are."""
        return float(self.weight.sum())

    def mean(self, values: FloatArray) -> float:
        """Mean over the degrees of something that is given for each distinct one."""
        return float(self.weight @ values) / self.n

    def spread(self, values: FloatArray) -> float:
        """Standard deviation over the degrees of something given for each distinct one."""
        return math.sqrt(max(self.mean((values - self.mean(values)) ** 2), 0.0))


@dataclass(frozen=True)
class Rival:
    """A distribution that a power law is held against.

    Attributes
    ----------
    log_pmf : callable
        ln P(K = k) for degrees of shape (d,) and parameters of shape (m, p), with x_min and x_max;
        shape (m, d). Infinite where the parameters give no distribution.
    starts : callable
        Parameters to begin at, shape (s, p), for a tail.
    scales : callable
        By how much a parameter has to move until the likelihood notices, shape (p,).
    bounds : tuple of (float, float)
        Of each parameter.
    rims : tuple of (str, str)
        Of each parameter, the law that its lower and its upper bound stand for; empty where the
        bound is no law, so that a likelihood which still rises there has no maximum.
    names : callable
        The parameters by name, for parameters of shape (p,) and x_min.
    nested : bool
        Whether the power law is one of these distributions.
    """

    log_pmf: Callable[[FloatArray, FloatArray, float, float], FloatArray]
    starts: Callable[[Tail], list[list[float]]]
    scales: Callable[[Tail], list[float]]
    bounds: tuple[tuple[float, float], ...]
    rims: tuple[tuple[str, str], ...]
    names: Callable[[FloatArray, float], dict[str, float]]
    nested: bool = False


def log_difference(high: FloatArray, low: FloatArray) -> FloatArray:
    """ln(e^high - e^low), high >= low.

    Examples
    --------
    >>> round(float(np.exp(log_difference(np.log([3.0]), np.log([1.0])))[0]), 12)
    2.0
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        # expm1, not exp: two survivals that are nearly equal must not cancel
        out = high + np.log(-np.expm1(np.minimum(low - high, 0.0)))
    return np.asarray(np.where(np.isneginf(high), -np.inf, out))


def log_mass(below: FloatArray, above: FloatArray, to_below: FloatArray, to_above: FloatArray
             ) -> FloatArray:  # fmt: skip
    """ln of P(a <= X < b), from ln P(X < a), ln P(X >= a), and the same of b.

    From the tail that is the smaller one, since a difference of two numbers near 1 has no digits.
    """
    by_cdf, by_survival = log_difference(to_below, below), log_difference(above, to_above)
    return np.where(below + to_below < above + to_above, by_cdf, by_survival)
