"""What changes from mask to mask."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from topolab.errors import AnalysisError
from topolab.metrics import churn
from topolab.snapshot import pack_mask

SEEDS = st.integers(0, 10_000)


@given(SEEDS)
def test_jaccard_counts_edges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.random((2, 30)) < 0.4
    either = (a | b).sum()
    expected = (a & b).sum() / either if either else math.nan
    assert churn.jaccard(pack_mask(a), pack_mask(b)) == pytest.approx(expected, nan_ok=True)
    assert churn.count(pack_mask(a)) == a.sum()


def test_hubs_and_turnover() -> None:
    assert churn.hubs([5, 5, 5, 1], 0.5).tolist() == [0, 1]
    assert churn.hubs([3, 1, 2], 0.01).tolist() == [0]
    assert math.isnan(churn.turnover(np.array([], dtype=int), np.array([1])))
    with pytest.raises(AnalysisError):
        churn.hubs([1, 2], 0)
    with pytest.raises(AnalysisError):
        churn.jaccard(np.zeros(1, np.uint8), np.zeros(2, np.uint8))


def test_bits_of_a_large_mask_are_counted() -> None:
    """More than the 255 that a byte can say."""
    assert churn.count(np.full(100, 255, np.uint8)) == 800
    assert math.isnan(churn.jaccard(np.zeros(2, np.uint8), np.zeros(2, np.uint8)))


@pytest.mark.parametrize(
    ("size", "share", "number"),
    [(100, 0.07, 7), (100, 0.29, 29), (30, 0.1, 3), (31, 0.1, 4), (5, 1.0, 5), (1000, 0.0011, 2)],
)
def test_the_number_of_hubs_is_rounded_up_but_not_for_a_last_digit(
    size: int, share: float, number: int
) -> None:
    found = churn.hubs(np.arange(size), share)
    assert found.tolist() == list(range(size - number, size))


def test_a_tenth_are_hubs_unless_told_and_the_first_of_equals_are() -> None:
    assert churn.hubs([1] * 40).tolist() == [0, 1, 2, 3]
    mixed = np.tile([3, 7], 50)
    assert churn.hubs(mixed, 0.2).tolist() == list(range(1, 41, 2))
    assert churn.hubs(np.array([0, 200, 100], np.uint8), 0.3).tolist() == [1]
    for share in (0, 1.01, math.nan):
        with pytest.raises(AnalysisError, match="outside"):
            churn.hubs([1, 2], share)


def test_turnover_by_hand() -> None:
    before = np.array([1, 2, 3, 4])
    assert churn.turnover(before, before) == 0
    assert churn.turnover(before, np.array([4])) == 0.75
    assert churn.turnover(before, np.array([], dtype=int)) == 1
