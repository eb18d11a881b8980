"""Degrees by chance: neuron by neuron, against drawing edge by edge."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chi2_contingency, chisquare, hypergeom

from topolab.errors import AnalysisError
from topolab.metrics.hypergeometric import hypergeometric
from topolab.metrics.random_rewiring import random_rewiring


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


# -- edge by edge, which is what is meant ---------------------------------------------------


def edge_by_edge(
    degrees: list[int], capacity: int, lost: list[int], gained: list[int], rng: np.random.Generator
) -> tuple[int, ...]:
    """One replicate: edges and free places drawn without repetition, all at once."""
    filled = np.repeat(np.arange(len(degrees)), degrees)
    free = np.repeat(np.arange(len(degrees)), capacity - np.array(degrees))
    for drop, grow in zip(lost, gained, strict=True):
        filled, free = rng.permutation(filled), rng.permutation(free)
        filled, free = (
            np.concatenate([filled[drop:], free[:grow]]),
            np.concatenate([free[grow:], filled[:drop]]),
        )
    return tuple(np.bincount(filled, minlength=len(degrees)).tolist())


def told_apart(a: list[tuple[int, ...]], b: list[tuple[int, ...]]) -> float:
    """p-value of two samples of one law, rare outcomes together."""
    counts = [Counter(a), Counter(b)]
    outcomes = set(a) | set(b)
    common = [o for o in outcomes if counts[0][o] + counts[1][o] >= 20]
    table = [[count[o] for o in common] for count in counts]
    for row, sample in zip(table, (a, b), strict=True):
        row.append(len(sample) - sum(row))
    kept = [column for column in zip(*table, strict=True) if sum(column)]
    return float(chi2_contingency(np.array(kept).T).pvalue)


@pytest.mark.parametrize(
    ("lost", "gained"),
    [
        ([5], [5]),
        ([7, 2], [3, 6]),
        ([0, 16, 1], [4, 3, 0]),
        ([3] * 6, [3] * 6),
        ([2] * 40, [2] * 40),
    ],
)
@pytest.mark.parametrize("neurons", [None, [2, 0], [1]])
def test_degrees_are_those_of_drawing_edge_by_edge(
    lost: list[int], gained: list[int], neurons: list[int] | None
) -> None:
    """All degrees together, and those of some neurons."""
    degrees, capacity = [1, 0, 5, 6], 8
    followed = range(4) if neurons is None else neurons
    rng = np.random.default_rng(1)
    slow = [edge_by_edge(degrees, capacity, lost, gained, rng) for _ in range(3000)]
    slow = [tuple(state[i] for i in followed) for state in slow]
    fast = random_rewiring(
        degrees, capacity, lost, gained, neurons=neurons, replicates=20_000, seed=2
    )
    assert fast.shape == (20_000, len(followed))
    assert told_apart(slow, [tuple(row) for row in fast.tolist()]) > 1e-3


def test_degrees_of_a_large_layer_are_those_of_drawing_edge_by_edge() -> None:
    """Means, variances and the low end after eight updates of a tenth of the edges."""
    rng = np.random.default_rng(5)
    degrees = rng.poisson(30, 60)
    moved = [round(0.1 * degrees.sum())] * 8
    poor = np.argsort(degrees)[:15]
    slow = np.array([edge_by_edge(degrees.tolist(), 200, moved, moved, rng) for _ in range(600)])
    slow = slow[:, poor]
    fast = random_rewiring(degrees, 200, moved, moved, neurons=poor, replicates=6000, seed=1)
    error = np.sqrt(slow.var(0, ddof=1) / 600 + fast.var(0, ddof=1) / 6000)
    assert (np.abs(slow.mean(0) - fast.mean(0)) < 4 * error).all()
    assert fast.var(0).mean() == pytest.approx(slow.var(0).mean(), rel=0.06)
    low = [(sample < 24).sum(1) for sample in (slow, fast)]
    error = np.sqrt(low[0].var(ddof=1) / 600 + low[1].var(ddof=1) / 6000)
    assert abs(low[0].mean() - low[1].mean()) < 4 * error and low[0].mean() > 1


def test_the_seed_fixes_the_draws_and_each_replicate_has_its_own() -> None:
    degrees = [10, 0, 5, 20, 5]
    assert random_rewiring(degrees, 25, [5], [5]).shape == (100, 5)
    first = random_rewiring(degrees, 25, [5], [5], seed=0)
    assert random_rewiring(degrees, 25, [5], [5]).tolist() == first.tolist()
    assert random_rewiring(degrees, 25, [5], [5], seed=1).tolist() != first.tolist()
    few = random_rewiring(degrees, 25, [5], [5], replicates=7)
    assert few.tolist() == first[:7].tolist()


@pytest.mark.parametrize("neurons", [[0, 0], [2], [-1]])
def test_neurons_that_cannot_be_followed(neurons: list[int]) -> None:
    with pytest.raises(AnalysisError, match=r"different positions in 0 \.\.\. 1"):
        random_rewiring([5, 0], 5, [1], [1], neurons=neurons)


@pytest.mark.parametrize(
    ("kind", "total", "drawn"),
    [
        (3, 10, 4), (9, 10, 4), (10, 100, 95), (1, 5, 2), (500, 1000, 500), (460, 240_000, 24_000),
        (235_000, 240_000, 700), (10**6, 10**8, 10**5), (20, 10**6, 10**4),
    ],
)  # fmt: skip
def test_hypergeometric_numbers_are_scipys(kind: int, total: int, drawn: int) -> None:
    state = np.array([11], dtype=np.uint64)
    sample = np.array([hypergeometric(kind, total, drawn, state) for _ in range(50_000)])
    law = hypergeom(total, kind, drawn)
    low, high = law.support()
    assert sample.min() >= low and sample.max() <= high
    edges = np.unique(law.ppf([0.001, *np.linspace(0.02, 0.98, 25), 0.999]))
    expected = np.diff(np.concatenate([[0.0], law.cdf(edges), [1.0]]))
    found = np.bincount(np.searchsorted(edges, sample), minlength=len(edges) + 1)
    some = expected * 50_000 > 5
    assert found[~some].sum() <= 20
    shares = expected[some] / expected[some].sum()
    assert chisquare(found[some], shares * found[some].sum()).pvalue > 1e-3


@pytest.mark.parametrize(
    ("numbers", "only"),
    [((0, 5, 3), 0), ((5, 5, 3), 3), ((2, 5, 5), 2), ((2, 5, 0), 0), ((0, 0, 0), 0)],
)
def test_hypergeometric_numbers_without_a_choice(numbers: tuple[int, ...], only: int) -> None:
    state = np.array([11], dtype=np.uint64)
    assert {hypergeometric(*numbers, state) for _ in range(20)} == {only}


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
