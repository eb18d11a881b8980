"""Gradient hierarchy: do neurons with many inputs get larger gradients?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError

__all__ = ["gradient_by_decile", "gradient_ratio"]


def gradient_ratio(gradient: npt.ArrayLike, fan_in: npt.ArrayLike) -> float:
    """Mean absolute gradient of the weights of hubs over that of specialists.

    Hubs are the upper half of the neurons by fan-in, specialists the lower half; with an odd
    number the neuron in the middle is in neither, and equal fan-ins are ranked by position.

    Parameters
    ----------
    gradient : array_like, shape (m,)
        Per neuron the mean absolute gradient over its active weights.
    fan_in : array_like of int, shape (m,)
        Per neuron the number of its active weights; it weighs the mean.

    Returns
    -------
    float
        NaN where the lower half has no weights or no gradient.

    Raises
    ------
    AnalysisError
        If the arrays differ in length or hold fewer than two neurons.

    References
    ----------
    N. Tomczak, "Heterogeneous Connectivity in Sparse Networks", arXiv 2604.10560 (2026).

    Examples
    --------
    >>> gradient_ratio([4.0, 2.0, 1.0, 1.0], [10, 10, 2, 2])
    3.0
    """
    values = np.asarray(gradient, dtype=np.float64)
    weights = np.asarray(fan_in, dtype=np.float64)
    if values.ndim != 1 or values.shape != weights.shape or len(values) < 2:
        raise AnalysisError(
            f"a gradient ratio needs one gradient and one fan-in for each of at least two neurons, "
            f"got shapes {values.shape} and {weights.shape}"
        )
    half = len(values) // 2
    order = np.argsort(-weights, kind="stable")
    upper, lower = order[:half], order[len(values) - half :]

    def mean(chosen: npt.NDArray[np.intp]) -> float:
        total = float(weights[chosen].sum())
        return float((values[chosen] * weights[chosen]).sum()) / total if total else math.nan

    below = mean(lower)
    return mean(upper) / below if below > 0 else math.nan


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
