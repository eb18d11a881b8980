"""Gradient hierarchy: do neurons with many inputs get larger gradients?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError

__all__ = ["READINGS", "fan_in_ratio", "gradient_by_decile", "gradient_ratio"]

IntpArray = npt.NDArray[np.intp]


#: How the mean of a ratio is understood: over all entries of the neurons' rows of the masked
#: gradient, zeros included, or over those of their active weights.
READINGS = ("all", "active")


def gradient_ratio(
    gradient: npt.ArrayLike, fan_in: npt.ArrayLike, *, reading: str = "active"
) -> float:
    """Mean absolute gradient of the weights of hubs over that of specialists.

    Hubs are the upper half of the neurons by fan-in, specialists the lower half; with an odd
    number the neuron in the middle is in neither, and equal fan-ins are ranked by position.

    Parameters
    ----------
    gradient : array_like, shape (m,)
        Per neuron the mean absolute gradient over its active weights.
    fan_in : array_like of int, shape (m,)
        Per neuron the number of its active weights; it weighs the mean.
    reading : {"active", "all"}
        Over which entries of the rows of the masked gradient the mean goes. An absent weight has a
        gradient of 0: it counts in the reading `all` and not in `active`.

    Returns
    -------
    float
        NaN where the lower half has no weights or no gradient.

    Raises
    ------
    AnalysisError
        If the arrays differ in length or hold fewer than two neurons, or there is no such reading.

    Notes
    -----
    Rows are equally long, hence the ratio over all entries is that over active ones times
    `fan_in_ratio`: it is large wherever fan-ins differ, whatever the network computes.

    References
    ----------
    N. Tomczak, "Heterogeneous Connectivity in Sparse Networks", arXiv 2604.10560 (2026), section
    2.9. It does not say which entries; its numbers are those of the reading `all`.

    Examples
    --------
    >>> gradient_ratio([4.0, 2.0, 1.0, 1.0], [10, 10, 2, 2])
    3.0
    >>> gradient_ratio([4.0, 2.0, 1.0, 1.0], [10, 10, 2, 2], reading="all")
    15.0
    """
    if reading not in READINGS:
        raise AnalysisError(f"there is no reading {reading!r} of a gradient ratio; {READINGS} are")
    values = np.asarray(gradient, dtype=np.float64)
    weights = np.asarray(fan_in, dtype=np.float64)
    if values.ndim != 1 or values.shape != weights.shape or len(values) < 2:
        raise AnalysisError(
            f"a gradient ratio needs one gradient and one fan-in for each of at least two neurons, "
            f"got shapes {values.shape} and {weights.shape}"
        )
    upper, lower = _halves(weights)
    # Both halves have as many neurons, and so as many entries.
    counted = weights if reading == "active" else np.ones_like(weights)

    def mean(chosen: IntpArray) -> float:
        total = float(counted[chosen].sum())
        return float((values[chosen] * weights[chosen]).sum()) / total if total else math.nan

    below = mean(lower)
    return mean(upper) / below if below > 0 else math.nan


def fan_in_ratio(fan_in: npt.ArrayLike) -> float:
    """Mean fan-in of hubs over that of specialists, the halves of `gradient_ratio`.

    Parameters
    ----------
    fan_in : array_like of int, shape (m,)

    Returns
    -------
    float
        NaN where specialists have no weights.

    Raises
    ------
    AnalysisError
        If there are fewer than two neurons.

    Examples
    --------
    >>> fan_in_ratio([10, 10, 2, 2])
    5.0
    """
    weights = np.asarray(fan_in, dtype=np.float64)
    if weights.ndim != 1 or len(weights) < 2:
        raise AnalysisError(f"at least two fan-ins are needed, got shape {weights.shape}")
    upper, lower = _halves(weights)
    below = float(weights[lower].sum())
    return float(weights[upper].sum()) / below if below > 0 else math.nan


def _halves(fan_in: npt.NDArray[np.float64]) -> tuple[IntpArray, IntpArray]:
    """Places of the neurons with the most inputs and with the fewest, each half of them."""
    half = len(fan_in) // 2
    order = np.argsort(-fan_in, kind="stable")
    return order[:half], order[len(fan_in) - half :]


def gradient_by_decile(
    gradient: npt.ArrayLike, fan_in: npt.ArrayLike, parts: int = 10
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Mean absolute gradient of the weights of each tenth of the neurons, by fan-in.

    Parameters
    ----------
    gradient, fan_in : array_like, shape (m,)
        As of `gradient_ratio`.
    parts : int

    Returns
    -------
    gradient : ndarray, shape (parts,)
        From the fewest inputs to the most; NaN where a part has no weights.
    fan_in : ndarray
        Mean fan-in of each part.
    neurons : ndarray of int64

    Raises
    ------
    AnalysisError
        If the arrays differ in length.

    Examples
    --------
    >>> gradient_by_decile([1.0, 4.0, 2.0, 1.0], [2, 10, 10, 2], parts=2)[0]
    array([1., 3.])
    """
    values = np.asarray(gradient, dtype=np.float64)
    weights = np.asarray(fan_in, dtype=np.float64)
    if values.ndim != 1 or values.shape != weights.shape:
        raise AnalysisError(
            f"one gradient and one fan-in per neuron are needed, got shapes {values.shape} and "
            f"{weights.shape}"
        )
    if parts < 1:
        raise AnalysisError(f"parts = {parts}: at least one is needed")
    order = np.argsort(weights, kind="stable")
    out, mean, size = (np.full(parts, math.nan) for _ in range(3))
    for i, chosen in enumerate(np.array_split(order, parts)):
        total = weights[chosen].sum()
        size[i] = len(chosen)
        if len(chosen):
            mean[i] = weights[chosen].mean()
        if total > 0:
            out[i] = (values[chosen] * weights[chosen]).sum() / total
    return out, mean, size.astype(np.int64)
