"""How unequal degrees are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError

__all__ = ["ccdf", "ccv", "gini", "top_share"]

FloatArray = npt.NDArray[np.float64]


def _values(degrees: npt.ArrayLike) -> npt.NDArray[Any]:
    values = np.asarray(degrees)
    if values.ndim != 1:
        raise AnalysisError(f"degrees must be one-dimensional, not of shape {values.shape}")
    if values.size and (not np.isfinite(values).all() or values.min() < 0):
        raise AnalysisError("degrees must be finite and not negative")
    return values


def ccv(degrees: npt.ArrayLike) -> float:
    """Coefficient of variation, std / mean, with the population standard deviation.

    Parameters
    ----------
    degrees : array_like, shape (n,)

    Returns
    -------
    float
        NaN for no degrees, or where all are 0.

    Raises
    ------
    AnalysisError
        For negative or non-finite values.

    Examples
    --------
    >>> ccv([2, 4, 4, 6])
    0.3535533905932738
    """
    values = _values(degrees)
    mean = values.mean() if len(values) else 0
    return float(values.std() / mean) if mean > 0 else math.nan


def gini(degrees: npt.ArrayLike) -> float:
    """Gini coefficient: 0 where all are equal, near 1 where one neuron has all edges.

    Mean absolute difference of all pairs over twice the mean.

    Parameters
    ----------
    degrees : array_like, shape (n,)

    Returns
    -------
    float
        NaN for no degrees, or where all are 0.

    Examples
    --------
    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 4])
    (0.0, 0.75)
    """
    values = np.sort(_values(degrees).astype(np.float64))
    total = values.sum()
    if not total > 0:
        return math.nan
    n = len(values)
    rank = np.arange(1, n + 1)
    return float(((2 * rank - n - 1) * values).sum() / (n * total))


def top_share(degrees: npt.ArrayLike, share: float = 0.01) -> float:
    """Share of all edge ends held by the top `share` of the neurons.

    Parameters
    ----------
    degrees : array_like, shape (n,)
    share : float
        In (0, 1]; ``ceil(share * n)`` neurons are counted.

    Returns
    -------
    float
        NaN for no degrees, or where all are 0.

    Examples
    --------
    >>> top_share([1, 1, 1, 7], 0.25)
    0.7
    """
    if not 0 < share <= 1:
        raise AnalysisError(f"share {share} is outside (0, 1]")
    values = np.sort(_values(degrees))[::-1]
    total = values.sum()
    if not total > 0:
        return math.nan
    count = math.ceil(round(share * len(values), 9))
    return float(values[:count].sum() / total)


def ccdf(
    degrees: npt.ArrayLike,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], FloatArray]:
    """The distribution: each degree that occurs, how often, and the share at or above it.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)

    Returns
    -------
    values, counts : ndarray of int64, shape (distinct,)
        Ascending degrees, and the number of neurons that have them.
    at_least : ndarray of float64, shape (distinct,)
        P(K >= k): 1 for the lowest.

    Examples
    --------
    >>> ccdf([0, 2, 2, 5])
    (array([0, 2, 5]), array([1, 2, 1]), array([1.  , 0.75, 0.25]))
    """
    values, counts = np.unique(_values(degrees).astype(np.int64), return_counts=True)
    counts = counts.astype(np.int64)
    at_least = counts[::-1].cumsum()[::-1] / max(int(counts.sum()), 1)
    return values, counts, at_least
