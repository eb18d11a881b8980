"""Exponents of size, from sizes and values of known powers and from laws with known cut-offs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from topolab.errors import AnalysisError
from topolab.metrics.scaling import fit_scaling, natural, tail_measures


def truncated(alpha: float, cutoff: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draws of k^-alpha e^(-k / cutoff), k = 5, 6, ..."""
    k = np.arange(5, 20_000)
    p = k**-alpha * np.exp(-k / cutoff)
    return rng.choice(k, n, p=p / p.sum())


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_power_of_a_cutoff_is_found(power: float) -> None:
    """Four sizes, three seeds, the cut-off at 0.5 n^power of n neurons times a constant."""
    sizes, cutoffs = [], []
    for n in (500, 1000, 2000, 4000):
        for seed in range(3):
            degrees = truncated(1.5, 40 * (n / 500) ** power, n, np.random.default_rng(seed + n))
            sizes.append(n)
            cutoffs.append(tail_measures(degrees, x_min=5).cutoff)
    found = fit_scaling(sizes, cutoffs)
    assert found.exponent == pytest.approx(power, abs=0.15)
    assert found.low < power < found.high and found.high - found.low < 0.8
    assert (found.sizes, found.runs, found.reason) == (4, 12, "")


def test_natural_cutoffs_grow_as_theory_says() -> None:
    """The largest of n draws from a power law of exponent 3: medians of many seeds."""
    rng = np.random.default_rng(0)
    sizes = np.repeat([100, 1000, 10_000], 60)
    largest = [(rng.pareto(2, n) + 1).max() for n in sizes]
    medians = [np.median(np.array(largest)[sizes == n]) for n in (100, 1000, 10_000)]
    assert fit_scaling([100, 1000, 10_000], medians).exponent == pytest.approx(0.5, abs=0.06)
    assert natural(3) == 0.5 and natural(2) == 1 and math.isnan(natural(1.0))


def test_the_exponent_is_least_squares_of_the_logarithms() -> None:
    rng = np.random.default_rng(2)
    n = np.repeat([64, 256, 1024], [2, 3, 4])
    v = 3 * n**0.7 * np.exp(rng.normal(0, 0.2, 9))
    oracle = stats.linregress(np.log(n), np.log(v))
    assert fit_scaling(n, v).exponent == pytest.approx(oracle.slope)
    # Left out: nothing can be made of a measure that is not there.
    more = fit_scaling([*n, 64, 64, 4096], [*v, np.nan, 0.0, -1.0])
    assert more.exponent == pytest.approx(oracle.slope) and (more.sizes, more.runs) == (3, 9)


def test_intervals_over_seeds_hold_the_truth() -> None:
    rng = np.random.default_rng(5)
    n = np.repeat([64, 256, 1024], 4)
    held = 0
    for _ in range(200):
        found = fit_scaling(n, n**0.3 * np.exp(rng.normal(0, 0.3, 12)), replicates=200)
        held += found.low < 0.3 < found.high
    assert 0.9 <= held / 200 <= 0.99


def test_few_runs_have_wide_intervals() -> None:
    """Two sizes of two runs: residuals of +-d, each widened by sqrt(2), Student's t of two."""
    d = 0.01
    v = np.exp([-d, d, -d, d])
    found = fit_scaling([1, 1, math.e, math.e], v, replicates=20_000)
    # A mean of two draws of +-sqrt(2) d has a variance of d^2, and the slope is a difference.
    half = stats.t.ppf(0.975, 2) * math.sqrt(2) * d
    assert found.high - found.low == pytest.approx(2 * half, rel=0.03)


def test_scalings_that_cannot_be() -> None:
    one = fit_scaling([10, 10], [1.0, 2.0])
    assert math.isnan(one.exponent) and one.reason == "values of 1 sizes: at least two are needed"
    none = fit_scaling([10, 20], [np.nan, 0.0])
    assert math.isnan(none.exponent) and (none.sizes, none.runs) == (0, 0)
    alone = fit_scaling([10, 20, 20], [1.0, 2.0, 2.0])
    assert alone.exponent == pytest.approx(1) and math.isnan(alone.low)
    assert alone.reason == "one run of a size: no interval"
    for sizes, values in (([1, 2], [1.0]), ([0, 2], [1.0, 2.0]), ([[1]], [[1.0]])):
        with pytest.raises(AnalysisError, match="a size above 0"):
            fit_scaling(sizes, values)


def test_how_far_degrees_reach() -> None:
    degrees = np.concatenate([np.arange(1, 251), [900, 1000]])
    found = tail_measures(degrees)
    assert found.k_max == 1000 and found.mean == degrees.mean()
    assert found.top == 950.0  # two of 252 are a hundredth
    assert tail_measures([3, 7, 5]).top == 7
    short = tail_measures([3, 7, 5])
    assert math.isnan(short.cutoff) and short.reason
    for bad in ([], [[1, 2]]):
        with pytest.raises(AnalysisError, match="one row of at least one"):
            tail_measures(bad)


def test_a_law_without_cutoff_has_none() -> None:
    """Where the likelihood is highest at rate 0, it says so."""
    k = np.arange(1, 100_000)
    p = k**-2.5
    degrees = np.random.default_rng(3).choice(k, 3000, p=p / p.sum())
    found = tail_measures(np.concatenate([degrees, [90_000] * 3]), x_min=1)
    assert math.isnan(found.cutoff)
    assert found.reason == "the likelihood is highest without a cut-off"
    bounded = tail_measures(truncated(1.5, 60, 2000, np.random.default_rng(1)), 5, 20_000)
    assert bounded.cutoff == pytest.approx(60, rel=0.25) and bounded.x_min == 5
    assert bounded.alpha == pytest.approx(1.5, abs=0.15) and bounded.reason == ""
