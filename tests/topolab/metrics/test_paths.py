"""Paths, against powers of the adjacency."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import topolab
from topolab.metrics import dormancy, paths

SEEDS = st.integers(0, 10_000)


def layered(seed: int, sizes: tuple[int, ...], density: float) -> topolab.LayeredGraph:
    rng = np.random.default_rng(seed)
    layers = [
        topolab.LayerSpec(f"fc{i}", "linear", (n, m))
        for i, (m, n) in enumerate(itertools.pairwise(sizes))
    ]
    masks = {layer.name: rng.random(layer.shape) < density for layer in layers}
    return topolab.LayeredGraph.from_masks(layers, masks)


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


def test_zeros_that_are_stored_are_no_edges() -> None:
    """Paths, and what lies on one, where the matrices hold explicit zeros."""
    first = sp.csr_array(np.ones((2, 2)))
    first.data[:] = [1, 0, 1, 1]  # the second input does not feed the first hidden neuron
    second = sp.csr_array(np.ones((1, 2)))
    second.data[:] = [2, 0]  # the second hidden neuron feeds nobody
    sizes = {"input": 2, "fc1": 2, "fc2": 1}
    blocks = [("input", "fc1", first), ("fc1", "fc2", second)]
    found = paths.trace(sizes, blocks)
    assert math.exp(found.log_total) == pytest.approx(1)
    assert found.effective == {"fc1": 1, "fc2": 1}
    assert found.to_output["input"].tolist() == [True, False]
    assert np.exp(found.log_through["fc1"]).tolist() == [1, 0]
    on = dormancy.on_path(sizes, blocks)
    assert [on[name].tolist() for name in sizes] == [[True, False], [True, False], [True]]
    assert first.data.tolist() == [1, 0, 1, 1]  # what was given is as it was


def test_a_network_without_outputs_has_no_paths() -> None:
    assert paths.trace({"input": 2, "fc1": 0}, [("input", "fc1", sp.csr_array((0, 2)))]) is not None
    none = paths.trace({"input": 2, "fc1": 3}, [("input", "fc1", sp.csr_array((3, 2)))])
    assert none.log_total == -math.inf and none.effective == {"fc1": 0}
