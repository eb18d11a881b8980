"""Random networks: what they keep, and that nothing else is kept."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from topolab.errors import AnalysisError
from topolab.metrics import nulls
from topolab.metrics.nulls import random_rewiring

SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.sampled_from([0.05, 0.3, 0.9]))
def test_rewiring_keeps_every_degree(seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    block = sp.csr_array(rng.random((13, 17)) < density)
    other, moved = nulls.rewired(block, rng)
    assert other.sum(0).tolist() == block.sum(0).tolist()
    assert other.sum(1).tolist() == block.sum(1).tolist()
    assert other.nnz == block.nnz and (other.data == 1).all()
    if block.nnz:
        same = (other.toarray().astype(bool) & block.toarray().astype(bool)).sum()
        assert moved == pytest.approx(1 - same / block.nnz)
    free = nulls.uniform(block, rng)
    assert free.nnz == block.nnz and (free.data == 1).all()


def test_rewiring_visits_every_graph_of_its_degrees_alike() -> None:
    """Row sums 2, 1, 1 and column sums 2, 1, 1: five matrices, each a fifth of the time."""
    block = sp.csr_array(np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]]))
    rng = np.random.default_rng(0)
    seen = Counter(
        tuple(nulls.rewired(block, rng, 25)[0].toarray().astype(int).ravel()) for _ in range(3000)
    )
    assert len(seen) == 5
    from scipy.stats import chisquare

    assert chisquare(list(seen.values())).pvalue > 0.001


def test_what_cannot_move_does_not() -> None:
    for block in (np.ones((4, 5)), np.eye(1, 6), np.triu(np.ones((4, 4))), np.zeros((3, 3))):
        _, moved = nulls.rewired(sp.csr_array(block), np.random.default_rng(0))
        assert moved == 0
    with pytest.raises(AnalysisError):
        nulls.rewired(sp.csr_array(np.eye(2)), np.random.default_rng(0), 0)


def test_assortativity_is_networkxs_over_edges() -> None:
    block = sp.csr_array(np.random.default_rng(5).random((15, 12)) < 0.3)
    coo = block.tocoo()
    fan_in, fan_out = block.sum(1)[coo.row], block.sum(0)[coo.col]
    assert nulls.assortativity(block) == pytest.approx(np.corrcoef(fan_in, fan_out)[0, 1])
    assert math.isnan(nulls.assortativity(sp.csr_array(np.ones((3, 3)))))
    assert math.isnan(nulls.assortativity(sp.csr_array((3, 3))))


def test_z_scores_without_one_say_why() -> None:
    assert nulls.z_score(5, [1, 2, 3])[2] == pytest.approx(3)
    assert "same value" in nulls.z_score(5, [2, 2, 2])[3]
    assert "itself" in nulls.z_score(math.nan, [1, 2])[3]
    assert "not every" in nulls.z_score(1, [1, math.nan])[3]


def test_random_rewiring_is_hypergeometric() -> None:
    """One update from a known start: means and variances of the exact law."""
    start = np.array([10, 0, 5, 20, 5])
    after = random_rewiring(start, 25, [12], [12], replicates=20_000, seed=1)
    assert (after.sum(1) == 40).all() and after.min() >= 0 and after.max() <= 25
    lost, free = 12 / 40, 12 / (5 * 25 - 40)
    mean = start * (1 - lost) + (25 - start) * free
    assert after.mean(0) == pytest.approx(mean, abs=0.05)

    def variance(part: np.ndarray, total: int) -> np.ndarray:
        p = part / total
        return 12 * p * (1 - p) * (total - 12) / (total - 1)

    expected = variance(start, 40) + variance(25 - start, 85)
    assert after.var(0) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(("lost", "gained"), [(5, 0), (0, 5), (7, 3), (3, 7), (3, 6), (40, 85)])
def test_random_rewiring_keeps_count(lost: int, gained: int) -> None:
    after = random_rewiring([10, 0, 5, 20, 5], 25, [lost, 1], [gained, 1], replicates=50)
    assert (after.sum(1) == 40 - lost + gained).all()
    assert after.min() >= 0 and after.max() <= 25
    assert len({tuple(row) for row in after}) > 1 or lost == 40
