"""The networks: shapes, arithmetic of their weights, where activations are, and their graphs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from alone import Alone
from torch import nn

import topolab
from topolab.chaining import chain_layers
from topolab.errors import ConfigError
from topolab.layers import layers_of
from topolab.registry import find, names
from topolab_trainers.data.dataset import Dataset
from topolab_trainers.loop import run_to_end
from topolab_trainers.models import build, initialise

SHAPES = {"mlp": (1, 8, 8), "convnet": (3, 32, 32), "lenet5": (1, 28, 28)}


def made(name: str, shape: tuple[int, int, int] | None = None, n_out: int = 10) -> nn.Module:
    shape = shape or SHAPES.get(name, (3, 32, 32))
    return build(
        name, n_in=math.prod(shape), image_shape=shape, n_out=n_out, hidden=(12, 9), norm="none"
    )


def ready(name: str) -> nn.Module:
    model = made(name)
    masks = {k.name: torch.ones(k.shape, dtype=torch.bool) for k in layers_of(model)}
    initialise(model, masks, torch.Generator().manual_seed(0))
    return model


@pytest.mark.parametrize("name", names("models"))
def test_logits_and_activations(name: str) -> None:
    before = torch.random.get_rng_state()
    model = ready(name).eval()
    assert torch.equal(before, torch.random.get_rng_state())
    shape = SHAPES.get(name, (3, 32, 32))
    layers = layers_of(model, image_shape=shape)
    assert list(model.activation_of) == [k.name for k in layers]  # type: ignore[call-overload]
    assert tuple(model.head) == tuple(k.name for k in layers)[-len(model.head) :]  # type: ignore[arg-type]
    seen: dict[str, torch.Tensor] = {}
    for layer, module in model.activation_of.items():  # type: ignore[union-attr,operator]

        def keep(_m: Any, _i: Any, out: torch.Tensor, layer: str = layer) -> None:
            assert layer not in seen, "a shared module"
            seen[layer] = out

        model.get_submodule(module).register_forward_hook(keep)
    x = torch.rand(2, math.prod(shape), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits = model(x)
    assert logits.shape == (2, 10) and bool(torch.isfinite(logits).all())
    for layer in layers:
        assert seen[layer.name].shape[1] == layer.n_out
        if layer is not layers[-1]:
            assert float(seen[layer.name].min()) >= 0
    assert torch.equal(seen[layers[-1].name], logits)


@pytest.mark.parametrize("name", names("models"))
def test_they_are_layered_graphs(name: str) -> None:
    shape = SHAPES.get(name, (3, 32, 32))
    links = chain_layers(layers_of(made(name), image_shape=shape))
    repeats = {"alexnet": 16, "lenet5": 25}
    assert max(link.repeat for link in links) == repeats.get(name, 1)


@pytest.mark.parametrize("name", names("models"))
def test_random_masks_recorded_are_a_graph(name: str, tmp_path: Path) -> None:
    """Fan-ins counted here from the masks are those of the snapshot's graph."""
    layers = layers_of(made(name), image_shape=SHAPES.get(name, (3, 32, 32)))
    rng = np.random.default_rng(0)
    masks = {k.name: rng.random(k.shape, np.float32) < 0.02 for k in layers}
    with topolab.Recorder(tmp_path / "r", layers=layers) as recorder:
        recorder.record(0, masks)
    graph = topolab.LayeredGraph.from_snapshot(topolab.open_run(tmp_path / "r")[0])
    fan_in = graph.degrees("in")
    width = layers[0].n_in
    for k in layers:
        mask = masks[k.name]
        if k.kind == "linear":  # the places of one channel's map are one neuron
            mask = mask.reshape(k.n_out, width, -1)
        expected = mask.reshape(*mask.shape[:2], -1).any(axis=2).sum(axis=1)
        assert fan_in[graph.layer_slice(k.name)].tolist() == expected.tolist(), k.name
        if k.groups > 1:  # depthwise: a channel reads itself only
            rows, columns = graph.block(k.name).nonzero()
            assert (rows == columns).all() and len(rows) == expected.sum()
        width = k.n_out


@pytest.mark.parametrize(
    ("name", "shape", "last_map"),
    [
        ("convnet", (1, 8, 8), (2, 2)),
        ("convnet", (3, 9, 13), (2, 3)),
        ("lenet5", (3, 28, 28), (10, 10)),
        ("lenet5", (1, 32, 32), (10, 10)),
        ("alexnet", (1, 32, 32), (8, 8)),
        ("vgg16", (1, 32, 32), (2, 2)),
        ("mobilenet", (1, 32, 32), (4, 4)),
        ("resnet56", (1, 32, 32), (8, 8)),
    ],
)
def test_other_channels_and_sizes(
    name: str, shape: tuple[int, int, int], last_map: tuple[int, int]
) -> None:
    """One forward pass; the map of the last convolution says that strides and pools are right."""
    model = made(name, shape, n_out=7).eval()
    maps = []
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.zeros_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda _m, _i, out: maps.append(tuple(out.shape[2:])))
    with torch.no_grad():
        assert model(torch.zeros(2, math.prod(shape))).shape == (2, 7)
    assert maps[-1] == last_map


@pytest.mark.parametrize("name", names("models"))
def test_biases_and_activations_are_not_doubled(name: str) -> None:
    model = made(name)
    convs = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    normed = any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    assert all((m.bias is None) == normed for m in convs)
    relus = [m for m in model.modules() if isinstance(m, nn.ReLU)]
    assert len(relus) == len(layers_of(model)) - 1 and not any(m.inplace for m in relus)


def weights(model: nn.Module, names: Any) -> int:
    return sum(model.get_submodule(n).weight.numel() for n in names)


