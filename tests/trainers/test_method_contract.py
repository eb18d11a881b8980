"""The contract of every registered method, and what the shared loop promises."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from alone import Alone
from safetensors.torch import load_file

import topolab
from topolab.errors import ConfigError, RunError, RunExistsError, TopolabError
from topolab.registry import find, names
from topolab_trainers.criteria import LayerView, UpdatePlan
from topolab_trainers.data.digits import DIGITS
from topolab_trainers.loop import run_to_end, train
from topolab_trainers.method import Method
from topolab_trainers.schedules import UpdateTimes

SMALL: dict[str, Any] = {
    "data": "digits", "hidden": (24, 16), "epochs": 3, "batch_size": 64, "seed": 3, "threads": 1,
}  # fmt: skip


HEADINGS = ("Definition", "Defaults", "Departures from the paper", "Evidence", "References")


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


@pytest.mark.parametrize("name", names("methods"))
class TestContract:
    def test_the_same_seed_gives_the_same_bytes(self, name: str, tmp_path: Path) -> None:
        one, two = (topolab.train(name, tmp_path / n, **settings(name)) for n in "ab")
        assert contents(one) == contents(two) and len(one) > 3
        assert final(one) == final(two)
        other = topolab.train(name, tmp_path / "c", **settings(name, seed=4))
        assert contents(one) != contents(other)

    def test_what_it_says_it_conserves(self, name: str, tmp_path: Path) -> None:
        run = topolab.train(name, tmp_path / "r", **settings(name))
        counts = [[shot.nnz(layer.name) for layer in run.layers] for shot in run]
        conserves = find("methods", name).conserves
        if conserves == "layer":
            assert all(c == counts[0] for c in counts)
        elif conserves == "network":
            assert all(sum(c) == sum(counts[0]) for c in counts)
        if conserves != "nothing":
            size = sum(layer.size for layer in run.layers if layer.maskable)
            pairs = zip(counts[0], run.layers, strict=True)
            active = sum(n for n, layer in pairs if layer.maskable)
            assert active == round((1 - run.config["sparsity"]) * size)

    @pytest.mark.parametrize("engine", ["masked", "csr"])
    def test_absent_weights_are_zero(self, name: str, engine: str, tmp_path: Path) -> None:
        if name == "momentum" and engine == "csr":
            pytest.skip("refused: momentum needs the dense gradient at every step")
        config = find("methods", name)().configure(**settings(name, engine=engine))
        trainer = Alone(find("methods", name)(), config, DIGITS.load())
        with topolab.Recorder(tmp_path / "r", layers=trainer.layers) as recorder:
            run_to_end(trainer, [recorder], progress=None, save_every=1e9)
        for layer, mask in trainer.masks.items():
            assert not bool(trainer.weights[layer][~mask].any())
            parameter = trainer.storages[layer].parameter
            if parameter.shape != mask.shape:
                continue  # only active weights are there at all
            for value in trainer.optimizer.state[parameter].values():
                if isinstance(value, torch.Tensor) and value.shape == mask.shape:
                    assert not bool(value[~mask].any())

    def config(self, name: str) -> Any:
        return find("methods", name)().configure(**settings(name))

    def test_it_learns(self, name: str, tmp_path: Path) -> None:
        chosen = settings(name, epochs=12, lr=0.005)
        if name == "nist":
            chosen |= {"neuroseeds": (6, 6, 4), "prune_to": None}
        run = topolab.train(name, tmp_path / "r", **chosen)
        assert run[-1].metrics["test_accuracy"] > 0.75 > run[0].metrics["test_accuracy"]
        assert run.summary["test_accuracy"] == run[-1].metrics["test_accuracy"]

    def test_global_generators_are_untouched(self, name: str, tmp_path: Path) -> None:
        random.seed(0), np.random.seed(0), torch.manual_seed(0)  # noqa: NPY002
        topolab.train(name, tmp_path / "r", **settings(name))
        assert random.random() == 0.8444218515250481
        assert np.random.random() == 0.5488135039273248  # noqa: NPY002
        drawn = torch.rand(1)
        torch.manual_seed(0)
        assert torch.equal(drawn, torch.rand(1))

    def test_an_interrupted_run_goes_on_to_the_same_bytes(self, name: str, tmp_path: Path) -> None:
        method, config = find("methods", name)(), self.config(name)
        whole = train(method, config, tmp_path / "whole")
        at = [5, 31, 55]

        def stop(step: int, total: int, metrics: Any) -> None:
            if at and step == at[0]:
                at.pop(0)
                raise KeyboardInterrupt

        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                train(method, config, tmp_path / "r", resume=True, progress=stop, save_every=0)
        assert topolab.open_run(tmp_path / "r").state == "interrupted"
        resumed = train(method, config, tmp_path / "r", resume=True)
        assert resumed.state == "done" and contents(resumed) == contents(whole)
        assert final(resumed) == final(whole)
        timed = ("_seconds",)
        same = [
            {k: v for k, v in run.summary.items() if not k.endswith(timed)}
            for run in (whole, resumed)
        ]
        assert same[0] == same[1]

    def test_it_has_a_card(self, name: str, tmp_path: Path) -> None:
        cls = find("methods", name)
        card = cls.card()
        for heading in HEADINGS:
            assert f"\n## {heading}\n" in card
        assert card.startswith(f"# `{name}`") and len(cls.summary) < 100
        missing = [o.name for o in cls.options if f"`{o.name}`" not in card]
        assert not missing, f"the card of {name} does not speak of {missing}"

    def test_a_whole_update_is_pure(self, name: str, tmp_path: Path) -> None:
        method, config = find("methods", name)(), self.config(name)
        rng = torch.Generator().manual_seed(1)
        mask = torch.zeros(9, 12, dtype=torch.bool)
        mask[:, ::3] = True  # the same fan-in everywhere, as SRigL has it
        weight = torch.randn(9, 12, generator=rng) * mask
        gradient, averaged = torch.randn(2, 9, 12, generator=rng)
        view = LayerView("fc1", mask, weight, gradient, averaged, int(mask.sum()))
        plan = replace(
            method.plan_update(7, 69, 60, config) if name != "nist" else UpdatePlan(7, 0.8),
            fraction=0.8,
        )
        if method.times(config, 60, 23) == UpdateTimes(None, 60, 23):
            return  # static: there is no update
        before = [t.clone() for t in (mask, weight, gradient, averaged)]
        first, again = (
            method.update_network([view], plan, config, lambda name: seeded(3))["fc1"] for _ in "ab"
        )
        after = (mask, weight, gradient, averaged)
        assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
        assert torch.equal(first.mask, again.mask)
        assert torch.equal(first.mask, (mask & ~first.dropped) | first.grown)
        if method.conserves != "nothing":
            assert int(first.mask.sum()) == int(mask.sum())


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
        train(method, config, tmp_path / "r", progress=stop, save_every=0)
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
        ({"sparsity": 1.0}, r"sparsity 1.0 is outside \[0, 1\)"),
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
