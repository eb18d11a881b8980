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


def test_kendall_of_many_neurons_is_scipys() -> None:
    """More pairs than one block of words, with ties, a row that rises and one that falls."""
    rng = np.random.default_rng(3)
    values = rng.integers(0, 40, (5, 300))
    values[3] = np.arange(300)
    values[4] = -np.arange(300)
    ours = correlation.kendall_matrix(values, threads=2)
    for i in range(5):
        for j in range(5):
            assert ours[i, j] == pytest.approx(
                kendalltau(values[i], values[j]).statistic, abs=1e-12
            )
    assert ours[3, 4] == -1 and ours[0, 0] == 1


def test_kendall_of_little() -> None:
    assert correlation.kendall_matrix(np.zeros((0, 5))).shape == (0, 0)
    assert np.isnan(correlation.kendall_matrix(np.zeros((2, 1)))).all()
    assert correlation.kendall_matrix([[1, 2], [2, 1]]).tolist() == [[1, -1], [-1, 1]]
    assert correlation.kendall_matrix([[True, False], [1.5, 2.5]]).tolist() == [[1, -1], [-1, 1]]
    for bad in ([1, 2, 3], [["a", "b"]], [[1.0, np.inf]], [[1j, 2j]]):
        with pytest.raises(AnalysisError, match="matrix of finite numbers"):
            correlation.kendall_matrix(bad)
