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