def test_arithmetic_of_their_weights() -> None:
    lenet = made("lenet5")
    assert weights(lenet, ("fc2", "fc3")) == 10_920  # NIST's head 120-84-10
    mobile = made("mobilenet")
    assert [mobile.get_submodule(n).in_features for n in mobile.head] == [1024, 100, 200]  # type: ignore[union-attr]
    assert weights(mobile, mobile.head) == 102_400 + 20_000 + 2_000
    alex = made("alexnet")
    assert weights(alex, alex.head) == 2 * 4096 * 4096 + 40_960
    resnet = made("resnet56")
    total = sum(p.numel() for p in resnet.parameters())
    assert total == pytest.approx(0.85e6, rel=0.01)  # the paper's 0.85 M
    vgg = made("vgg16")
    convs = [k for k in layers_of(vgg) if k.kind == "conv"]
    assert len(convs) == 13 and sum(k.size for k in convs) == 14_710_464
    assert weights(vgg, vgg.head) == 512 * 4096 + 4096 * 4096 + 40_960
    conv = made("convnet")
    assert weights(conv, ("conv1", "conv2", "conv3", "fc")) == 9 * (96 + 2048 + 8192) + 1280


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "mobilenet", "resnet56", "lenet5"])
def test_images_of_another_size_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"model {name} takes images of .*these are 8 x 8"):
        made(name, (1, 8, 8))
    with pytest.raises(ConfigError, match="needs images, and this data set has none"):
        build(name, n_in=54, image_shape=None, n_out=7, hidden=(5,), norm="none")


def test_small_images_are_too_small_for_a_convnet() -> None:
    with pytest.raises(ConfigError, match="at least 8 x 8"):
        made("convnet", (1, 7, 7))
    with pytest.raises(ConfigError, match="at least 8 x 8"):
        find("models", "convnet")((3, 32), 10)


def images(count: int = 48, shape: tuple[int, int, int] = (3, 32, 32)) -> Dataset:
    """Three classes that a bright patch tells apart."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % 3
    x = rng.random((count, *shape), np.float32) * 0.1
    for i, label in enumerate(y):
        x[i, :, 8 * label : 8 * label + 8, :] += 0.8
    x = x.reshape(count, -1).astype(np.float32)
    return Dataset("patches", x[:32], y[:32], x[32:], y[32:], image_shape=shape, n_classes=3)


@pytest.mark.parametrize(
    ("model", "name", "settings"),
    [
        ("convnet", "rigl", {"init": "erk", "grow": "gradient"}),
        ("lenet5", "nist", {"sparsity": None, "masked": ("fc2", "fc3"), "neuroseeds": (1, 3)}),
        ("lenet5", "set", {}),
        ("convnet", "random", {}),
        pytest.param("resnet56", "random", {}, marks=pytest.mark.long),
        ("mobilenet", "nist", {"sparsity": None, "neuroseeds": (2, 50, 3)}),
        ("convnet", "momentum", {}),
        pytest.param("mobilenet", "momentum", {}, marks=pytest.mark.long),
        ("convnet", "srigl", {}),
        ("convnet", "synflow", {"sparsity": 0.7}),
        ("resnet56", "snip", {"sparsity": 0.5}),
    ],
)
def test_masks_over_convolutions_train(
    model: str, name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    """Absent weights stay 0, counts hold, snapshots open as a graph; a run goes on exactly."""
    shape = (1, 28, 28) if model == "lenet5" else (3, 32, 32)
    data = images(shape=shape)
    method = find("methods", name)()
    config = method.configure(
        **{"model": model, "sparsity": 0.8, "epochs": 2, "batch_size": 16, "update_every": 1,
           "drop_fraction": 0.3, "threads": 1, "record": "activity,gradient", **settings}
    )  # fmt: skip
    trainer = Alone(method, config, data)
    with topolab.Recorder(tmp_path / "r", layers=trainer.layers) as recorder:
        run_to_end(trainer, [recorder], on_step=None, save_every=0)
    run = topolab.open_run(tmp_path / "r")
    for layer, storage in trainer.storages.items():
        assert not bool(storage.weight[~storage.mask].any())
        if method.conserves == "layer":
            assert run[0].nnz(layer) == run[-1].nnz(layer)
    graph = topolab.LayeredGraph.from_snapshot(run[-1])
    assert len(graph.degrees("total")) > 0 and len(graph.coreness()) == len(graph.degrees("total"))
    shot = run[-1]
    for k in run.layers:
        assert shot.activity[k.name].shape == shot.gradient[k.name].shape == (k.n_out,)
    if name == "nist":
        assert all(bool(trainer.masks[k.name].all()) for k in run.layers if k.kind == "conv")


def test_batch_norms_statistics_survive_a_resume(tmp_path: Path) -> None:
    data, method = images(), find("methods", "rigl")()
    config = method.configure(
        model="resnet56", sparsity=0.8, epochs=2, batch_size=16, update_every=1, threads=1
    )

    def train(folder: str, stop_at: int | None) -> None:
        trainer = Alone(method, config, data)

        def stop(step: int, total: int, metrics: Any) -> None:
            if step == stop_at:
                raise KeyboardInterrupt

        with topolab.Recorder(tmp_path / folder, layers=trainer.layers, resume=True) as recorder:
            run_to_end(trainer, [recorder], on_step=stop, save_every=0)

    train("whole", None)
    with pytest.raises(KeyboardInterrupt):
        train("r", 3)
    train("r", None)
    whole, resumed = (
        (tmp_path / name / "final.safetensors").read_bytes() for name in ("whole", "r")
    )
    assert whole == resumed
