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
