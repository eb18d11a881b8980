"""Tests of several seeds as one test."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

__all__ = ["above", "fisher", "half_width", "random_effects", "stouffer"]

# A bootstrap or a rounding can give 0 or 1, which no number of other seeds could outweigh.
_LEAST = 1e-12


def fisher(p_values: npt.ArrayLike) -> float:
    """Fisher's combined p-value: small where small p-values are more than chance gives.

    p-values that are larger than uniform ones make it larger, never smaller. What is not finite
    does not count; NaN if nothing is.

    References
    ----------
    R. A. Fisher, "Statistical methods for research workers" (1925), section 21.1.

    Examples
    --------
    >>> round(fisher([0.05, 0.05]), 4), round(fisher([0.3]), 4)
    (0.0175, 0.3)
    """
    p = _finite(p_values)
    if not len(p):
        return math.nan
    return float(chdtrc(2 * len(p), -2 * np.log(np.maximum(p, _LEAST)).sum()))


def stouffer(p_values: npt.ArrayLike) -> float:
    """Stouffer's combined p-value of one-sided tests: seeds that disagree outweigh each other.

    Examples
    --------
    >>> round(stouffer([0.05, 0.05]), 4), round(stouffer([0.05, 0.95]), 4)
    (0.01, 0.5)
    """
    p = np.clip(_finite(p_values), _LEAST, 1 - _LEAST)
    return float(ndtr(ndtri(p).sum() / math.sqrt(len(p)))) if len(p) else math.nan


def random_effects(values: npt.ArrayLike, errors: npt.ArrayLike) -> tuple[float, float, float]:
    """The mean of an effect over seeds, its standard error, and the spread between them.

    Parameters
    ----------
    values, errors : array_like, shape (n,)
        An estimate for each seed, and its standard error. A seed without either does not count.

    Returns
    -------
    mean, error, spread : float
        The spread is the standard deviation of the true effects (DerSimonian and Laird).

    References
    ----------
    R. DerSimonian, N. Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7
    (1986).

    Examples
    --------
    >>> [round(x, 3) for x in random_effects([1.0, 1.2], [0.1, 0.1])]
    [1.1, 0.1, 0.1]
    """
    x, e = np.asarray(values, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    known = np.isfinite(x) & np.isfinite(e) & (e > 0)
    x, e = x[known], e[known]
    if not len(x):
        return math.nan, math.nan, math.nan
    weight = e**-2.0
    fixed = float(weight @ x / weight.sum())
    excess = float(weight @ (x - fixed) ** 2) - (len(x) - 1)
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    variance = max(0.0, excess / scale) if scale > 0 else 0.0
    weight = 1 / (e**2 + variance)
    mean = float(weight @ x / weight.sum())
    return mean, 1 / math.sqrt(float(weight.sum())), math.sqrt(variance)


def above(value: float, error: float, limit: float, *, spread: float, seeds: int) -> float:
    """One-sided p-value of a mean over seeds that is not above a limit.

    Where the seeds differ by more than their own errors, that spread is known only as well as so
    many of them tell: Student's distribution, not the normal one.

    Examples
    --------
    >>> round(above(0.2, 0.05, 0.1, spread=0.0, seeds=3), 4)
    0.0228
    >>> round(above(0.2, 0.05, 0.1, spread=0.1, seeds=3), 4)
    0.0918
    """
    if not (math.isfinite(error) and error > 0):
        return math.nan
    t = (limit - value) / error
    return float(stdtr(seeds - 1, t) if spread > 0 and seeds > 1 else ndtr(t))


def half_width(error: float, *, spread: float, seeds: int) -> float:
    """Half of the 95 % interval of a mean over seeds, by the distribution of `above`.

    Examples
    --------
    >>> round(half_width(1.0, spread=0.0, seeds=3), 2), round(half_width(1.0, spread=1, seeds=3), 2)
    (1.96, 4.3)
    """
    return error * float(stdtrit(seeds - 1, 0.975) if spread > 0 and seeds > 1 else ndtri(0.975))


def _finite(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]
