"""`topolab.attach` on plain PyTorch trainings: what is recorded, and that nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrize, prune

import topolab
import topolab.store.files
from topolab.errors import ConfigError, LayerError

Maker = Callable[..., torch.nn.Sequential]
Step = Callable[[torch.nn.Module, torch.optim.Optimizer, int], None]


def sgd(model: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


def test_snapshots_are_the_masks_at_their_steps(tmp_path: Path, mlp: Maker, one_step: Step) -> None:
    model = mlp()
    optimizer = sgd(model)
    expected = {}
    with topolab.attach(
        optimizer, model, tmp_path / "run", every=3, weights=True, seed=5,
        config={"method": "mine"}, epoch=lambda step: step / 4,
        metrics=lambda: {"bias": model[4].bias[0]},
    ) as handle:  # fmt: skip
        expected[0] = model[0].weight_mask.bool().numpy().copy()
        for step in range(1, 9):
            if step % 2 == 0:  # the topology changes, in place
                model[0].weight_mask.copy_(model[0].weight_mask.roll(1, dims=1))
            one_step(model, optimizer, step)
            expected[step] = model[0].weight_mask.bool().numpy().copy()
            weight = model[0].weight_orig.detach().numpy().copy()
        assert handle.steps == 8
    run = topolab.open_run(tmp_path / "run")
    assert run.steps.tolist() == [0, 3, 6, 8]
    assert run.state == "done"
    assert run.verify().ok
    assert (run.seed, run.config) == (5, {"method": "mine"})
    assert run.epochs.tolist() == [0, 0.75, 1.5, 2]
    for snapshot in run:
        assert np.array_equal(snapshot.masks["0"], expected[snapshot.step])
    last = run[-1]
    assert last.weights["0"] is not None
    assert np.array_equal(last.weights["0"], weight[expected[8]])
    assert last.metrics == {"bias": pytest.approx(model[4].bias[0].item())}
    assert [layer.maskable for layer in run.layers] == [True, True, False]


class Dropping(torch.nn.Module):
    """A parametrization with a Dropout inside, and a buffer that each training pass changes."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Sequential(torch.nn.Dropout(0.3), torch.nn.BatchNorm1d(6))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.inner(weight)
        return out


@pytest.mark.parametrize("kind", ["pruned", "parametrized", "both"])
@pytest.mark.filterwarnings("ignore:no mask was found")
def test_the_training_is_the_same_as_without(
    tmp_path: Path, mlp: Maker, one_step: Step, kind: str
) -> None:
    finals: list[tuple[list[torch.Tensor | None], list[object], torch.Tensor]] = []
    for attached in (False, True):
        model = mlp(pruned=kind != "parametrized")
        if kind != "pruned":
            index = 4 if kind == "both" else 2
            if kind == "both":
                model[4] = torch.nn.Linear(5, 3)
            size = model[index].in_features
            torch.manual_seed(1)
            part = Dropping()
            part.inner[1] = torch.nn.BatchNorm1d(size)
            parametrize.register_parametrization(model[index], "weight", part)
        model[1].eval()
        optimizer = torch.optim.Adam(model.parameters())
        torch.manual_seed(3)
        handle = None
        if attached:
            handle = topolab.attach(optimizer, model, tmp_path / "run", every=1, weights=True)
        for seed in range(5):
            one_step(model, optimizer, seed)
        if handle is not None:
            handle.remove()
        tensors = [*model.state_dict().values(), *(p.grad for p in model.parameters())]
        facts = [*model.state_dict()]
        facts += [(module.training, len(module._forward_hooks)) for module in model.modules()]
        facts += [len(p._backward_hooks or ()) for p in model.parameters()]
        finals.append((tensors, facts, torch.rand(1)))
    (before, facts, drawn), (after, facts_again, drawn_again) = finals
    assert facts == facts_again
    for one, other in zip(before, after, strict=True):
        assert one is None if other is None else torch.equal(one, other)
    assert torch.equal(drawn, drawn_again)


def test_wrong_requests_are_refused_before_anything_is_written(tmp_path: Path, mlp: Maker) -> None:
    model = mlp()
    optimizer = sgd(model)
    wrong: list[Any] = [0, 2.5, True, np.inf, np.nan, [1], "x", torch.ones(2)]
    for every in wrong:
        with pytest.raises(ConfigError, match="every="):
            topolab.attach(optimizer, model, tmp_path / "run", every=every)
    for start in (-1, np.inf, "x", [1]):
        with pytest.raises(ConfigError, match="start="):
            topolab.attach(optimizer, model, tmp_path / "run", start=start)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="on_error='ignore': raise or warn"):
        topolab.attach(optimizer, model, tmp_path / "run", on_error="ignore")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"list is no torch\.optim\.Optimizer"):
        topolab.attach([], model, tmp_path / "run")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"is no torch\.nn\.Module; the order is"):
        topolab.attach(optimizer, optimizer, tmp_path / "run")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="path = None is no path"):
        topolab.attach(optimizer, model, None)  # type: ignore[arg-type]
    with pytest.raises(LayerError):
        topolab.attach(optimizer, torch.nn.ReLU(), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    model[0].weight_mask[0, 0] = 0.5  # found when the first snapshot is taken
    with pytest.raises(LayerError, match="layer 0"):
        topolab.attach(optimizer, model, tmp_path / "run")
    assert not optimizer._optimizer_step_post_hooks
    assert not (tmp_path / "run").exists()


def test_a_convolution_and_its_pixels(tmp_path: Path) -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(16, 2)
    )
    prune.random_unstructured(model[0], "weight", amount=20)
    optimizer = sgd(model)
    with topolab.attach(optimizer, model, tmp_path / "run", every=1, image_shape=(1, 4, 4)):
        model(torch.ones(2, 1, 4, 4)).sum().backward()
        optimizer.step()
    run = topolab.open_run(tmp_path / "run")
    assert run.layers[0].image_shape == (1, 4, 4)
    assert run[-1].nnz("0") == 16
    assert topolab.analyse(run, ["degree"], cache=False)["degree"].table["n_edges"].gt(0).any()


class Residual(torch.nn.Module):
    """A block whose shortcut reads what the block reads."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 1)
        self.second = torch.nn.Conv2d(4, 8, 1)
        self.short = torch.nn.Conv2d(4, 8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        out: torch.Tensor = self.second(x) + self.short(x)
        return out


def test_a_shortcut_does_not_cost_the_analyses(tmp_path: Path) -> None:
    model = Residual()
    for layer in (model.first, model.second, model.short):
        prune.random_unstructured(layer, "weight", amount=0.5)
    with pytest.warns(UserWarning, match="what short reads is not known"):
        topolab.attach(None, model, tmp_path / "run").remove()
    run = topolab.open_run(tmp_path / "run")
    assert run.layers[2].source == "short:in"
    assert len(topolab.analyse(run, ["degree", "kshell", "dormant"])["degree"].table)
