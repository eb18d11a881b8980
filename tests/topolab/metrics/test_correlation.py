"""Kendall's tau-b, against scipy."""

from __future__ import annotations

import itertools
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


ROWS = st.tuples(st.integers(1, 6), st.integers(2, 40))


@given(
    st.one_of(
        hnp.arrays(np.int64, ROWS, elements=st.integers(-3, 3)),
        hnp.arrays(np.float64, ROWS, elements=st.sampled_from([-1.5, -0.0, 0.0, 1e-300, 2.0])),
        hnp.arrays(np.float64, ROWS, elements=st.floats(-1e9, 1e9)),
        hnp.arrays(np.bool_, ROWS),
    ),
    st.integers(1, 3),
)
def test_both_roads_count_the_same(values: np.ndarray, workers: int) -> None:
    bits = correlation._by_bits(values, workers)
    assert np.array_equal(correlation._by_trees(values, workers), bits)
    for a, b in itertools.combinations_with_replacement(range(len(values)), 2):
        x, y = values[a].astype(float), values[b].astype(float)
        signs = np.sign(x[:, None] - x), np.sign(y[:, None] - y)
        assert bits[a, b] == (signs[0] * signs[1]).sum() // 2


def test_few_rows_of_many_neurons_go_by_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "_by_bits", None)
    rng = np.random.default_rng(5)
    values = rng.integers(0, 50, (3, 5000))
    values[2] = 7
    ours = correlation.kendall_matrix(values)
    assert ours[0, 1] == pytest.approx(kendalltau(values[0], values[1]).statistic, abs=1e-12)
    assert np.isnan(ours[2]).all() and np.isnan(ours[:, 2]).all()
    assert ours[0, 0] == 1 and ours[0, 1] == ours[1, 0]


def test_many_rows_of_few_neurons_go_by_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "_by_trees", None)
    assert correlation.kendall_matrix(np.arange(4000).reshape(80, 50)).min() == 1
    shapes = [(260, n) for n in (256, 1024, 1536, 4096, 10**6)]
    assert [correlation.bits_are_faster(*shape) for shape in shapes] == [True] * 3 + [False] * 2


def test_kendall_over_many_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "bits_are_faster", lambda *shape: True)
    values = np.random.default_rng(0).integers(0, 30, (5, 200))
    whole = correlation.kendall_matrix(values)
    monkeypatch.setattr(correlation, "CHUNK", 97)
    assert np.array_equal(whole, correlation.kendall_matrix(values))
    with pytest.raises(AnalysisError):
        correlation.kendall_matrix([[1, np.nan]])


def test_kendall_in_chunks_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "bits_are_faster", lambda *shape: True)
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
