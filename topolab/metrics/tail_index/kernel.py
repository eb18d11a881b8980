"""The kernel-type estimator of Groeneboom, Lopuhaa and de Wolf: smooth in the number of values."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from topolab.metrics.tail_index.base import (
    LEAST,
    FloatArray,
    TailIndex,
    bootstrap_logs,
    ordered_logs,
    sample_sizes,
)

__all__ = ["kernel"]

_STEPS = 100
# The bandwidths begin at so many values: with fewer the weights are all but one value's.
_FEWEST = 8
_ALPHA = 0.6  # smoothing, above 1/2; as Voitalov et al. have it
#: (1 - u^2)^2 and (1 - u^2)^3, as the coefficients of 1, u^2, u^4, u^6.
_BIWEIGHT = 15 / 8 * np.array([1.0, -2.0, 1.0, 0.0])
_TRIWEIGHT = 35 / 16 * np.array([1.0, -3.0, 3.0, -1.0])


def kernel(values: npt.ArrayLike, *, replicates: int = 500, seed: int = 0) -> TailIndex:
    """The tail index by the kernel-type estimator, with a biweight kernel.

    Its bandwidth, the share of the values that count, comes from a double bootstrap: where it is
    nearest to the estimator with a triweight kernel.

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
        Its k is the bandwidth times n.

    Raises
    ------
    AnalysisError
        For values that are not positive numbers.

    References
    ----------
    P. Groeneboom, H. P. Lopuhaa, P. P. de Wolf, Annals of Statistics 31 (2003).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> abs(kernel(1 + rng.pareto(2.0, 2000)).xi - 0.5) < 0.2
    True
    >>> kernel(rng.uniform(1, 2, 2000)).xi < 0
    True
    """
    logs = ordered_logs(values)
    n = len(logs)
    if n < LEAST:
        return TailIndex("kernel", math.nan, 0, n, f"{n} values are fewer than {LEAST}")
    rng = np.random.default_rng(seed)
    n1, n2 = sample_sizes(n)
    h1, h2 = (_best(logs, size, replicates, rng) for size in (n1, n2))
    log_n, log_h = math.log(n1), math.log(h1)
    constant = (143 * (log_n + log_h) ** 2 / (3 * (log_n - 13 * log_h) ** 2)) ** (-log_h / log_n)
    h = min(max(h1 * h1 / h2 * constant, _FEWEST / n), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        xi = float(estimates(logs[None], np.array([h]), _BIWEIGHT)[0, 0])
    if not math.isfinite(xi):
        return TailIndex("kernel", math.nan, 0, n, "the values that count are all the same")
    return TailIndex("kernel", xi, int(h * n), n)


def estimates(logs: FloatArray, h: FloatArray, coefficients: FloatArray) -> FloatArray:
    """The estimate for each sample and bandwidth, shape (r, len(h)).

    With the kernel phi_h(u) = phi(u / h) / h over the spacings of the ordered logarithms,
    sum u phi_h - 1 + sum (u^(alpha + 1) phi_h)' / sum u^alpha phi_h.
    """
    n = logs.shape[1]
    u = np.arange(1, n) / n
    spacings = logs[:, :-1] - logs[:, 1:]
    inside = u < h[:, None]
    powers = (u / h[:, None])[..., None] ** np.array([0, 2, 4, 6])
    shape = np.where(inside, (powers @ coefficients) / h[:, None], 0.0)
    # d/du of u^(alpha + 1) u^(2 j) is (alpha + 1 + 2 j) u^alpha u^(2 j)
    slope = powers @ (coefficients * (1 + _ALPHA + np.array([0, 2, 4, 6])))
    slope = np.where(inside, slope / h[:, None], 0.0) * u**_ALPHA
    positive = spacings @ (shape * u).T
    return np.asarray(positive - 1 + (spacings @ slope.T) / (spacings @ (shape * u**_ALPHA).T))


def _best(logs: FloatArray, size: int, replicates: int, rng: np.random.Generator) -> float:
    """The bandwidth at which the two kernels are nearest, on average over samples."""
    h = np.geomspace(_FEWEST / size, 0.99, _STEPS)
    total = np.zeros(_STEPS)
    with np.errstate(divide="ignore", invalid="ignore"):
        for sample in bootstrap_logs(logs, size, replicates, rng):
            difference = estimates(sample, h, _BIWEIGHT) - estimates(sample, h, _TRIWEIGHT)
            total += (difference**2).sum(0)
    return float(h[np.argmin(np.where(np.isfinite(total), total, np.inf))])
