from __future__ import annotations

import numpy as np
import pytest
import torch

from topolab import LayerSpec, layers_of
from topolab.chaining import chain_layers, set_apart
from topolab.errors import LayerError


def test_a_kernel_is_an_edge_where_any_weight_is_active() -> None:
    layer = LayerSpec("c", "conv", (2, 2, 1, 3))
    mask = np.zeros((2, 2, 1, 3), dtype=bool)
    mask[0, 0, 0, [0, 2]] = True
    mask[1, 1] = True
    assert layer.edges(mask).tolist() == [[2, 0], [0, 3]]


def test_a_grouped_convolution_reads_only_its_group() -> None:
    layer = LayerSpec("c", "conv", (4, 2, 1, 1), groups=2)
    assert layer.n_in == 4
    edges = layer.edges(np.ones((4, 2, 1, 1), dtype=bool))
    assert edges.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]


def test_a_depthwise_convolution_is_a_diagonal() -> None:
    layer = LayerSpec("c", "conv", (3, 1, 3, 3), groups=3)
    assert (layer.edges(np.ones((3, 1, 3, 3), dtype=bool)) == 9 * np.eye(3)).all()


def test_a_flattened_map_belongs_to_its_channels() -> None:
    links = chain_layers(
        [
            LayerSpec("conv", "conv", (4, 1, 3, 3)),
            LayerSpec("fc", "linear", (10, 4 * 49)),
            LayerSpec("out", "linear", (3, 10)),
        ]
    )
    assert [(k.source, k.repeat) for k in links] == [("input", 1), ("conv", 49), ("fc", 1)]


def test_a_named_source_is_followed() -> None:
    links = chain_layers(
        [
            LayerSpec("a", "linear", (5, 4)),
            LayerSpec("b", "linear", (7, 5)),
            LayerSpec("c", "linear", (2, 5), source="a"),
        ]
    )
    assert links[2].source == "a"


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "at least one layer"),
        ([("a", (5, 4)), ("a", (2, 5))], "given twice: a"),
        ([("a", (5, 4)), ("b", (2, 7))], "takes 7 inputs but a has 5"),
    ],
)
def test_layers_that_do_not_chain(layers: list[tuple[str, tuple[int, int]]], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        chain_layers([LayerSpec(name, "linear", shape) for name, shape in layers])


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\\b", ".hidden", "input", "é", "a" * 201])
def test_hostile_names(name: str) -> None:
    with pytest.raises(LayerError):
        LayerSpec(name, "linear", (1, 1))


@pytest.mark.parametrize(
    "bad",
    [
        {"shape": (2,)},
        {"shape": (0, 3)},
        {"shape": (2, 3), "image_shape": (1, 2, 2)},
        {"shape": (2, 3), "groups": 2},
        {"kind": "conv", "shape": (3, 2, 1, 1), "groups": 2},
        {"kind": "pool"},
    ],
)
def test_layers_that_cannot_be(bad: dict[str, object]) -> None:
    with pytest.raises(LayerError):
        LayerSpec(**{"name": "a", "kind": "linear", "shape": (2, 3), **bad})  # type: ignore[arg-type]


def test_layers_of_a_model() -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(16, 2)
    )
    conv, fc = layers_of(model, image_shape=(1, 4, 4), dense=["3"])
    assert (conv.name, conv.kind, conv.shape, conv.image_shape) == (
        "0",
        "conv",
        (4, 1, 3, 3),
        (1, 4, 4),
    )
    assert (fc.name, fc.maskable) == ("3", False)
    with pytest.raises(LayerError, match="'9'"):
        layers_of(model, dense=["9"])
    with pytest.raises(LayerError, match="no Linear"):
        layers_of(torch.nn.ReLU())


def test_a_layer_survives_json() -> None:
    layer = LayerSpec("c", "conv", (4, 1, 3, 3), False, (4, 8, 8), 4, "b")
    assert LayerSpec.from_dict(layer.to_dict()) == layer
    with pytest.raises(LayerError, match="not a layer description"):
        LayerSpec.from_dict({"name": "x"})


def test_what_fits_nothing_reads_inputs_of_its_own() -> None:
    """As in a recurrent network, and at the shortcut of a residual one."""
    layers = (
        LayerSpec("conv", "conv", (8, 3, 3, 3)),
        LayerSpec("short", "conv", (16, 4, 1, 1)),
        LayerSpec("q", "linear", (6, 5), source="att:in"),
        LayerSpec("k", "linear", (6, 5), source="att:in"),
        LayerSpec("fc", "linear", (10, 6)),
    )
    with pytest.raises(LayerError, match="short takes 4 inputs but conv has 8"):
        chain_layers(layers)
    done, names = set_apart(layers)
    assert names == ("short",) and done[1].source == "short:in"
    assert [link.source for link in chain_layers(done)] == [
        "input", "short:in", "att:in", "att:in", "k",
    ]  # fmt: skip
    assert set_apart(done) == (done, ())


@pytest.mark.parametrize("source", ["x:out", "../x:in", "\x1b:in", ":in", "a b:in", "q:in\n"])
def test_groups_of_inputs_have_plain_names(source: str) -> None:
    layers = [LayerSpec("a", "linear", (3, 2)), LayerSpec("b", "linear", (3, 2), source=source)]
    with pytest.raises(LayerError, match="is not an earlier layer"):
        chain_layers(layers)


def test_only_maps_of_a_convolution_are_several_inputs_each() -> None:
    layers = [LayerSpec("a", "linear", (64, 10)), LayerSpec("b", "linear", (5, 128))]
    with pytest.raises(LayerError, match="takes 128 inputs but a has 64"):
        chain_layers(layers)
