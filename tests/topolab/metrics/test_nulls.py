"""Random networks: what they keep, and that nothing else is kept."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from topolab.errors import AnalysisError
from topolab.metrics import nulls

SEEDS = st.integers(0, 10_000)


def splitmix(rng: np.random.Generator) -> Iterator[int]:
    """SplitMix64 as Steele et al. print it, begun by 64 bits of a generator."""
    word = 2**64 - 1
    state = int(rng.integers(0, 2**64, 1, dtype=np.uint64)[0])
    while True:
        state = (state + 0x9E3779B97F4A7C15) & word
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & word
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & word
        yield z ^ (z >> 31)


def pairs(seed: int, edges: int, attempts: int) -> Iterator[tuple[int, int]]:
    """The upper and the lower half of each number, as parts of the edges."""
    for bits in islice(splitmix(np.random.default_rng(seed)), attempts):
        yield ((bits >> 32) * edges) >> 32, ((bits & (2**32 - 1)) * edges) >> 32


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


def test_shared_edges_are_those_of_dense_arrays() -> None:
    rng = np.random.default_rng(8)
    a, b = rng.random((7, 11)) < 0.4, rng.random((7, 11)) < 0.6
    stored = sp.csr_array(b.astype(float))
    stored.data[::3] = 0  # no edges
    for other in (sp.csr_array(b), stored):
        both = (a & other.toarray().astype(bool)).sum()
        assert nulls.shared_edges(sp.csr_array(a), other) == both
        assert nulls.shared_edges(other, sp.csr_array(a)) == both
    assert nulls.shared_edges(sp.csr_array((7, 11)), sp.csr_array(b)) == 0


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.51, 0.9, 1.0])
def test_uniform_masks_of_any_density(share: float) -> None:
    """Of a crowded layer the free places are drawn."""
    block = np.zeros((40, 50))
    block.reshape(-1)[: round(2000 * share)] = 1
    block = sp.csr_array(block)
    rng = np.random.default_rng(3)
    drawn = [nulls.uniform(block, rng) for _ in range(60)]
    assert {made.nnz for made in drawn} == {block.nnz}
    mean = sum(made.toarray() for made in drawn) / 60
    assert set(np.unique(mean)) <= {0.0, 1.0} or len(np.unique(mean)) > 5
    error = math.sqrt(share * (1 - share) / 60)
    assert np.abs(mean - share).max() <= 5 * error + 1e-12


def test_z_scores_without_one_say_why() -> None:
    assert nulls.z_score(5, [1, 2, 3])[2] == pytest.approx(3)
    assert "same value" in nulls.z_score(5, [2, 2, 2])[3]
    assert "itself" in nulls.z_score(math.nan, [1, 2])[3]
    assert "not every" in nulls.z_score(1, [1, math.nan])[3]


@pytest.mark.parametrize("swaps", [0.4, 1.0, 10.0])
def test_swaps_by_loops(swaps: float) -> None:
    mask = np.random.default_rng(1).random((9, 11)) < 0.35
    made, moved = nulls.rewired(sp.csr_array(mask), np.random.default_rng(2), swaps)
    edges = [tuple(edge) for edge in np.argwhere(mask).tolist()]
    before = set(edges)
    attempts = math.ceil(swaps * len(edges))
    for a, b in pairs(2, len(edges), attempts):
        (row_a, col_a), (row_b, col_b) = edges[a], edges[b]
        new = {(row_a, col_b), (row_b, col_a)}
        if row_a != row_b and col_a != col_b and not new & set(edges):
            edges[a], edges[b] = (row_a, col_b), (row_b, col_a)
    assert {tuple(e) for e in np.argwhere(made.toarray()).tolist()} == set(edges)
    assert moved == pytest.approx(len(set(edges) - before) / len(edges))
    assert made.has_sorted_indices and made.dtype == np.float64


@pytest.mark.parametrize("swaps", [0, -1, math.inf, math.nan])
def test_swaps_that_cannot_be(swaps: float) -> None:
    with pytest.raises(AnalysisError, match="must be above 0"):
        nulls.rewired(sp.csr_array(np.eye(3)), np.random.default_rng(0), swaps)


def test_ten_swaps_an_edge_unless_told() -> None:
    block = sp.csr_array(np.random.default_rng(3).random((8, 8)) < 0.4)
    default, _ = nulls.rewired(block, np.random.default_rng(4))
    told, _ = nulls.rewired(block, np.random.default_rng(4), 10.0)
    assert (default != told).nnz == 0


def test_two_edges_are_enough_to_move() -> None:
    made, moved = nulls.rewired(sp.csr_array(np.eye(2)), np.random.default_rng(0), 1.5)
    assert made.nnz == 2 and moved in (0.0, 1.0)
    results = {nulls.rewired(sp.csr_array(np.eye(2)), np.random.default_rng(s), 1.0)[1]
               for s in range(20)}  # fmt: skip
    assert results == {0.0, 1.0}


def test_uniform_masks_are_uniform() -> None:
    """Every place of a 3 x 5 layer equally often, rows and columns not exchanged."""
    block = sp.csr_array(np.array([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]))
    rng = np.random.default_rng(0)
    counts = sum(nulls.uniform(block, rng).toarray() for _ in range(3000))
    assert counts.shape == (3, 5) and counts.sum() == 9000
    assert counts == pytest.approx(np.full((3, 5), 600), rel=0.15)
    made = nulls.uniform(block, np.random.default_rng(1))
    assert made.has_sorted_indices and set(made.data) == {1.0}


@pytest.mark.parametrize(
    ("observed", "drawn", "expected", "reason"),
    [
        (5.0, [1, 2, 3], (2.0, 1.0, 3.0), ""),
        (1.0, [1.0, 3.0], (2.0, math.sqrt(2), -1 / math.sqrt(2)), ""),
        (5.0, [2], (math.nan, math.nan, math.nan), "not every random network has a value"),
        (5.0, [], (math.nan, math.nan, math.nan), "not every random network has a value"),
        (5.0, [1, math.inf], (math.nan, math.nan, math.nan), "not every random network"),
        (math.inf, [1, 2], (math.nan, math.nan, math.nan), "the network itself has no value"),
        (5.0, [2, 2, 2], (2.0, 0.0, math.nan), "every random network has the same value"),
        # A spread of rounding only, relative to a large mean and to a small one.
        (5e9, [1e9, 1e9 + 0.5], (1e9 + 0.25, math.sqrt(0.125), math.nan), "the same value"),
        (-5e9, [-1e9, -1e9 - 0.5], (-1e9 - 0.25, math.sqrt(0.125), math.nan), "the same value"),
        (5.0, [1e-10, 2e-10], (1.5e-10, math.sqrt(0.5e-20), math.nan), "the same value"),
        (5.0, [0.0, 1e-8], (5e-9, math.sqrt(0.5e-16), 5 / math.sqrt(0.5e-16)), ""),
    ],
)
def test_z_scores_by_hand(
    observed: float, drawn: list[float], expected: tuple[float, ...], reason: str
) -> None:
    *numbers, why = nulls.z_score(observed, drawn)
    assert numbers == pytest.approx(expected, nan_ok=True, rel=1e-6)
    assert reason in why and bool(reason) == bool(why)


def test_assortativity_needs_degrees_that_differ_on_both_sides() -> None:
    for block in ([[1, 1, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]], [[1, 0], [1, 0], [0, 1]]):
        assert math.isnan(nulls.assortativity(sp.csr_array(np.array(block))))
    assert nulls.assortativity(sp.csr_array(np.array([[1, 1], [0, 1]]))) == pytest.approx(-0.5)


@pytest.mark.parametrize("width", [90, 2**16, 2**16 + 1])
def test_a_rewiring_is_that_of_a_plain_loop_over_the_same_draws(width: int) -> None:
    """Beyond 2^16 neurons an edge takes a longer word."""
    dense = np.zeros((60, width), dtype=bool)
    dense[:, -90:] = np.random.default_rng(0).random((60, 90)) < 0.75
    block = sp.csr_array(dense)
    rows, cols = (ends.tolist() for ends in block.nonzero())
    edges = set(zip(rows, cols, strict=True))
    for a, b in pairs(4, len(rows), 10 * len(rows)):
        new = (rows[a], cols[b]), (rows[b], cols[a])
        if rows[a] == rows[b] or cols[a] == cols[b] or edges & set(new):
            continue
        edges -= {(rows[a], cols[a]), (rows[b], cols[b])}
        edges |= set(new)
        cols[a], cols[b] = cols[b], cols[a]
    after, moved = nulls.rewired(block, np.random.default_rng(4))
    assert edges == set(zip(*(ends.tolist() for ends in after.nonzero()), strict=True))
    before = set(zip(*(ends.tolist() for ends in block.nonzero()), strict=True))
    assert moved == len(edges - before) / len(edges)
