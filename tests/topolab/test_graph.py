"""The layered graph against networkx, igraph and scipy."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import topolab
from topolab import LayeredGraph, LayerSpec
from topolab.chaining import chain_layers
from topolab.errors import LayerError
from topolab.metrics.dormancy import on_path


@st.composite
def graphs(draw: st.DrawFn) -> LayeredGraph:
    """Random networks: perhaps a convolution, then linear layers, any density."""
    layers: list[LayerSpec] = []
    width = draw(st.integers(1, 8))
    repeat = 1
    if draw(st.booleans()):
        channels = draw(st.integers(1, 6))
        layers.append(LayerSpec("conv", "conv", (channels, width, 2, 1)))
        width, repeat = channels, draw(st.integers(1, 3))
    for i in range(draw(st.integers(1, 3))):
        out = draw(st.integers(1, 12))
        layers.append(LayerSpec(f"fc{i}", "linear", (out, width * repeat)))
        width, repeat = out, 1
    masks = {layer.name: draw(hnp.arrays(bool, layer.shape)) for layer in layers}
    return LayeredGraph.from_masks(layers, masks)


@given(graphs())
def test_degrees_and_coreness_are_those_of_the_oracles(graph: LayeredGraph) -> None:
    network = graph.to_networkx()
    order = range(graph.n_neurons)
    assert graph.degrees("in").tolist() == [network.in_degree(v) for v in order]
    assert graph.degrees("out").tolist() == [network.out_degree(v) for v in order]
    assert graph.degrees("total").tolist() == [network.degree(v) for v in order]
    undirected = nx.core_number(network.to_undirected())
    assert graph.coreness().tolist() == [undirected[v] for v in order]
    assert graph.coreness().tolist() == graph.to_igraph().as_undirected().coreness()
    assert graph.n_edges == network.number_of_edges() == graph.to_igraph().ecount()


def test_a_larger_graph_against_igraph() -> None:
    rng = np.random.default_rng(3)
    layers = [LayerSpec("a", "linear", (200, 300)), LayerSpec("b", "linear", (150, 200))]
    hubs = rng.pareto(1.5, (200, 1))
    masks = {"a": rng.random((200, 300)) < 0.03 * (1 + hubs), "b": rng.random((150, 200)) < 0.1}
    graph = LayeredGraph.from_masks(layers, masks)
    assert graph.coreness().tolist() == graph.to_igraph().as_undirected().coreness()
    assert graph.coreness().max() > 5


def test_a_flattened_map_is_one_neuron_a_channel() -> None:
    layers = [LayerSpec("c", "conv", (2, 1, 1, 1)), LayerSpec("f", "linear", (1, 6))]
    masks = {"c": np.ones((2, 1, 1, 1)), "f": np.array([[1, 1, 0, 0, 0, 1]])}
    graph = LayeredGraph.from_masks(layers, masks)
    assert graph.n_neurons == 4
    assert graph.block("f").toarray().tolist() == [[2, 1]]
    assert graph.degrees("total").tolist() == [2, 2, 2, 2]


def test_doors_agree(example_run: topolab.Run, tmp_path: Path) -> None:
    graph = LayeredGraph.from_snapshot(example_run[0])
    matrix = graph.to_scipy()
    assert (matrix.sum(axis=1) == graph.degrees("out")).all()
    assert (matrix.sum(axis=0) == graph.degrees("in")).all()
    graph.write_graphml(tmp_path / "g.graphml")
    read = nx.read_graphml(tmp_path / "g.graphml")
    assert {(graph.ids.index(a), graph.ids.index(b)) for a, b in read.edges} == set(
        zip(*[p.tolist() for p in graph.edges[:2]], strict=True)
    )
    fan_in, fan_out, core = graph.degrees("in"), graph.degrees("out"), graph.coreness()
    of_neuron = {
        "layer": "fc1", "index": 4, "in_degree": fan_in[40], "out_degree": fan_out[40],
        "degree": fan_in[40] + fan_out[40], "coreness": core[40],
    }  # fmt: skip
    assert read.nodes["fc1:4"] == of_neuron
    assert graph.to_igraph().vs[40].attributes() == {"id": "fc1:4", **of_neuron}
    assert graph.to_networkx().nodes[40] == {"id": "fc1:4", **of_neuron}


def test_layers_can_be_left_out(example_run: topolab.Run) -> None:
    whole = LayeredGraph.from_snapshot(example_run[0])
    without = LayeredGraph.from_snapshot(example_run[0], exclude=["fc3"])
    assert whole.n_edges - without.n_edges == 64
    assert (without.degrees("total")[without.layer_slice("fc3")] == 0).all()
    with pytest.raises(LayerError, match="no layer 'fc9'"):
        LayeredGraph.from_snapshot(example_run[0], exclude=["fc9"])
    with pytest.raises(LayerError, match="direction"):
        whole.degrees("sideways")  # type: ignore[arg-type]
    with pytest.raises(LayerError, match="no layer 'x'"):
        whole.layer_slice("x")


def test_weights_of_a_layer_that_is_left_out_go_with_its_edges(tmp_path: Path) -> None:
    layers = [LayerSpec("a", "linear", (2, 2)), LayerSpec("b", "linear", (1, 2))]
    with topolab.Recorder(tmp_path / "r", layers=layers) as recorder:
        masks = {"a": [[1, 0], [1, 1]], "b": [[1, 1]]}
        recorder.record(0, masks, weights={"a": np.full((2, 2), 2.0), "b": np.full((1, 2), 3.0)})
    snapshot = topolab.open_run(tmp_path / "r")[0]
    for left_out, weight in (("a", [3.0, 3.0]), ("b", [2.0, 2.0, 2.0])):
        graph = LayeredGraph.from_snapshot(snapshot, exclude=[left_out])
        assert graph.weight is not None and graph.weight.tolist() == weight
        assert graph.about["weights"] == "recorded" and graph.n_neurons == 5


def test_a_stored_zero_is_no_edge() -> None:
    layers = [LayerSpec("a", "linear", (2, 2)), LayerSpec("b", "linear", (1, 2))]
    links = chain_layers(layers)
    zero = sp.csr_array((np.array([0, 1]), np.array([0, 1]), np.array([0, 1, 2])), shape=(2, 2))
    whole = LayeredGraph(links, [zero, sp.csr_array(np.array([[1, 1]]))])
    assert whole.n_edges == 3 and whole.degrees("in").tolist() == [0, 0, 0, 1, 2]
    assert whole.blocks[0][:2] == ("input", "a") and whole.block("a").nnz == 1
    assert zero.nnz == 2  # what was given is as it was
    assert on_path(whole.sizes, whole.blocks)["a"].tolist() == [False, True]


def test_weights_must_be_as_many_as_are_active() -> None:
    links = chain_layers([LayerSpec("a", "conv", (1, 1, 2, 1))])
    block = sp.csr_array(np.array([[2]]))
    weights = np.array([0.5, 0.25], dtype=np.float32)
    assert LayeredGraph(links, [block], [weights]).weight == [0.75]
    with pytest.raises(LayerError, match="layer a: 1 weights were given for 2 active ones"):
        LayeredGraph(links, [block], [weights[:1]])


def test_groups_of_inputs_apart_are_graphs_apart() -> None:
    """Degrees, coreness and paths are those of each part alone."""
    rng = np.random.default_rng(3)
    shapes = {"a": (7, 5), "b": (6, 7), "q": (6, 9), "k": (8, 9), "end": (4, 8)}
    sources = {"q": "att:in", "k": "att:in"}
    layers = [LayerSpec(n, "linear", s, source=sources.get(n)) for n, s in shapes.items()]
    masks = {name: rng.random(shape) < 0.4 for name, shape in shapes.items()}
    whole = LayeredGraph.from_masks(layers, masks)
    assert whole.layer_names == ("input", "a", "b", "att:in", "q", "k", "end")
    assert whole.inputs == {"input", "att:in"} and whole.unread == {"b", "q", "end"}
    assert whole.weight_layers == ("a", "b", "q", "k", "end")
    directed = whole.to_networkx()
    undirected = nx.Graph(directed)
    core = nx.core_number(undirected)
    assert whole.coreness().tolist() == [core[i] for i in range(whole.n_neurons)]
    assert whole.degrees("total").tolist() == [d for _, d in sorted(directed.degree())]
    first = LayeredGraph.from_masks(layers[:2], masks)
    assert whole.degrees("total")[: first.n_neurons].tolist() == first.degrees("total").tolist()
    through = on_path({n: int(np.ptp([whole.layer_slice(n).start, whole.layer_slice(n).stop]))
                       for n in whole.layer_names}, whole.blocks)  # fmt: skip
    starts = {i for n in whole.inputs for i in range(*whole.layer_slice(n).indices(10**6))}
    ends = {i for n in whole.unread for i in range(*whole.layer_slice(n).indices(10**6))}
    for name in whole.layer_names:
        for place, found in enumerate(through[name], whole.layer_slice(name).start):
            after, before = nx.descendants(directed, place), nx.ancestors(directed, place)
            assert found == (
                bool(starts & (before | {place})) and bool(ends & (after | {place}))
            ), (name, place)
