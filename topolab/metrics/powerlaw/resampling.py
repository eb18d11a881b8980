"""How plausible a fitted law is, and how certain its x_min, by bootstrap."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri

from topolab.errors import AnalysisError
from topolab.metrics.powerlaw import kernels
from topolab.metrics.powerlaw.hurwitz import TERMS, coefficients, survival_sum
from topolab.metrics.powerlaw.law import (
    KS,
    PowerLawFit,
    checked,
    data_of,
    fit,
    whole_number,
)
from topolab.metrics.powerlaw.replicates import (
    BLOCK,
    MOST_NUMBERS,
    TIE,
    bound_of,
    draw_uniforms,
    tables,
)

__all__ = [
    "Bootstrap",
    "GoodnessOfFit",
    "bootstrap",
    "clopper_pearson",
    "goodness_of_fit",
    "sample_tail",
    "wilson",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class GoodnessOfFit:
    """How plausible a fitted law is.

    Attributes
    ----------
    p_value : float
        Share of replicates at least as far from their own fit as the data from theirs, of those
        that have a fit; NaN where fewer than half have one.
    standard_error : float
        Of the p-value, sqrt(p (1 - p) / n).
    replicates : int
        How many were drawn.
    low, high : float
        99 % interval of the p-value: Wilson's, or with `stop_at` the one that decides when to end,
        which is wider since it holds at all looks together.
    stopped : bool
        Whether it was ended early, because that interval held no threshold.
    unfitted : int
        Replicates that had no fit, such as a tail of one degree.
    """

    p_value: float
    standard_error: float
    replicates: int
    low: float = math.nan
    high: float = math.nan
    stopped: bool = False
    unfitted: int = 0


@dataclass(frozen=True)
class Bootstrap:
    """Standard errors by the ordinary bootstrap: degrees drawn again with replacement.

    Attributes
    ----------
    x_min, alpha, n_tail : float
        Standard deviation over the replicates of each.
    replicates : int
        Those with a fit, of which these are.
    """

    x_min: float
    alpha: float
    n_tail: float
    replicates: int


def goodness_of_fit(
    degrees: npt.ArrayLike,
    law: PowerLawFit,
    *,
    replicates: int = 2500,
    seed: int = 0,
    stop_at: float | Sequence[float] | None = None,
    threads: int = 1,
    device: str | None = None,
) -> GoodnessOfFit:
    """The semi-parametric bootstrap of Clauset, Shalizi and Newman.

    Each replicate has as many degrees as the data; each of them comes from the fitted tail with
    probability n_tail / n, else from the observed degrees below x_min. It is fitted as the data
    were: with its own search of x_min if theirs was searched, with the same x_min if it was given.
    (Only the fewest degrees of a tail are no condition where x_min is given: a replicate needs
    two distinct ones.)

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
        The data that `law` was fitted to.
    law : PowerLawFit
    replicates : int
        2,500 give the p-value to 0.01.
    seed : int
        Every replicate has a stream of its own from it, so that the result does not depend on
        `threads`, nor on how many replicates are drawn at a time.
    stop_at : float or sequence of float, optional
        Thresholds that p will be held against, such as (0.1, 0.95): after every 100 replicates,
        stop if the 99 % interval of p holds none of them. p itself is then rougher, but on the
        same side of each as with all replicates. The intervals are Clopper and Pearson's at a
        level of 1 - 0.01 / looks, so that with a chance of 99 % none of the looks misses p.
    threads : int
    device : str, optional
        Where to compute: None or ``"cpu"`` for the compiled loops, ``"cuda"`` for the array
        program on a GPU, ``"auto"`` for the GPU if there is one. The same replicates on each.

    Returns
    -------
    GoodnessOfFit
        NaN where the law is no fit. By the authors' rule p <= 0.1 rejects the power law.

    Raises
    ------
    AnalysisError
        For an impossible number of replicates, threshold or device, or data that are not those
        of the fit.

    Examples
    --------
    >>> data = np.random.default_rng(1).zipf(2.5, 300)
    >>> goodness_of_fit(data, fit(data, x_min=1), replicates=50).p_value > 0.1
    True
    """
    if whole_number("replicates", replicates) < 1:
        raise AnalysisError(f"replicates = {replicates}: at least one is needed")
    thresholds = _thresholds(stop_at)
    if whole_number("threads", threads) < 1:
        raise AnalysisError(f"threads = {threads}: at least one is needed")
    if law.reason:
        return GoodnessOfFit(math.nan, math.nan, 0)
    values = data_of(degrees, law)
    further = done = unfitted = 0
    stopped = False
    miss = 0.01 / max(1, -(-replicates // BLOCK))  # at each look
    for decided in _decisions(values, law, replicates, seed, threads, device):
        done += len(decided)
        further += int((decided == 0).sum())
        unfitted += int((decided < 0).sum())
        if thresholds and done < replicates and 2 * unfitted < done:
            low, high = clopper_pearson(further, done - unfitted, 1 - miss)
            if not any(low <= threshold <= high for threshold in thresholds):
                stopped = True
                break
    fitted = done - unfitted
    if 2 * fitted < done:
        return GoodnessOfFit(math.nan, math.nan, done, unfitted=unfitted)
    p = further / fitted
    low, high = (
        clopper_pearson(further, fitted, 1 - miss) if thresholds else wilson(further, fitted)
    )
    error = math.sqrt(p * (1 - p) / fitted)
    return GoodnessOfFit(p, error, done, low, high, stopped, unfitted)


def _thresholds(stop_at: float | Sequence[float] | None) -> tuple[float, ...]:
    if stop_at is None:
        return ()
    found = tuple(stop_at) if isinstance(stop_at, Sequence) else (stop_at,)
    if not found or not all(0 < threshold < 1 for threshold in found):
        raise AnalysisError(f"stop_at = {stop_at} is no threshold for a p-value")
    return found


def _decisions(
    values: IntArray, law: PowerLawFit, replicates: int, seed: int, threads: int, device: str | None
) -> Iterator[npt.NDArray[np.int8]]:
    """For each block of replicates: 1 nearer to its own fit than the data, 0 not, -1 no fit."""
    if device == "auto":
        import torch

        # a bounded law is for the compiled loops
        device = "cuda" if law.x_max is None and torch.cuda.is_available() else None
    if device not in (None, "cpu"):
        from topolab.metrics.powerlaw.batched import decisions

        yield from decisions(values, law, replicates, seed, str(device))
        return
    body = values[values < law.x_min].astype(np.float64)
    survival, guide = tables(law)
    share = law.n_tail / law.n

    # Few rows at a time where each is long.
    rows = max(1, min(BLOCK, MOST_NUMBERS // max(law.n, 1)))

    def block(start: int) -> npt.NDArray[np.int8]:
        out = np.empty(min(BLOCK, replicates - start), dtype=np.int8)
        for at in range(0, len(out), rows):
            part = out[at : at + rows]
            uniforms = draw_uniforms(seed, start + at, len(part), law.n)
            kernels.nearer(
                uniforms, body, share, law.alpha, float(law.x_min), bound_of(law), survival,
                guide, law.searched, law.least_tail, law.ks == "integers",
                law.ks_distance - TIE, part,
            )  # fmt: skip
        return out

    starts = range(0, replicates, BLOCK)
    if threads == 1 or len(starts) == 1:
        yield from map(block, starts)
        return
    with ThreadPoolExecutor(threads) as pool:
        # A few blocks ahead, so that an early end does not wait for all.
        for i in range(0, len(starts), threads):
            yield from pool.map(block, starts[i : i + threads])


def sample_tail(law: PowerLawFit, size: int, rng: np.random.Generator) -> IntArray:
    """Draw degrees from a fitted tail, exactly, by inversion.

    Parameters
    ----------
    law : PowerLawFit
    size : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (size,)

    Raises
    ------
    AnalysisError
        If the law is no fit.
    """
    if law.reason:
        raise AnalysisError(f"there is no law to draw from: {law.reason}")
    survival, guide = tables(law)
    c = np.empty(TERMS)
    coefficients(law.alpha, c)
    first, end = float(law.x_min), bound_of(law)
    total = survival_sum(law.alpha, first, first, end, c)
    drawn = [
        kernels.draw(1.0 - u, law.alpha, first, end, survival, guide, total, c)
        for u in rng.random(size)
    ]
    return np.array(drawn, dtype=np.int64)


def bootstrap(
    degrees: npt.ArrayLike,
    x_min: int | None = None,
    x_max: int | None = None,
    ks: KS = "support",
    least_tail: int = 10,
    *,
    replicates: int = 1000,
    seed: int = 0,
) -> Bootstrap:
    """Standard errors of x_min, alpha and the size of the tail.

    Parameters
    ----------
    degrees : array_like of int, shape (n,)
    x_min, x_max, ks, least_tail
        As of `fit`.
    replicates : int
    seed : int

    Returns
    -------
    Bootstrap
        NaN where fewer than two replicates have a fit.

    References
    ----------
    Clauset, Shalizi and Newman (2009), section 3.3: the uncertainty of x_min.

    Examples
    --------
    >>> data = np.random.default_rng(1).zipf(2.5, 500)
    >>> error = bootstrap(data, replicates=50)
    >>> error.x_min > 0 and 0 < error.alpha < 1
    True
    """
    if whole_number("replicates", replicates) < 2:
        raise AnalysisError(f"replicates = {replicates}: at least two are needed")
    values = checked(degrees, x_min, x_max, ks)
    if not len(values):
        return Bootstrap(math.nan, math.nan, math.nan, 0)
    found = []
    for start in range(0, replicates, BLOCK):
        for row in draw_uniforms(seed, start, min(BLOCK, replicates - start), len(values)):
            law = fit(values[(row * len(values)).astype(np.int64)], x_min, x_max, ks, least_tail)
            if not law.reason:
                found.append((law.x_min, law.alpha, law.n_tail))
    if len(found) < 2:
        return Bootstrap(math.nan, math.nan, math.nan, len(found))
    of_x_min, of_alpha, of_tail = np.std(np.array(found), axis=0, ddof=1)
    return Bootstrap(float(of_x_min), float(of_alpha), float(of_tail), len(found))


def wilson(hits: int, trials: int, level: float = 0.99) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Examples
    --------
    >>> tuple(round(x, 3) for x in wilson(0, 100))
    (0.0, 0.062)
    """
    z = float(ndtri(0.5 + level / 2))
    p = hits / trials
    middle = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def clopper_pearson(hits: int, trials: int, level: float = 0.99) -> tuple[float, float]:
    """The exact interval of a share: it holds it with at least this probability.

    Examples
    --------
    >>> tuple(round(x, 3) for x in clopper_pearson(0, 100))
    (0.0, 0.052)
    """
    miss = (1 - level) / 2
    low = float(betaincinv(hits, trials - hits + 1, miss)) if hits else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - miss)) if hits < trials else 1.0
    return low, high
