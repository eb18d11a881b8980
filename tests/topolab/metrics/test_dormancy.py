"""Neurons that take no part."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from topolab.errors import AnalysisError
from topolab.metrics import (
    dormancy,
)


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


def test_tau_dormant_neurons() -> None:
    activity = [0.0, 0.02, 0.5, 1.0, 3.48]  # mean 1
    assert dormancy.tau_dormant(activity, 0).tolist() == [True, False, False, False, False]
    assert dormancy.tau_dormant(activity, 0.025).sum() == 2
    assert dormancy.tau_dormant([0.0, 0.0], 0.1).all()
    for bad in ([-1.0], [math.nan]):
        with pytest.raises(AnalysisError):
            dormancy.tau_dormant(bad, 0.1)


def test_below_counts_those_with_fewer() -> None:
    assert dormancy.below(np.array([0, 9, 10, 11]), 10) == 2
    assert dormancy.below(np.array([1, 1, 1, 30]), 10) == 3


@pytest.mark.parametrize(
    ("activity", "tau"), [([1.0, 2.0], -0.1), ([1.0, 2.0], math.nan), ([1.0, math.inf], 0.1),
                          ([2.0, -1.0], 0.1), ([1.0, math.nan], 0.1)],
)  # fmt: skip
def test_activities_and_tau_that_cannot_be(activity: list[float], tau: float) -> None:
    with pytest.raises(AnalysisError, match="finite and not negative"):
        dormancy.tau_dormant(activity, tau)


def test_no_neurons_are_not_dormant() -> None:
    assert dormancy.tau_dormant([], 0.1).shape == (0,)
    assert dormancy.tau_dormant([0, 10], 0.5).tolist() == [True, False]
