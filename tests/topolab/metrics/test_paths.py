"""Paths, against powers of the adjacency."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
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
