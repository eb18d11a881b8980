"""Tests of several seeds as one, against scipy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import combine_pvalues
from statsmodels.stats.meta_analysis import combine_effects

from topolab_analyses.claims.combine import above, fisher, half_width, random_effects, stouffer

INSIDE = st.lists(st.floats(1e-9, 1 - 1e-9), min_size=1, max_size=12)


@given(INSIDE)
def test_fisher_and_stouffer_are_scipys(p: list[float]) -> None:
    assert fisher(p) == pytest.approx(combine_pvalues(p, "fisher").pvalue, rel=1e-8)
    assert stouffer(p) == pytest.approx(combine_pvalues(p, "stouffer").pvalue, rel=1e-6, abs=1e-15)
    assert fisher([*p, math.nan]) == fisher(p) and stouffer([math.nan, *p]) == stouffer(p)


@pytest.mark.parametrize("combined", [fisher, stouffer])
def test_nothing_known_is_nan_and_an_end_is_no_infinity(combined: object) -> None:
    assert callable(combined)
    assert math.isnan(combined([])) and math.isnan(combined([math.nan, math.nan]))
    for p in ([0.0, 0.5], [1.0, 0.5], [0.0, 1.0], [0.0], [1.0]):
        assert 0 <= combined(p) <= 1
    assert combined([0.0]) == pytest.approx(1e-12) and combined([1.0]) == pytest.approx(1)


def test_other_seeds_can_outweigh_one_that_is_clear() -> None:
    assert stouffer([0.0] + [0.99] * 40) > 0.5
    assert fisher([0.0] + [0.9] * 40) > 0.5


def test_seeds_that_find_nothing_do_not_make_a_p_value_smaller() -> None:
    assert fisher([0.01, 1.0]) > 0.01 and fisher([0.01, 1.0, 1.0]) > fisher([0.01, 1.0])
    assert stouffer([0.01, 0.5]) > 0.01


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.01, 2)), min_size=2, max_size=10),
)
def test_random_effects_are_dersimonian_and_lairds(seeds: list[tuple[float, float]]) -> None:
    x, e = np.array(seeds).T
    mean, error, spread = random_effects(x, e)
    with np.errstate(all="ignore"):
        theirs = combine_effects(x, e**2, method_re="dl")
        table = theirs.summary_frame()
    # Theirs goes on below 0, where seeds differ less than by chance: then there is no spread.
    row = table.loc["random effect" if theirs.tau2 > 0 else "fixed effect"]
    assert (mean, error) == pytest.approx((row["eff"], row["sd_eff"]), rel=1e-6, abs=1e-9)
    assert spread**2 == pytest.approx(max(0.0, theirs.tau2), rel=1e-6, abs=1e-9)


def test_one_seed_is_itself_and_what_is_unknown_does_not_count() -> None:
    assert random_effects([0.7], [0.2]) == pytest.approx((0.7, 0.2, 0.0))
    known = random_effects([0.7, 0.9], [0.2, 0.1])
    for x, e in ((math.nan, 0.1), (0.5, math.nan), (0.5, 0.0), (math.inf, 0.1), (0.5, math.inf)):
        assert random_effects([0.7, x, 0.9], [0.2, e, 0.1]) == known
    assert all(math.isnan(v) for v in random_effects([], []))
    assert all(math.isnan(v) for v in random_effects([1.0], [math.nan]))


@pytest.mark.parametrize("seeds", [2, 3, 10])
def test_seeds_that_differ_are_known_only_as_well_as_so_many_of_them(seeds: int) -> None:
    """Student's distribution where there is a spread between seeds, the normal one where not."""
    for value in (-0.3, 0.1, 0.25):
        same = above(value, 0.1, 0.1, spread=0.0, seeds=seeds)
        assert same == pytest.approx(stats.norm.sf(value, 0.1, 0.1))
        apart = above(value, 0.1, 0.1, spread=0.2, seeds=seeds)
        assert apart == pytest.approx(stats.t.sf((value - 0.1) / 0.1, seeds - 1))
    assert half_width(0.1, spread=0.0, seeds=seeds) == pytest.approx(0.1 * stats.norm.ppf(0.975))
    wide = half_width(0.1, spread=0.2, seeds=seeds)
    assert wide == pytest.approx(0.1 * stats.t.ppf(0.975, seeds - 1))
    assert math.isnan(above(1.0, math.nan, 0.1, spread=0.0, seeds=seeds))
