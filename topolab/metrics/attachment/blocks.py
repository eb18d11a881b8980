"""The block bootstrap over updates: neighbours in time are drawn together."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["block_length", "block_weights", "freedom"]

FloatArray = npt.NDArray[np.float64]


def block_weights(
    steps: int, replicates: int, rng: np.random.Generator, length: int | None = None
) -> FloatArray:
    """How often each step is drawn, by the circular block bootstrap; shape (replicates, steps).

    Parameters
    ----------
    steps, replicates : int
    rng : numpy.random.Generator
    length : int, optional
        Of a block; the cube root of the steps, rounded up, without it.

    References
    ----------
    D. N. Politis, J. P. Romano, "A circular block-resampling procedure for stationary data" (1992).

    Examples
    --------
    >>> block_weights(6, 2, np.random.default_rng(0)).sum(1)
    array([6., 6.])
    """
    size = length or block_length(steps)
    count = -(-steps // size)
    begin = rng.integers(0, steps, (replicates, count))
    drawn = ((begin[:, :, None] + np.arange(size)) % steps).reshape(replicates, -1)[:, :steps]
    weights = np.zeros((replicates, steps))
    np.add.at(weights, (np.arange(replicates)[:, None], drawn), 1.0)
    return weights


def block_length(steps: int) -> int:
    """The cube root, rounded up.

    Examples
    --------
    >>> block_length(27), block_length(28)
    (3, 4)
    """
    return math.ceil(round(math.pow(steps, 1 / 3), 9))


def freedom(steps: int) -> float:
    """Degrees of freedom of a spread over blocks: few say little about it.

    Examples
    --------
    >>> freedom(5), freedom(27)
    (1.5, 8.0)
    """
    return max(1.0, steps / block_length(steps) - 1)
