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


# -- the same draws by loops over Python's own numbers ---------------------------------------------


def plain_rewiring(
    degrees: list[int], capacity: int, lost: list[int], gained: list[int], state: int
) -> list[int]:
    """One replicate: places drawn without repetition, by SplitMix64 as Steele et al. print it."""
    word = 2**64 - 1

    def below(n: int) -> int:
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & word
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & word
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & word
        return (((z ^ (z >> 31)) >> 32) * n) >> 32

    filled = [v for v, k in enumerate(degrees) for _ in range(k)]
    free = [v for v, k in enumerate(degrees) for _ in range(capacity - k)]
    for drop, grow in zip(lost, gained, strict=True):
        places, e = filled + free, len(filled)
        for i in range(drop):
            at, last = below(e - i), e - 1 - i
            places[at], places[last] = places[last], places[at]
        for i in range(grow):
            at = e + i + below(len(places) - e - i)
            places[at], places[e + i] = places[e + i], places[at]
        kept, dropped = places[: e - drop], places[e - drop : e]
        grown, rest = places[e : e + grow], places[e + grow :]
        # The shorter of the two goes over to the other's side, from the ends inwards.
        both = dropped + grown
        for i in range(min(drop, grow)):
            both[i], both[-1 - i] = both[-1 - i], both[i]
        filled, free = kept + both[:grow], both[grow:] + rest
    return np.bincount(filled, minlength=len(degrees)).tolist()


@pytest.mark.parametrize(
    ("lost", "gained"), [([5], [5]), ([7, 2], [3, 6]), ([0, 40, 1], [4, 3, 0]), ([3] * 6, [3] * 6)]
)
def test_random_rewiring_by_loops(lost: list[int], gained: list[int]) -> None:
    degrees = [10, 0, 5, 20, 5]
    after = random_rewiring(degrees, 25, lost, gained, replicates=6, seed=9)
    states = np.random.SeedSequence(9).generate_state(6, np.uint64)
    plain = [plain_rewiring(degrees, 25, lost, gained, int(state)) for state in states]
    assert after.tolist() == plain
    assert random_rewiring(degrees, 25, lost, gained).shape == (100, 5)
    first = random_rewiring(degrees, 25, lost, gained, seed=0)
    assert random_rewiring(degrees, 25, lost, gained).tolist() == first.tolist()


@pytest.mark.parametrize(
    ("degrees", "lost", "gained", "options", "message"),
    [
        ([5, -1], [1], [1], {}, "degrees must be in 0 ... 5"),
        ([5, 6], [1], [1], {}, "degrees must be in 0 ... 5"),
        ([5, 0], [1], [1], {"replicates": 0}, "replicates at least 1"),
        ([5, 0], [1], [1, 1], {}, "as many losses as gains"),
        ([5, 0], [[1]], [[1]], {}, "as many losses as gains"),
        ([5, 0], [6], [1], {}, "drops more edges than there are"),
        ([5, 0], [1], [6], {}, "grows more than fit"),
        ([5, 0], [-1], [1], {}, "drops more edges than there are"),
        ([5, 0], [1], [-1], {}, "drops more edges than there are"),
        ([5, 0], [3, 3], [0, 3], {}, "drops more edges than there are"),  # the second update
        ([5, 0], [0, 0], [3, 3], {}, "grows more than fit"),
    ],
)
def test_rewirings_that_cannot_be(
    degrees: list[int], lost: object, gained: object, options: dict[str, int], message: str
) -> None:
    with pytest.raises(AnalysisError, match=message):
        random_rewiring(degrees, 5, lost, gained, **options)  # type: ignore[arg-type]


def test_rewirings_at_their_limits() -> None:
    """All edges dropped, all places filled, one replicate, no update, no neurons."""
    assert random_rewiring([5, 0], 5, [5], [5], replicates=1).tolist() == [[0, 5]]
    assert random_rewiring([5, 0], 5, [5, 0], [0, 10], replicates=2).tolist() == [[5, 5]] * 2
    assert random_rewiring([3, 1], 5, [], [], replicates=2).tolist() == [[3, 1]] * 2
    assert random_rewiring([], 5, [], [], replicates=2).shape == (2, 0)


@pytest.mark.parametrize("swaps", [0.4, 1.0, 10.0])
def test_swaps_by_loops(swaps: float) -> None:
    mask = np.random.default_rng(1).random((9, 11)) < 0.35
    made, moved = nulls.rewired(sp.csr_array(mask), np.random.default_rng(2), swaps)
    edges = [tuple(edge) for edge in np.argwhere(mask).tolist()]
    before = set(edges)
    attempts = math.ceil(swaps * len(edges))
    for a, b in np.random.default_rng(2).integers(0, len(edges), (attempts, 2)):
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


def test_a_rewiring_is_that_of_a_plain_loop_over_the_same_draws() -> None:
    """However many are drawn at a time: 40,000 attempts are more than one block of them."""
    block = sp.csr_array(np.random.default_rng(0).random((60, 90)) < 0.75)
    rows, cols = (ends.tolist() for ends in block.nonzero())
    edges = set(zip(rows, cols, strict=True))
    draws = np.random.default_rng(4).integers(0, len(rows), (10 * len(rows), 2))
    assert len(draws) > 2**15
    for a, b in draws.tolist():
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
