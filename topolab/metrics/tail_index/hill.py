"""Hill's estimator: the mean excess of the logarithms of the largest values."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from topolab.metrics.tail_index.base import (
    LEAST,
    TRIES,
    FloatArray,
    TailIndex,
    bootstrap_logs,
    log_moments,
    ordered_logs,
    sample_sizes,
)

__all__ = ["hill"]


def hill(values: npt.ArrayLike, *, replicates: int = 500, seed: int = 0) -> TailIndex:
    """The tail index by Hill's estimator; always above 0, whatever the data.

    How many of the largest values it takes comes from the double bootstrap of Danielsson et al.:
    where the mean square of M2 - 2 M1^2 is least, which has the same order as the error of M1.

    Parameters
    ----------
    values : array_like of float, shape (n,)
        Positive. For degrees see `add_noise`.
    replicates : int
        Bootstrap samples of each size.
    seed : int

    Returns
    -------
    TailIndex

    Raises
    ------
    AnalysisError
        For values that are not positive numbers.

    References
    ----------
    B. M. Hill, Annals of Statistics 3 (1975); J. Danielsson, L. de Haan, L. Peng, C. G. de Vries,
    Journal of Multivariate Analysis 76 (2001); Y. Qi, Communications in Statistics - Theory and
    Methods 37 (2008), for the constant.

    Examples
    --------
    >>> sample = 1 + np.random.default_rng(0).pareto(2.0, 2000)
    >>> abs(hill(sample).xi - 0.5) < 0.1
    True
    """
    logs = ordered_logs(values)
    n = len(logs)
    if n < LEAST:
        return TailIndex("hill", math.nan, 0, n, f"{n} values are fewer than {LEAST}")
    rng = np.random.default_rng(seed)
    n1, n2 = sample_sizes(n)
    k1, k2 = next(
        (
            found
            for found in (_two_best(logs, n1, n2, replicates, rng) for _ in range(TRIES))
            if found
        ),
        (0, 0),
    )
    if not k1:
        return TailIndex("hill", math.nan, 0, n, "the double bootstrap finds no number of values")
    constant = (1 + 2 * math.log(n1 / k1) / math.log(k1)) ** (math.log(k1) / math.log(n1) - 1)
    k = min(max(round(k1 * k1 / k2 * constant), 2), n - 1)
    return TailIndex("hill", float(log_moments(logs[None], 1)[0][0, k - 1]), k, n)


def _two_best(
    logs: FloatArray, n1: int, n2: int, replicates: int, rng: np.random.Generator
) -> tuple[int, int] | None:
    """Where the criterion is least in samples of either size; None if they contradict each other.

    The least value among the very largest data is an accident, which a k2 above k1 gives away:
    then those are left out, one in two hundred at a time.
    """
    curves = [_criterion(logs, size, replicates, rng) for size in (n1, n2)]
    for first in range(1, n2 // 2, max(1, len(logs) // 200)):
        k1, k2 = (first + 1 + int(np.argmin(curve[first:])) for curve in curves)
        if k2 <= k1:
            return k1, k2
    return None


def _criterion(
    logs: FloatArray, size: int, replicates: int, rng: np.random.Generator
) -> FloatArray:
    """Mean of (M2 - 2 M1^2)^2 for each k, over samples; up to 99 of 100 values."""
    total = np.zeros(size - 1)
    for sample in bootstrap_logs(logs, size, replicates, rng):
        m1, m2 = log_moments(sample, 2)
        total += ((m2 - 2 * m1**2) ** 2).sum(0)
    return total[: int(0.99 * size)] / replicates
