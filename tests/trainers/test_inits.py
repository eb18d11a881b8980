"""The contract of every registered initialisation, and an oracle for each that scores weights."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from topolab.errors import ConfigError
from topolab.layers import LayerSpec, layers_of
from topolab.registry import find
from topolab.testing import contract_of
from topolab_trainers.inits.base import InitInputs
from topolab_trainers.inits.nist import default_neuroseeds, neuroseed_mask
from topolab_trainers.inits.scores import keep_best
from topolab_trainers.models import initialise
from topolab_trainers.models.mlp import MLP
from topolab_trainers.static import Static


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def setting(init: str, **more: Any) -> Any:
    chosen: dict[str, Any] = {"init": init, "sparsity": 0.8, **more}
    if init == "nist":
        chosen["sparsity"] = None
    return Static().configure(**chosen)


def context(seed: int = 0, widths: tuple[int, ...] = (30, 24, 16)) -> tuple[Any, InitInputs]:
    model = MLP(widths[0], widths[1:-1], widths[-1], norm="layernorm")
    layers = layers_of(model)
    ones = {k.name: torch.ones(k.shape, dtype=torch.bool) for k in layers}
    initialise(model, ones, seeded(seed))
    x = torch.rand(64, widths[0], generator=seeded(1))
    y = torch.randint(0, widths[-1], (64,), generator=seeded(2))
    return layers, InitInputs(model, lambda n: (x[:n], y[:n]), seeded(seed))


class TestEveryInit(contract_of("inits")):
    special: ClassVar[Any] = {"nist": {"sparsity": None}}


def grads(model: nn.Module, x: torch.Tensor, y: torch.Tensor, scale: float = 1.0) -> Any:
    loss = nn.functional.cross_entropy(model(x) / scale, y)
    return torch.autograd.grad(loss, [model.fc1.weight, model.fc2.weight])


def test_snip_is_the_change_of_the_loss_when_a_weight_is_scaled() -> None:
    """Lee et al.: |dL(c w)/dc| at c = 1, by finite differences."""
    layers, made = context()
    model = made.model.double()
    x, y = made.batch(64)
    made = InitInputs(model, lambda n: (x.double(), y), seeded())
    scores = find("inits", "snip").scores(layers, setting("snip"), made)
    for i, j in ((0, 0), (5, 7), (15, 20)):
        losses = []
        for c in (1 - 1e-5, 1 + 1e-5):
            with torch.no_grad():
                kept = float(model.fc2.weight[i, j])
                model.fc2.weight[i, j] *= c
                losses.append(float(nn.functional.cross_entropy(model(x.double()), y)))
                model.fc2.weight[i, j] = kept
        slope = abs(losses[1] - losses[0]) / 2e-5
        assert float(scores["fc2"][i, j]) == pytest.approx(slope, rel=1e-4, abs=1e-12)


def test_grasp_is_w_times_h_g_by_finite_differences() -> None:
    """(g(w + e g) - g(w - e g)) / 2e tends to H g; the largest -w H g go."""
    layers, made = context()
    model = made.model.double()
    x, y = made.batch(64)
    x = x.double()
    made = InitInputs(model, lambda n: (x, y), seeded())
    scores = find("inits", "grasp").scores(layers, setting("grasp"), made)
    g = grads(model, x, y, 200.0)
    weights = [model.fc1.weight, model.fc2.weight]
    kept = [w.detach().clone() for w in weights]
    step, moved = 1e-4, []
    for sign in (1, -1):
        with torch.no_grad():
            for w, k, v in zip(weights, kept, g, strict=True):
                w.copy_(k + sign * step * v)
        moved.append(grads(model, x, y, 200.0))
    for name, k, up, down in zip(("fc1", "fc2"), kept, *moved, strict=True):
        expected = k * (up - down) / (2 * step)
        torch.testing.assert_close(scores[name], expected, rtol=2e-3, atol=1e-12)


def test_synflow_is_the_sum_over_paths() -> None:
    """R = sum over all input-output paths of the product of abs weights; by hand for 2-2-1."""
    model = nn.Sequential()
    model.fc1, model.fc2 = nn.Linear(2, 2), nn.Linear(2, 1)
    model.head = ("fc1", "fc2")
    with torch.no_grad():
        model.fc1.weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 0.5]]))
        model.fc2.weight.copy_(torch.tensor([[-4.0, 0.25]]))
    layers = layers_of(model)
    masks = {k.name: torch.ones(k.shape, dtype=torch.bool) for k in layers}
    scores = find("inits", "synflow").scores(layers, model, 2, masks)
    assert scores["fc1"].tolist() == [[4.0, 8.0], [0.75, 0.125]]
    assert scores["fc2"].tolist() == [[12.0, 0.875]]
    masks["fc1"][0, 1] = False
    scores = find("inits", "synflow").scores(layers, model, 2, masks)
    assert scores["fc1"].tolist() == [[4.0, 0.0], [0.75, 0.125]]


def test_synflow_conserves_the_flow_and_does_not_collapse() -> None:
    layers, made = context(widths=(30, 40, 40, 10))
    init = find("inits", "synflow")
    ones = {k.name: torch.ones(k.shape, dtype=torch.bool) for k in layers}
    scores = init.scores(layers, made.model, 30, ones)
    totals = [float(s.sum()) for s in scores.values()]
    np.testing.assert_allclose(totals, totals[0], rtol=1e-9)  # each layer carries all of R
    masks = init.masks(layers, setting("synflow", sparsity=0.97), made)
    assert all(bool(m.any()) for m in masks.values())


def test_global_ranking_and_layer_collapse() -> None:
    layers = (LayerSpec("a", "linear", (2, 2)), LayerSpec("b", "linear", (2, 2)))
    scores = {"a": torch.tensor([[9.0, 8.0], [7.0, 6.0]]), "b": torch.tensor([[5.0, 1.0], [1, 1]])}
    masks = keep_best(layers, scores, 5, seeded())
    assert int(masks["a"].sum()) == 4 and masks["b"].int().tolist() == [[1, 0], [0, 0]]
    with pytest.raises(ConfigError, match=r"layer b would lose every edge .*layer collapse"):
        keep_best(layers, scores, 4, seeded())


# -- NIST ------------------------------------------------------------------------------------


def test_neuroseeds_by_hand() -> None:
    """Input i feeds outputs (i + t) mod m, t = 0 .. k - 1: fan-out is exactly k."""
    mask = neuroseed_mask(5, 7, 2)
    for i in range(7):
        assert torch.nonzero(mask[:, i]).flatten().tolist() == sorted({i % 5, (i + 1) % 5})
    assert (neuroseed_mask(100, 1024, 2).sum(0) == 2).all()


@pytest.mark.parametrize(
    ("widths", "k", "active"),
    [
        ((1024, 100, 200, 10), (2, 50, 10), [2048, 5000, 2000]),
        ((120, 84, 10), (1, 10), [120, 840]),
        ((4096, 4096, 4096, 10), (1, 2, 10), [4096, 8192, 40960]),
    ],
)
def test_nists_arithmetic(widths: tuple[int, ...], k: tuple[int, ...], active: list[int]) -> None:
    """MobileNet head 9,048; LeNet-5 head 960 of 10,920, 91.2 % sparse; AlexNet head 99.84 %."""
    found = [
        int(neuroseed_mask(m, n, seed).sum())
        for n, m, seed in zip(widths[:-1], widths[1:], k, strict=True)
    ]
    assert found == active
    dense = sum(n * m for n, m in itertools.pairwise(widths))
    stated = {9048: None, 960: 91.2, 53248: 99.84}[sum(found)]
    if stated is not None:
        assert round(100 * (1 - sum(found) / dense), 1 if stated == 91.2 else 2) == stated
    if dense < 20_000:
        assert dense == 10_920


def test_neuroseeds_that_cannot_be() -> None:
    layers, made = context()
    init = find("inits", "nist")
    with pytest.raises(ConfigError, match=r"layer fc2: a neuroseed factor of 17 is not in \[1, 16"):
        init.masks(layers, setting("nist", neuroseeds=(1, 17)), made)
    with pytest.raises(ConfigError, match=r"1 neuroseed factors were given for 2 masked layers"):
        init.masks(layers, setting("nist", neuroseeds=(1,)), made)
    conv = (LayerSpec("c", "conv", (4, 1, 3, 3)),)
    with pytest.raises(ConfigError, match="masks linear layers only"):
        init.masks(conv, setting("nist"), made)
    assert default_neuroseeds(layers) == (1, 8)


def test_profiles_that_cannot_be() -> None:
    layers, made = context()
    with pytest.raises(ConfigError, match=r"layer fc1: a CCV of 9 cannot be reached"):
        find("inits", "lognormal").masks(layers, setting("lognormal", ccv=9), made)
    with pytest.raises(ConfigError, match=r"layer fc1: .*highest sparsity is 0\.96"):
        find("inits", "linear").masks(layers, setting("linear", sparsity=0.97), made)
    with pytest.raises(ConfigError, match=r"layer fc1: f_min 31 is not in \[0, 30\]"):
        find("inits", "linear").masks(layers, setting("linear", f_min=31), made)
