from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import kendalltau

from topolab.errors import AnalysisError
from topolab.metrics import correlation, degree, dormancy, heatmap, kcore

DEGREES = st.lists(st.integers(0, 50), min_size=1, max_size=40)


@given(DEGREES)
def test_gini_is_the_mean_difference_of_all_pairs(values: list[int]) -> None:
    x = np.array(values)
    if not x.sum():
        assert math.isnan(degree.gini(x))
        return
    pairs = np.abs(x[:, None] - x[None, :]).mean()
    assert degree.gini(x) == pytest.approx(pairs / (2 * x.mean()), abs=1e-12)


@given(DEGREES)
def test_the_ccdf_counts(values: list[int]) -> None:
    k, counts, at_least = degree.ccdf(values)
    for i, value in enumerate(k):
        assert counts[i] == values.count(value)
        assert at_least[i] == pytest.approx(sum(v >= value for v in values) / len(values))


def test_worked_values() -> None:
    assert degree.ccv([2, 4, 4, 4, 5, 5, 7, 9]) == pytest.approx(0.4)
    assert math.isnan(degree.ccv([])) and math.isnan(degree.ccv([0, 0]))
    assert degree.top_share([10] + [1] * 99, 0.01) == pytest.approx(10 / 109)
    assert degree.top_share([10] + [1] * 100, 0.01) == pytest.approx(11 / 110)  # ceil(1.01) = 2
    with pytest.raises(AnalysisError):
        degree.ccv([-1, 1])
    with pytest.raises(AnalysisError):
        degree.top_share([1], 0)


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


@given(st.integers(1, 25), st.floats(0, 0.6), st.integers(0, 10_000))
def test_coreness_of_any_graph(n: int, p: float, seed: int) -> None:
    graph = nx.gnp_random_graph(n, p, seed=seed)
    matrix = nx.to_scipy_sparse_array(graph, format="csr")
    core = nx.core_number(graph)
    assert kcore.coreness(matrix.indptr, matrix.indices).tolist() == [core[v] for v in range(n)]


def test_roles() -> None:
    assert kcore.roles(np.array([3, 3])).tolist() == ["core", "core"]
    assert kcore.roles(np.array([0, 3, 5, 5, 1])).tolist() == [
        "isolated", "crust", "core", "core", "crust",
    ]  # fmt: skip
    with pytest.raises(AnalysisError):
        kcore.roles(np.array([], dtype=np.int64))


@given(st.integers(0, 10_000))
def test_paths_are_networkxs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    widths = [3, 5, 4, 2]
    names = ["input", "a", "b", "c"]
    graph = nx.DiGraph()
    blocks = []
    for i in range(3):
        dense = (rng.random((widths[i + 1], widths[i])) < 0.3).astype(np.int64)
        blocks.append((names[i], names[i + 1], sp.csr_array(dense)))
        graph.add_nodes_from([(names[i], j) for j in range(widths[i])])
        graph.add_nodes_from([(names[i + 1], j) for j in range(widths[i + 1])])
        graph.add_edges_from(((names[i], c), (names[i + 1], r)) for r, c in np.argwhere(dense))
    through = dormancy.on_path(dict(zip(names, widths, strict=True)), blocks)
    for name, width in zip(names, widths, strict=True):
        for j in range(width):
            up = nx.ancestors(graph, (name, j)) | {(name, j)}
            down = nx.descendants(graph, (name, j)) | {(name, j)}
            expected = any(n == "input" for n, _ in up) and any(n == "c" for n, _ in down)
            assert through[name][j] == expected


def test_heatmaps_count_edges_not_weights() -> None:
    first = sp.csr_array(np.array([[3, 0, 1], [0, 0, 2]]))
    assert heatmap.input_degree(first).tolist() == [1, 0, 2]
    assert heatmap.first_hidden(first, np.array([10, 4])).tolist() == [10, 0, 14]
