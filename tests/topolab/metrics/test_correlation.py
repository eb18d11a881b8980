"""Kendall's tau-b, against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import kendalltau

from topolab.errors import AnalysisError
from topolab.metrics import (
    correlation,
)


@given(
    hnp.arrays(
        np.int64, st.tuples(st.integers(1, 6), st.integers(2, 15)), elements=st.integers(0, 6)
    )
)
def test_kendall_is_scipys(values: np.ndarray) -> None:
    ours = correlation.kendall_matrix(values)
    for i in range(len(values)):
        for j in range(len(values)):
            if np.ptp(values[i]) == 0 or np.ptp(values[j]) == 0:
                assert math.isnan(ours[i, j])
            else:
                theirs = kendalltau(values[i], values[j]).statistic
                assert ours[i, j] == pytest.approx(theirs, abs=1e-12)


def test_kendall_over_many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 30, (5, 200))
    whole = correlation.kendall_matrix(values)
    monkeypatch.setattr(correlation, "CHUNK", 97)
    assert np.array_equal(whole, correlation.kendall_matrix(values))
    with pytest.raises(AnalysisError):
        correlation.kendall_matrix([[1, np.nan]])


def test_kendall_in_chunks_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 9, (7, 60))
    whole = correlation.kendall_matrix(values, threads=1)
    monkeypatch.setattr(correlation, "CHUNK", 100)
    for threads in (1, 2, 5):
        assert np.array_equal(correlation.kendall_matrix(values, threads=threads), whole)
    assert correlation.kendall_matrix(np.zeros((2, 1))).shape == (2, 2)
    assert np.isnan(correlation.kendall_matrix(np.ones((2, 4)))).all()
    with pytest.raises(AnalysisError):
        correlation.kendall_matrix([[1.0, np.nan]])
