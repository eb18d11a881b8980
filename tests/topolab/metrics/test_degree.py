"""How unequal degrees are, against plain counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topolab.errors import AnalysisError
from topolab.metrics import degree

DEGREES = st.lists(st.integers(0, 50), min_size=1, max_size=40)


@given(DEGREES)
def test_gini_is_the_mean_difference_of_all_pairs(values: list[int]) -> None:
    x = np.array(values)
    if not x.sum():
        assert math.isnan(degree.gini(x))
        return
    pairs = np.abs(x[:, None] - x[None, :]).mean()
    assert degree.gini(x) == pytest.approx(pairs / (2 * x.mean()), abs=1e-12)


@given(DEGREES)
def test_the_ccdf_counts(values: list[int]) -> None:
    k, counts, at_least = degree.ccdf(values)
    for i, value in enumerate(k):
        assert counts[i] == values.count(value)
        assert at_least[i] == pytest.approx(sum(v >= value for v in values) / len(values))


def test_worked_values() -> None:
    assert degree.ccv([2, 4, 4, 4, 5, 5, 7, 9]) == pytest.approx(0.4)
    assert math.isnan(degree.ccv([])) and math.isnan(degree.ccv([0, 0]))
    assert degree.top_share([10] + [1] * 99, 0.01) == pytest.approx(10 / 109)
    assert degree.top_share([10] + [1] * 100, 0.01) == pytest.approx(11 / 110)  # ceil(1.01) = 2
    with pytest.raises(AnalysisError):
        degree.ccv([-1, 1])
    with pytest.raises(AnalysisError):
        degree.top_share([1], 0)


@pytest.mark.parametrize(
    ("size", "share", "counted"),
    [
        # In floating point 0.07 * 100 is 7.000000000000001, and 0.29 * 100 is 28.999999999999996.
        (100, 0.07, 7),
        (100, 0.29, 29),
        (50, 0.14, 7),
        (1000, 0.001, 1),
        (1000, 0.0011, 2),
        (10, 1.0, 10),
        (3, 0.01, 1),
    ],
)
def test_the_top_is_rounded_up_but_not_for_a_last_digit(
    size: int, share: float, counted: int
) -> None:
    values = np.arange(1, size + 1)
    expected = values[size - counted :].sum() / values.sum()
    assert degree.top_share(values, share) == pytest.approx(expected, rel=1e-12)


def test_the_top_is_a_hundredth_unless_told() -> None:
    assert degree.top_share(np.arange(300)) == pytest.approx((297 + 298 + 299) / (299 * 150))


def test_one_edge_is_enough() -> None:
    """Sums of 1 and means below 1 are not nothing."""
    one = [0, 0, 0, 1]
    assert degree.gini(one) == 0.75 and degree.top_share(one, 0.25) == 1
    assert degree.ccv(one) == pytest.approx(math.sqrt(3))
    for function in (degree.gini, degree.ccv, degree.top_share):
        assert math.isnan(function([])) and math.isnan(function([0, 0]))


@pytest.mark.parametrize("share", [0, -0.1, 1.0001, math.nan])
def test_shares_outside_are_refused(share: float) -> None:
    with pytest.raises(AnalysisError, match=r"outside \(0, 1\]"):
        degree.top_share([1, 2], share)


@pytest.mark.parametrize("bad", [[1, math.nan], [math.inf, 1], [2, -1], [[1, 2]]])
def test_degrees_are_one_row_of_finite_numbers(bad: list[object]) -> None:
    for function in (degree.ccv, degree.gini, degree.top_share, degree.ccdf):
        with pytest.raises(AnalysisError):
            function(bad)  # type: ignore[operator]


def test_the_ccdf_of_nothing_is_empty() -> None:
    assert [len(part) for part in degree.ccdf([])] == [0, 0, 0]
