"""Cores, against igraph and networkx."""

from __future__ import annotations

import itertools

import igraph
import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
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


def test_the_arrays_given_are_as_they_were() -> None:
    graph = nx.to_scipy_sparse_array(nx.karate_club_graph(), format="csr")
    indptr, indices = graph.indptr.copy(), graph.indices.copy()
    core = kcore.coreness(graph.indptr, graph.indices)
    assert (graph.indptr == indptr).all() and (graph.indices == indices).all()
    assert core.max() == 4 and core.dtype == np.int64
    assert kcore.coreness(np.array([0]), np.array([], dtype=int)).shape == (0,)


def test_blocks_begin_where_they_are_said_to() -> None:
    """Two blocks between three layers of 2, 3 and 2 neurons, one neuron left out."""
    rng = np.random.default_rng(2)
    first, second = rng.random((3, 2)) < 0.8, rng.random((2, 3)) < 0.8
    graph = nx.Graph()
    graph.add_nodes_from(range(8))
    graph.add_edges_from((c, 2 + r) for r, c in np.argwhere(first))
    graph.add_edges_from((2 + c, 5 + r) for r, c in np.argwhere(second))
    blocks = []
    for column, row, mask in ((0, 2, first), (2, 5, second)):
        block = sp.csr_array(mask)
        blocks.append((column, row, block.indptr, block.indices))
    core = nx.core_number(graph)
    assert kcore.coreness_of_blocks(8, blocks).tolist() == [core[v] for v in range(8)]


def test_roles_of_one_row_only() -> None:
    with pytest.raises(AnalysisError, match="without neurons"):
        kcore.roles(np.ones((2, 2), dtype=np.int64))
    assert kcore.roles(np.array([7])).tolist() == ["core"]
