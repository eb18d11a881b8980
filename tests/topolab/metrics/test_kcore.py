"""Cores, against igraph and networkx."""

from __future__ import annotations

import itertools

import igraph
import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topolab
from topolab.errors import AnalysisError
from topolab.metrics import (
    kcore,
)

SEEDS = st.integers(0, 10_000)


def layered(seed: int, sizes: tuple[int, ...], density: float) -> topolab.LayeredGraph:
    rng = np.random.default_rng(seed)
    layers = [
        topolab.LayerSpec(f"fc{i}", "linear", (n, m))
        for i, (m, n) in enumerate(itertools.pairwise(sizes))
    ]
    masks = {layer.name: rng.random(layer.shape) < density for layer in layers}
    return topolab.LayeredGraph.from_masks(layers, masks)


@given(st.integers(1, 25), st.floats(0, 0.6), st.integers(0, 10_000))
def test_coreness_of_any_graph(n: int, p: float, seed: int) -> None:
    graph = nx.gnp_random_graph(n, p, seed=seed)
    matrix = nx.to_scipy_sparse_array(graph, format="csr")
    core = nx.core_number(graph)
    assert kcore.coreness(matrix.indptr, matrix.indices).tolist() == [core[v] for v in range(n)]


@given(SEEDS, st.sampled_from([0.0, 0.05, 0.2, 0.6, 1.0]))
def test_coreness_is_igraphs_and_networkxs(seed: int, density: float) -> None:
    graph = layered(seed, (7, 11, 9, 4), density)
    ours = graph.coreness()
    assert ours.tolist() == graph.to_igraph().coreness(mode="all")
    plain = nx.Graph(graph.to_networkx().to_undirected())
    assert ours.tolist() == [nx.core_number(plain)[i] for i in range(graph.n_neurons)]
    both = graph.to_scipy() + graph.to_scipy().T
    assert kcore.coreness(both.tocsr().indptr, both.tocsr().indices).tolist() == ours.tolist()


def test_coreness_of_a_large_graph() -> None:
    graph = layered(1, (784, 1024, 1500, 1300, 10), 0.04)
    sources, targets, _ = graph.edges
    theirs = igraph.Graph(n=graph.n_neurons, edges=np.column_stack([sources, targets])).coreness()
    assert graph.coreness().tolist() == theirs


def test_roles() -> None:
    assert kcore.roles(np.array([3, 3])).tolist() == ["core", "core"]
    assert kcore.roles(np.array([0, 3, 5, 5, 1])).tolist() == [
        "isolated", "crust", "core", "core", "crust",
    ]  # fmt: skip
    with pytest.raises(AnalysisError):
        kcore.roles(np.array([], dtype=np.int64))
