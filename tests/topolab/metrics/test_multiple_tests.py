"""Holm's method, against statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from topolab.metrics.multiple_tests import holm

P = st.one_of(
    st.floats(0, 1), st.sampled_from([0.0, 1.0, 0.01, 0.05, 0.5, 5e-324, math.nan, math.inf])
)


@given(st.lists(P, max_size=30))
def test_holm_is_that_of_statsmodels(values: list[float]) -> None:
    p = np.array(values)
    known = np.isfinite(p)
    ours = holm(values)
    assert np.isnan(ours[~known]).all()
    if known.any():
        theirs = multipletests(p[known], method="holm")[1]
        assert ours[known].tolist() == theirs.tolist()


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ([], []),
        ([0.3], [0.3]),
        ([0.04, 0.01, 0.03], [0.06, 0.03, 0.06]),
        ([0.6, 0.7], [1.0, 1.0]),
        ([0.0, 1.0], [0.0, 1.0]),
    ],
)
def test_holm_by_hand(p: list[float], adjusted: list[float]) -> None:
    assert holm(p).tolist() == pytest.approx(adjusted)


def test_what_is_unknown_does_not_count() -> None:
    assert np.isnan(holm([math.nan, math.nan])).all()
    assert holm([math.nan, 0.02, math.nan]).tolist()[1] == 0.02
