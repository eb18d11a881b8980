"""p-values of several tests that are read together."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["holm"]


def holm(p_values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """p-values adjusted by Holm's method.

    The smallest of n is multiplied by n, the next by n - 1, and so on; none gets smaller than the
    one before it, nor above 1. A test is rejected at a level where its adjusted p-value is not
    above it, and the chance of any false rejection is then at most that level.

    Parameters
    ----------
    p_values : array_like, shape (n,)

    Returns
    -------
    ndarray of float64, shape (n,)
        In the same order. What is not finite is NaN and does not count as a test.

    References
    ----------
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (1979).

    Examples
    --------
    >>> holm([0.01, 0.04, float("nan")])
    array([0.02, 0.04,  nan])
    """
    p = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(p))
    known = known[np.argsort(p[known])]
    out = np.full(p.shape, math.nan)
    times = np.arange(len(known), 0, -1)
    out[known] = np.minimum(np.maximum.accumulate(p[known] * times), 1.0)
    return out
