"""What every estimator of a tail index takes and returns, and the bootstrap samples it draws."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError

__all__ = [
    "LEAST",
    "TRIES",
    "FloatArray",
    "TailIndex",
    "add_noise",
    "bootstrap_logs",
    "log_moments",
    "ordered_logs",
    "sample_sizes",
]

FloatArray = npt.NDArray[np.float64]
#: Fewer values than this have no tail to speak of.
LEAST = 50
#: How often a double bootstrap is drawn anew where its two sizes contradict each other.
TRIES = 20
# Numbers of bootstrap samples held at a time.
_MOST_NUMBERS = 2**21


@dataclass(frozen=True)
class TailIndex:
    """An estimated tail index, or the reason why there is none.

    Attributes
    ----------
    estimator : {"hill", "moments", "kernel"}
    xi : float
        Above 0 for a power law in the wide sense, 0 for an exponential and lighter tails without
        an end, below 0 for a tail that ends.
    k : int
        How many of the largest values it rests on.
    n : int
        How many values there are.
    reason : str
    """

    estimator: str
    xi: float
    k: int
    n: int
    reason: str = ""

    @property
    def gamma(self) -> float:
        """Exponent of the probability of a degree, 1 + 1 / xi; infinite where xi is not above 0.

        Examples
        --------
        >>> TailIndex("hill", 0.5, 40, 1000).gamma
        3.0
        """
        if self.xi > 0:
            return 1 + 1 / self.xi
        return math.nan if math.isnan(self.xi) else math.inf


def add_noise(degrees: npt.ArrayLike, seed: int = 0) -> FloatArray:
    """Degrees as real numbers: each moved by up to a half, so that no two are the same.

    The estimators are for continuous data, and ties of whole numbers mislead them; the tail index
    is not changed by it. Degrees of 0 are left out: they are in no tail.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
    seed : int

    Returns
    -------
    ndarray of float64, at most n of them

    Raises
    ------
    AnalysisError
        For degrees that are not whole numbers from 0 on.

    Examples
    --------
    >>> add_noise([0, 3, 3, 7]).round().tolist()
    [3.0, 3.0, 7.0]
    """
    values = np.asarray(degrees)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iufb"):
        raise AnalysisError("degrees must be a one-dimensional sequence of numbers")
    values = values.astype(np.float64)
    if values.size and not (np.isfinite(values).all() and (values >= 0).all()
                            and (values == np.round(values)).all()):  # fmt: skip
        raise AnalysisError("degrees must be whole numbers, none negative")
    positive = values[values > 0]
    return np.asarray(positive + np.random.default_rng(seed).uniform(-0.5, 0.5, len(positive)))


def ordered_logs(values: npt.ArrayLike) -> FloatArray:
    """Logarithms, the largest first.

    Raises
    ------
    AnalysisError
        For values that are not positive numbers.
    """
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not np.isfinite(found).all() or (found <= 0).any():
        raise AnalysisError("a tail index needs a one-dimensional sequence of positive numbers")
    return np.log(np.sort(found)[::-1])


def sample_sizes(n: int) -> tuple[int, int]:
    """Sizes of the two bootstraps: n1, so that n2 = n1^2 / n is half of the data.

    Examples
    --------
    >>> sample_sizes(1000)
    (707, 499)
    """
    epsilon = 0.5 * (1 + math.log(n // 2) / math.log(n))
    n1 = int(n**epsilon)
    return n1, n1 * n1 // n


def bootstrap_logs(
    logs: FloatArray, size: int, replicates: int, rng: np.random.Generator
) -> Iterator[FloatArray]:
    """Samples with replacement, the largest first in each row; a few at a time."""
    rows = max(1, _MOST_NUMBERS // size)
    for start in range(0, replicates, rows):
        drawn = rng.integers(0, len(logs), (min(rows, replicates - start), size))
        drawn.sort(axis=1)
        yield logs[drawn]


def log_moments(logs: FloatArray, highest: int) -> list[FloatArray]:
    """Mean of (ln X_i - ln X_(k+1))^m over the k largest, for k = 1, 2, ... and m up to `highest`.

    Parameters
    ----------
    logs : ndarray, shape (r, n)
        The largest first in each row.
    highest : int
        At most 3.

    Returns
    -------
    list of ndarray, each of shape (r, n - 1)
    """
    # From the middle of the data, so that powers of logarithms do not cancel.
    logs = logs - logs.mean()
    k = np.arange(1, logs.shape[1])
    last = logs[:, 1:]
    sums = [np.cumsum(logs[:, :-1] ** m, axis=1) / k for m in range(1, highest + 1)]
    found = [sums[0] - last]
    if highest > 1:
        found.append(sums[1] - 2 * last * sums[0] + last**2)
    if highest > 2:
        found.append(sums[2] - 3 * last * sums[1] + 3 * last**2 * sums[0] - last**3)
    return found
