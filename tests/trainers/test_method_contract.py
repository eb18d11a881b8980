"""The contract of every registered method, and what the shared loop promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from alone import Alone
from safetensors.torch import load_file

import topolab
from topolab.errors import ConfigError, RunError, RunExistsError, TopolabError
from topolab.registry import find
from topolab.testing import contract_of
from topolab_trainers.criteria import UpdatePlan
from topolab_trainers.data.digits import DIGITS
from topolab_trainers.loop import train
from topolab_trainers.method import Method

SMALL: dict[str, Any] = {
    "data": "digits", "hidden": (24, 16), "epochs": 3, "batch_size": 64, "seed": 3, "threads": 1,
}  # fmt: skip


def settings(method: str, **more: Any) -> dict[str, Any]:
    chosen = {**SMALL, **more}
    if method == "lottery":
        chosen = {"rounds": 2, "epochs": 1, **{k: v for k, v in chosen.items() if k != "epochs"}}
        if "epochs" in more:
            chosen["epochs"] = more["epochs"]
    if method == "nist":
        return {"prune_to": 0.85, "neuroseeds": (3, 8, 5), **chosen}
    if method != "dense":
        chosen = {"sparsity": 0.8, "update_every": 7, **chosen}
    return chosen


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def final(run: topolab.Run) -> bytes:
    """The parameters at the end."""
    return (run.path / "final.safetensors").read_bytes()


def contents(run: topolab.Run) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((run.path / "snapshots").iterdir())}


NIST = {"prune_to": 0.85, "neuroseeds": (3, 8, 5), "sparsity": None, "update_every": None}


class TestEveryMethod(contract_of("methods")):
    special: ClassVar[Any] = {
        "dense": {"sparsity": None, "update_every": None},
        "lottery": {"rounds": 2, "epochs": 1},
        "nist": NIST,
    }
    learning: ClassVar[Any] = {"nist": {"neuroseeds": (6, 6, 4), "prune_to": None}}

    def plan(self, method: Method, config: Any) -> UpdatePlan:
        if method.name == "nist":  # which prunes by what is left, not by a fraction
            return UpdatePlan(7, 0.8)
        return super().plan(method, config)


def test_when_each_method_updates(tmp_path: Path) -> None:
    steps = {}
    for method in ("dense", "set", "rigl"):
        chosen = {**SMALL, "epochs": 4}
        if method == "rigl":
            chosen["update_every"] = 10
        steps[method] = topolab.train(method, tmp_path / method, **chosen).steps.tolist()
    # 23 batches an epoch, 92 steps; RigL's T_end is 69.
    assert steps["dense"] == steps["set"] == [0, 23, 46, 69, 92]
    assert steps["rigl"] == [0, 10, 20, 30, 40, 50, 60, 92]
    masks = [s.packed["fc1"].tolist() for s in topolab.open_run(tmp_path / "set")]
    assert masks[3] == masks[4] != masks[2]  # no update after the last epoch


def trainer_of(method: Method, **more: Any) -> Alone:
    return Alone(method, method.configure(**settings(method.name, **more)), DIGITS.load())


def test_rigls_update_takes_the_place_of_the_step() -> None:
    trainer = trainer_of(find("methods", "rigl")())
    chosen = torch.arange(64)
    for step in range(1, 4):
        trainer.one_step(step, chosen, update=False)
    name = "fc1"
    mask = trainer.masks[name].clone()
    weight = trainer.weights[name].detach().clone()
    moments = trainer.optimizer.state[trainer.storages[name].parameter]["exp_avg"].clone()
    dense_bias = trainer.model.fc1.bias.detach().clone()
    trainer.one_step(4, chosen, update=True)
    after = trainer.weights[name].detach()
    kept = mask & trainer.masks[name]
    grown = trainer.masks[name] & ~mask
    assert torch.equal(after[kept], weight[kept]) and bool(grown.any())
    assert torch.equal(trainer.model.fc1.bias, dense_bias)  # no optimiser step at all
    state = trainer.optimizer.state[trainer.storages[name].parameter]["exp_avg"]
    assert torch.equal(state[kept], moments[kept])
    # Known mistakes: grown weights that wake with a stale value, Adam's state not cleared.
    assert not bool(after[grown].any()) and not bool(state[grown].any())


def test_rigl_grows_by_the_dense_gradient() -> None:
    """Known mistake: a gradient that the mask has zeroed leaves only ties."""
    trainer = trainer_of(find("methods", "rigl")())
    chosen = torch.arange(64)
    name = "fc1"
    mask, weight = trainer.masks[name].clone(), trainer.weights[name].detach().clone()
    loss = torch.nn.functional.cross_entropy(trainer.model(trainer.x[chosen]), trainer.y[chosen])
    (gradient,) = torch.autograd.grad(loss, trainer.storages[name].parameter)
    trainer.one_step(1, chosen, update=True)
    plan = trainer.method.plan_update(1, trainer.total, trainer.replica.t_end, trainer.config)
    n_drop = int(plan.fraction * int(mask.sum()))
    order = weight.abs().masked_fill(~mask, torch.inf).flatten().argsort()
    keep = mask.flatten().clone()
    keep[order[:n_drop]] = False
    score = gradient.abs().flatten().masked_fill(keep, -1)
    expected = keep.clone()
    expected[score.argsort(descending=True)[:n_drop]] = True
    # Pixels that are always 0 have gradient 0: none of those may have been needed.
    assert int((score > 0).sum()) > n_drop
    assert torch.equal(trainer.masks[name].flatten(), expected)


def test_masked_training_is_training_on_the_masked_network() -> None:
    """Against an independent loop: weights multiplied by their mask in the forward pass."""
    trainer = trainer_of(find("methods", "rigl")(), optimizer="sgd", lr=0.05)
    names_ = [layer.name for layer in trainer.layers]
    own = {k: v.detach().clone().requires_grad_() for k, v in trainer.model.named_parameters()}
    optimizer = torch.optim.SGD(own.values(), 0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    for step in range(1, 11):
        chosen = torch.arange(step * 10, step * 10 + 64)
        trainer.one_step(step, chosen, update=False)
        x = trainer.x[chosen]
        for i, name in enumerate(names_, start=1):
            x = torch.nn.functional.linear(
                x, own[f"{name}.weight"] * trainer.masks[name], own[f"{name}.bias"]
            )
            if i < len(names_):
                x = torch.nn.functional.layer_norm(
                    x, x.shape[1:], own[f"norm{i}.weight"], own[f"norm{i}.bias"]
                )
                x = torch.relu(x)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(x, trainer.y[chosen]).backward()
        optimizer.step()
    for key, value in trainer.model.named_parameters():
        masked = (
            own[key] * trainer.masks[key[:3]]
            if key.startswith("fc") and "weight" in key
            else own[key]
        )
        torch.testing.assert_close(value, masked, rtol=1e-4, atol=1e-6)


def test_a_loss_that_is_not_finite_stops_and_keeps(tmp_path: Path) -> None:
    with pytest.raises(TopolabError, match=r"no longer finite, between step \d+ and \d+"):
        topolab.train(
            "set", tmp_path / "r", **settings("set", optimizer="sgd", lr=1e18, norm="none")
        )
    run = topolab.open_run(tmp_path / "r")
    assert run.state == "failed" and len(run) >= 1 and run.verify().ok


def test_a_finished_run_is_returned_and_another_refused(tmp_path: Path) -> None:
    run = topolab.train("set", tmp_path / "r", **settings("set"))
    before = {p: p.stat().st_mtime_ns for p in (run.path / "snapshots").iterdir()}
    assert topolab.train("set", tmp_path / "r", resume=True, **settings("set")).state == "done"
    with pytest.raises(RunExistsError):
        topolab.train("set", tmp_path / "r", **settings("set"))
    with pytest.raises(RunError, match=r"lr was 0\.001, now 0\.5"):
        topolab.train("set", tmp_path / "r", resume=True, **settings("set", lr=0.5))
    assert before == {p: p.stat().st_mtime_ns for p in (run.path / "snapshots").iterdir()}


def test_a_damaged_state_is_refused_by_name(tmp_path: Path) -> None:
    method = find("methods", "set")()
    config = method.configure(**settings("set"))

    def stop(step: int, total: int, metrics: Any) -> None:
        if step == 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(method, config, tmp_path / "r", on_step=stop, save_every=0)
    state = tmp_path / "r" / "resume" / "state.safetensors"
    assert "model.fc1.weight" in load_file(state)
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(RunError, match=r"state\.safetensors: the saved state is damaged"):
        train(method, config, tmp_path / "r", resume=True)
    state.unlink()
    assert train(method, config, tmp_path / "r", resume=True).state == "done"


def test_recorded_weights_are_the_active_ones(tmp_path: Path) -> None:
    run = topolab.train("rigl", tmp_path / "r", **settings("rigl", record="weights"))
    for shot in run:
        for layer in run.layers:
            weights = shot.weights[layer.name]
            assert weights is not None and weights.shape == (shot.nnz(layer.name),)
    assert np.abs(run[-1].weights["fc1"]).max() > 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": "mnits"}, "unknown data set 'mnits'; there is cifar10.*did you mean mnist"),
        ({"sparsity": 1.0}, r"sparsity 1 is outside \[0, 1\)"),
        ({"sparsity": -0.1}, "sparsity -0.1 is outside"),
        ({"init": "x"}, "unknown init 'x'"),
        ({"hidden": ()}, "at least one hidden layer"),
        ({"hidden": (0,)}, "hidden 0 must be"),
        ({"hidden": 5}, "not a list of widths"),
        ({"epochs": 0}, "epochs 0 must be"),
        ({"epochs": 1.5}, "epochs 1.5 must be"),
        ({"batch_size": 100_000}, "larger than the 1442 training samples"),
        ({"optimizer": "lion"}, "unknown optimizer 'lion'"),
        ({"lr": 0}, "lr 0 is outside"),
        ({"update_every": "day"}, "update_every 'day' is not a whole number"),
        ({"drop_fraction": 2}, "drop_fraction 2 is outside"),
        ({"spasity": 0.5}, "unknown setting spasity"),
        ({"hidden": (2, 2), "sparsity": 0.999}, "without a single edge"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        topolab.train("rigl", tmp_path / "r", **settings("rigl", **change))
    assert not (tmp_path / "r").exists()


def test_dense_is_dense_and_cuda_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="method dense has sparsity 0"):
        topolab.train("dense", tmp_path / "r", sparsity=0.5)
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="no CUDA device"):
            topolab.train("rigl", tmp_path / "r", device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_masks_start_the_same_on_a_gpu(tmp_path: Path) -> None:
    cpu, gpu = (
        topolab.train("rigl", tmp_path / d, **settings("rigl", device=d)) for d in ("cpu", "cuda")
    )
    assert (cpu[0].packed["fc1"] == gpu[0].packed["fc1"]).all()
