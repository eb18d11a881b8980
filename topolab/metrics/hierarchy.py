"""Gradient hierarchy: do neurons with many inputs get larger gradients?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError

__all__ = ["gradient_ratio"]


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
