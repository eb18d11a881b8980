"""Finite-size scaling: how a measure of a degree distribution grows with the number of neurons.

A power law that is cut off at a fixed degree is none, however well it fits; one whose cut-off moves
with the size of the network may be. What a largest degree is expected to grow by: n^(1 / (alpha -
1)), the natural cut-off of n draws from a power law; n^(1/2), the structural one of uncorrelated
networks with at most one edge between two neurons; n, if only the width of the layers bounds it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from topolab.errors import AnalysisError

__all__ = ["STRUCTURAL", "Scaling", "TailMeasures", "fit_scaling", "natural", "tail_measures"]

FloatArray = npt.NDArray[np.float64]

#: Exponent of the structural cut-off.
STRUCTURAL = 0.5


@dataclass(frozen=True)
class Scaling:
    """The exponent b of value ~ n^b.

    Attributes
    ----------
    exponent : float
    low, high : float
        Its 95 % interval over seeds.
    sizes, runs : int
        Different sizes, and values that were used.
    reason : str
        Why a number is missing; empty where none is.
    """

    exponent: float
    low: float
    high: float
    sizes: int
    runs: int
    reason: str = ""


@dataclass(frozen=True)
class TailMeasures:
    """How far the degrees of a layer reach.

    Attributes
    ----------
    mean : float
    k_max : int
    top : float
        Mean degree of the hundredth of the neurons with the most edges, at least one.
    cutoff : float
        1 / rate of the truncated power law k^-alpha e^(-rate k): NaN where it has none.
    alpha : float
        Of that law.
    x_min : int
        From where it is fitted.
    reason : str
        Why there is no cut-off; empty where there is one.
    """

    mean: float
    k_max: int
    top: float
    cutoff: float
    alpha: float
    x_min: int
    reason: str = ""


def natural(alpha: float) -> float:
    """Exponent of the natural cut-off of a power law: 1 / (alpha - 1), NaN for alpha up to 1.

    Examples
    --------
    >>> natural(3.0)
    0.5
    """
    return 1 / (alpha - 1) if alpha > 1 else math.nan


def tail_measures(
    degrees: npt.ArrayLike, x_min: int | None = None, x_max: int | None = None
) -> TailMeasures:
    """Mean, largest, top hundredth and cut-off of a degree sequence.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
    x_min : int, optional
        Where the tail begins; searched without it.
    x_max : int, optional
        The most edges a neuron can have.

    Returns
    -------
    TailMeasures

    Raises
    ------
    AnalysisError
        If there are no degrees.

    Examples
    --------
    >>> tail_measures([1] * 150 + [2, 2, 3, 9] * 10).k_max
    9
    """
    from topolab.metrics import powerlaw

    k = np.asarray(degrees, dtype=np.int64)
    if k.ndim != 1 or not len(k):
        raise AnalysisError(f"degrees must be one row of at least one, got shape {k.shape}")
    law = powerlaw.fit(k, x_min, x_max)
    against = powerlaw.compare(k, law, "truncated_power_law")
    rate = against.parameters.get("rate", math.nan)
    alpha = against.parameters.get("alpha", math.nan)
    reason = against.reason
    if not reason and not rate > 0:
        reason = "the likelihood is highest without a cut-off"
    return TailMeasures(
        mean=float(k.mean()),
        k_max=int(k.max()),
        top=float(np.sort(k)[-max(1, len(k) // 100) :].mean()),
        cutoff=1 / rate if not reason else math.nan,
        alpha=alpha,
        x_min=law.x_min,
        reason=reason,
    )


def fit_scaling(
    sizes: npt.ArrayLike, values: npt.ArrayLike, *, replicates: int = 1000, seed: int = 0
) -> Scaling:
    """The exponent of a measure against size, by least squares of the logarithms.

    Parameters
    ----------
    sizes, values : array_like, shape (runs,)
        Of each run. Values that are not finite or not above 0 are left out.
    replicates : int
        Of the bootstrap over the runs of each size.
    seed : int

    Returns
    -------
    Scaling
        NaN with a reason with fewer than two sizes; without interval where a size has one run.

    Raises
    ------
    AnalysisError
        If the arrays differ in length or a size is not above 0.

    Notes
    -----
    Residuals of the runs of a size are drawn anew around its mean, widened by sqrt(m / (m - 1)) for
    m runs, and the interval is Student's with as many degrees of freedom as there are runs less
    sizes. It says what seeds do. That the points lie on a line is not tested.

    Examples
    --------
    >>> scaling = fit_scaling([100, 100, 400, 400], [10.0, 10.0, 20.0, 20.0])
    >>> round(scaling.exponent, 6), scaling.sizes
    (0.5, 2)
    """
    n, v = (np.asarray(a, dtype=np.float64) for a in (sizes, values))
    if n.ndim != 1 or n.shape != v.shape or not (n > 0).all():
        raise AnalysisError(
            f"a size above 0 and a value of each run are needed, got shapes {n.shape}, {v.shape}"
        )
    usable = np.isfinite(v) & (v > 0)
    x, y = np.log(n[usable]), np.log(v[usable])
    levels, where, counts = np.unique(x, return_inverse=True, return_counts=True)
    if len(levels) < 2:
        reason = f"values of {len(levels)} sizes: at least two are needed"
        return Scaling(math.nan, math.nan, math.nan, len(levels), len(x), reason)
    slope = float(_slope(x, y[None])[0])
    if counts.min() < 2:
        reason = "one run of a size: no interval"
        return Scaling(slope, math.nan, math.nan, len(levels), len(x), reason)
    mean = np.bincount(where, y) / counts
    residual = (y - mean[where]) * np.sqrt(counts / (counts - 1))[where]
    rng = np.random.default_rng(seed)
    drawn = np.empty((replicates, len(x)))
    for level in range(len(levels)):
        of_size = np.flatnonzero(where == level)
        chosen = rng.choice(of_size, (replicates, len(of_size)))
        drawn[:, of_size] = mean[level] + residual[chosen]
    error = float(_slope(x, drawn).std(ddof=1))
    half = float(stdtrit(len(x) - len(levels), 0.975)) * error
    return Scaling(slope, slope - half, slope + half, len(levels), len(x))


def _slope(x: FloatArray, y: FloatArray) -> FloatArray:
    """Of each row of y against x, by least squares."""
    centred = x - x.mean()
    return np.asarray(y @ centred / (centred @ centred))
