"""Cores, paths, spectra, null models and churn, each against something that computes it plainly."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import igraph
import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import topolab
from topolab.errors import AnalysisError
from topolab.metrics import churn, correlation, dormancy, hierarchy, kcore, nulls, paths, spectral
from topolab.metrics.bits import csr_of_bits
from topolab.snapshot import Snapshot, pack_mask, weighted_biadjacency

SEEDS = st.integers(0, 10_000)


def layered(seed: int, sizes: tuple[int, ...], density: float) -> topolab.LayeredGraph:
    rng = np.random.default_rng(seed)
    layers = [
        topolab.LayerSpec(f"fc{i}", "linear", (n, m))
        for i, (m, n) in enumerate(itertools.pairwise(sizes))
    ]
    masks = {layer.name: rng.random(layer.shape) < density for layer in layers}
    return topolab.LayeredGraph.from_masks(layers, masks)


# -- from bits to cores ----------------------------------------------------------------------------


@given(SEEDS, st.integers(1, 9), st.integers(1, 19), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_csr_of_bits_is_scipys(seed: int, rows: int, width: int, density: float) -> None:
    mask = np.random.default_rng(seed).random((rows, width)) < density
    indptr, indices = csr_of_bits(pack_mask(mask), rows, width)
    expected = sp.csr_array(mask)
    assert indptr.tolist() == expected.indptr.tolist()
    assert indices.tolist() == expected.indices.tolist()


def test_bits_beyond_the_mask_are_no_edges() -> None:
    packed = np.array([0b11111111], dtype=np.uint8)
    assert csr_of_bits(packed, 1, 3)[1].tolist() == [0, 1, 2]


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


# -- Kendall ---------------------------------------------------------------------------------------


def test_kendall_in_chunks_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).integers(0, 9, (7, 60))
    whole = correlation.kendall_matrix(values, threads=1)
    monkeypatch.setattr(correlation, "CHUNK", 100)
    for threads in (1, 2, 5):
        assert np.array_equal(correlation.kendall_matrix(values, threads=threads), whole)
    assert correlation.kendall_matrix(np.zeros((2, 1))).shape == (2, 2)
    assert np.isnan(correlation.kendall_matrix(np.ones((2, 4)))).all()
    with pytest.raises(AnalysisError):
        correlation.kendall_matrix([[1.0, np.nan]])


# -- paths -----------------------------------------------------------------------------------------


@given(SEEDS, st.sampled_from([0.0, 0.15, 0.4, 1.0]))
def test_paths_by_powers_of_the_adjacency(seed: int, density: float) -> None:
    graph = layered(seed, (5, 6, 4, 3), density)
    names = graph.layer_names
    sizes = {n: graph.layer_slice(n).stop - graph.layer_slice(n).start for n in names}
    found = paths.trace(sizes, [(graph.source_of(n), n, graph.block(n)) for n in names[1:]])
    a = (graph.to_scipy().toarray() != 0).astype(int)
    whole = np.linalg.matrix_power(a, 3)[graph.layer_slice("input"), graph.layer_slice(names[-1])]
    total = whole.sum()
    if total:
        assert math.exp(found.log_total) == pytest.approx(total)
    else:
        assert found.log_total == -math.inf
    for name in names:
        if total:
            assert np.exp(found.log_through[name]).sum() == pytest.approx(total)
    on = dormancy.on_path(sizes, [(graph.source_of(n), n, graph.block(n)) for n in names[1:]])
    for name in names:
        here = found.from_input[name] & found.to_output[name]
        assert np.array_equal(here, on[name])
        assert np.array_equal(np.isfinite(found.log_through[name]), on[name])
    for name in names[1:]:
        block = graph.block(name).toarray() != 0
        alive = block & found.to_output[name][:, None] & found.from_input[graph.source_of(name)]
        assert found.effective[name] == alive.sum()


def test_path_counts_of_deep_networks_stay_finite() -> None:
    graph = layered(0, (50,) * 300, 1.1)
    names = graph.layer_names
    found = paths.trace(
        dict.fromkeys(names, 50), [(graph.source_of(n), n, graph.block(n)) for n in names[1:]]
    )
    assert found.log_total == pytest.approx(300 * math.log(50))
    assert found.log_through["fc150"] == pytest.approx(299 * math.log(50))


# -- spectra ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(20, 30), (90, 120)])
def test_singular_values_are_numpys(shape: tuple[int, int]) -> None:
    """The larger shape goes the iterative way."""
    block = sp.csr_array(np.random.default_rng(2).random(shape) < 0.2)
    found = spectral.spectrum(block)
    full = block.toarray().astype(float)
    values = np.linalg.svd(full, compute_uv=False)
    assert (found.sigma1, found.sigma2) == pytest.approx(tuple(values[:2]), rel=1e-9)
    rows, cols = full.sum(1), full.sum(0)
    bound = math.sqrt(rows.mean() - 1) + math.sqrt(cols.mean() - 1)
    assert found.bound == pytest.approx(bound) and found.gap == pytest.approx(values[0] - values[1])
    scaled = np.linalg.svd(full / np.sqrt(rows[:, None] * cols), compute_uv=False)
    assert scaled[0] == pytest.approx(1) and found.normalised2 == pytest.approx(scaled[1], rel=1e-9)


def test_known_spectra() -> None:
    pieces = sp.csr_array(np.kron(np.eye(2), np.ones((3, 4))))
    found = spectral.spectrum(pieces)
    assert found.normalised2 == pytest.approx(1) and found.gap == pytest.approx(0, abs=1e-9)
    for block, reason in (
        (np.zeros((3, 4)), "no edges"),
        (np.eye(1, 5), "single neuron"),
        (np.ones((1, 5)), "single neuron"),
    ):
        none = spectral.spectrum(sp.csr_array(block))
        assert math.isnan(none.sigma1) and reason in none.reason
    matching = spectral.spectrum(sp.csr_array(np.eye(4)))
    assert "the bound is 0" in matching.reason and not matching.proven


def test_a_random_regular_layer_is_nearly_ramanujan() -> None:
    """Friedman: almost every one; hubs are not, in the plain spectrum."""
    rng = np.random.default_rng(3)
    regular = sp.csr_array(np.array([rng.permutation(np.arange(200) < 12) for _ in range(200)]))
    regular, _ = nulls.rewired(regular, rng)
    assert abs(spectral.spectrum(regular).margin) < 0.15
    hubs = rng.random((200, 200)) < np.where(np.arange(200) < 10, 0.6, 0.03)[:, None]
    assert spectral.spectrum(sp.csr_array(hubs)).margin < -0.15


# -- null models -----------------------------------------------------------------------------------


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


# -- churn, gradients, activity, weights -----------------------------------------------------------


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


def test_gradients_by_decile() -> None:
    gradient, fan_in, size = hierarchy.gradient_by_decile([1, 2, 3, 4, 5], [5, 4, 3, 2, 0], 2)
    assert size.tolist() == [3, 2] and fan_in.tolist() == [5 / 3, 4.5]
    assert gradient.tolist() == [(4 * 2 + 3 * 3) / 5, (2 * 4 + 1 * 5) / 9]
    empty = hierarchy.gradient_by_decile([1.0], [3], 3)
    assert np.isnan(empty[0][1:]).all() and empty[2].tolist() == [1, 0, 0]
    with pytest.raises(AnalysisError):
        hierarchy.gradient_by_decile([1.0], [1, 2])


def test_tau_dormant_neurons() -> None:
    activity = [0.0, 0.02, 0.5, 1.0, 3.48]  # mean 1
    assert dormancy.tau_dormant(activity, 0).tolist() == [True, False, False, False, False]
    assert dormancy.tau_dormant(activity, 0.025).sum() == 2
    assert dormancy.tau_dormant([0.0, 0.0], 0.1).all()
    for bad in ([-1.0], [math.nan]):
        with pytest.raises(AnalysisError):
            dormancy.tau_dormant(bad, 0.1)


def test_weighted_blocks_of_a_grouped_convolution() -> None:
    rng = np.random.default_rng(6)
    layer = topolab.LayerSpec("conv", "conv", (4, 2, 3, 3), groups=2)
    mask = rng.random(layer.shape) < 0.2
    weight = rng.normal(size=layer.shape) * mask
    snapshot = Snapshot(
        0, 0, 0.0, (layer,), {"conv": pack_mask(mask)},
        stored_weights={"conv": weight[mask].astype(np.float32)},
    )  # fmt: skip
    block = weighted_biadjacency(snapshot, "conv")
    assert block is not None
    expected = np.zeros((4, 4))
    for out in range(4):
        for channel in range(2):
            expected[out, out // 2 * 2 + channel] = np.abs(weight[out, channel]).sum()
    assert block.toarray() == pytest.approx(expected, rel=1e-6)
    assert np.array_equal(block.toarray() > 0, snapshot.biadjacency("conv").toarray() > 0)
    assert weighted_biadjacency(Snapshot(0, 0, 0.0, (layer,), snapshot.packed), "conv") is None
