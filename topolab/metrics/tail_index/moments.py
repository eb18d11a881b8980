"""The moment estimator of Dekkers, Einmahl and de Haan: for tails of any index."""

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

__all__ = ["moments"]


def moments(values: npt.ArrayLike, *, replicates: int = 500, seed: int = 0) -> TailIndex:
    """The tail index by the moment estimator, M1 + 1 - 1 / (2 (1 - M1^2 / M2)).

    How many of the largest values it takes comes from the double bootstrap of Draisma et al.:
    where it is nearest to another estimator, which has the third moment.

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
    A. L. M. Dekkers, J. H. J. Einmahl, L. de Haan, Annals of Statistics 17 (1989); G. Draisma,
    L. de Haan, L. Peng, T. T. Pereira, Extremes 2 (1999).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> abs(moments(1 + rng.pareto(2.0, 2000)).xi - 0.5) < 0.2
    True
    >>> moments(rng.uniform(1, 2, 2000)).xi < 0
    True
    """
    logs = ordered_logs(values)
    n = len(logs)
    if n < LEAST:
        return TailIndex("moments", math.nan, 0, n, f"{n} values are fewer than {LEAST}")
    with np.errstate(divide="ignore", invalid="ignore"):
        by_k = _estimate(*log_moments(logs[None], 2))[0]
    rng = np.random.default_rng(seed)
    n1, n2 = sample_sizes(n)
    for _ in range(TRIES):
        k1, k2 = (_best(logs, size, replicates, rng) for size in (n1, n2))
        if 2 <= k2 <= k1:
            break
    else:
        return TailIndex(
            "moments", math.nan, 0, n, "the double bootstrap finds no number of values"
        )
    first = int(n**0.5)
    k = int(k1 * k1 / k2 * _constant(float(by_k[first - 1]), n1, k1))
    # The constant goes to 0 as its xi does from below: an estimate from two values is none.
    k = min(max(k, first), n - 1)
    return TailIndex("moments", float(by_k[k - 1]), k, n)


def _estimate(m1: FloatArray, m2: FloatArray) -> FloatArray:
    return np.asarray(m1 + 1 - 0.5 / (1 - m1**2 / m2))


def _best(logs: FloatArray, size: int, replicates: int, rng: np.random.Generator) -> int:
    """The k at which the two estimators are nearest, on average over samples."""
    total = np.zeros(size - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        for sample in bootstrap_logs(logs, size, replicates, rng):
            m1, m2, m3 = log_moments(sample, 3)
            other = np.sqrt(m2 / 2) + 1 - 2 / 3 / (1 - m1 * m2 / m3)
            # a sample whose largest values are one and the same has no moments there
            lost = (m2 <= 1e-12) | (np.abs(1 - m1**2 / m2) < 1e-10)
            total += np.where(lost, np.nan, (_estimate(m1, m2) - other) ** 2).sum(0)
    usable = np.where(np.isfinite(total), total, np.inf)[: int(0.99 * size)]
    return int(np.argmin(usable)) + 1


def _constant(xi: float, n1: int, k1: int) -> float:
    """How k1^2 / k2 has to be scaled, since what was minimised is not the error itself."""
    rho = math.log(k1) / (2 * math.log(k1 / n1))
    if xi >= 0:  # variances differ by 4, biases by -2 (1 - rho) / rho, whatever xi is
        return float((rho / (rho - 1)) ** (2 / (1 - 2 * rho)))
    variance = (1 - xi) ** 2 * (1 - 2 * xi) * (6 * xi**2 - xi + 1) / ((1 - 3 * xi) * (1 - 4 * xi))
    top = 1 - 8 * xi + 48 * xi**2 - 154 * xi**3 + 263 * xi**4 - 222 * xi**5 + 72 * xi**6
    other = 0.25 * (1 - xi) ** 2 * top / math.prod(1 - i * xi for i in range(2, 7))
    if xi < rho:
        bias = (1 - xi) * (1 - 2 * xi) / ((1 - rho - xi) * (1 - rho - 2 * xi))
        below = math.prod(1 - i * xi - rho for i in range(1, 4))
        other_bias = -0.5 * rho * (1 - xi) ** 2 / below
    else:
        bias = 1 / (1 - xi)
        root = math.sqrt((1 - xi) * (1 - 2 * xi))
        other_bias = (1 - 2 * xi - root) / ((1 - xi) * (1 - 2 * xi))
    return float((variance * other_bias**2 / (other * bias**2)) ** (1 / (1 - 2 * rho)))
