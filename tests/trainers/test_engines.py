"""CSR and masked dense do the same, to rounding; and many replicas do what each does alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from alone import Alone
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

import topolab
from topolab.errors import ConfigError, PartialFailure
from topolab.layers import LayerSpec
from topolab.registry import find
from topolab_trainers.batched import train_many
from topolab_trainers.csr import CsrLinear, Pattern
from topolab_trainers.data.digits import DIGITS
from topolab_trainers.jobs import Job, groups
from topolab_trainers.loop import train
from topolab_trainers.recipes import PlannedRun
from topolab_trainers.stacked_engine import StackedEngine
from topolab_trainers.storage import CSR_DENSITY, CSR_SIZE, suits_csr
from topolab_trainers.trainer import Trainer
from topolab_trainers.training import train as train_by_plan

SMALL: dict[str, Any] = {
    "data": "digits", "hidden": (48, 32), "epochs": 3, "batch_size": 64, "seed": 3, "threads": 1,
    "sparsity": 0.8, "update_every": 7,
}  # fmt: skip


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def contents(run: topolab.Run) -> dict[str, bytes]:
    files = {p.name: p.read_bytes() for p in sorted((run.path / "snapshots").iterdir())}
    return files | {"final": (run.path / "final.safetensors").read_bytes()}


# -- CSR ---------------------------------------------------------------------------------------


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 6), st.floats(0, 1), st.booleans())
def test_a_csr_layer_is_the_masked_dense_layer(
    m: int, n: int, batch: int, density: float, bias: bool
) -> None:
    rng = seeded(m * 13 + n)
    mask = torch.rand(m, n, generator=rng) < density
    weight = torch.randn(m, n, generator=rng)
    b = torch.randn(m, generator=rng) if bias else None
    x = torch.randn(batch, n, generator=rng)
    out_gradient = torch.randn(batch, m, generator=rng)
    layer = CsrLinear(weight, mask, b)
    layer.wants_dense_gradient = True
    own_x = x.clone().requires_grad_()
    layer(own_x).backward(out_gradient)
    dense_x, dense_w = x.clone().requires_grad_(), (weight * mask).requires_grad_()
    expected = torch.nn.functional.linear(dense_x, dense_w, b)
    torch.testing.assert_close(layer(x), expected.detach(), rtol=1e-4, atol=1e-5)
    expected.backward(out_gradient)
    torch.testing.assert_close(own_x.grad, dense_x.grad, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layer.values.grad, dense_w.grad[mask], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layer.dense_gradient, dense_w.grad, rtol=1e-4, atol=1e-5)


def test_the_pattern_of_a_mask() -> None:
    mask = torch.tensor([[True, False, True], [False, True, True]])
    pattern = Pattern(mask)
    values = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert pattern.matrix(values).to_dense().tolist() == [[1, 0, 2], [0, 3, 4]]
    assert pattern.transpose(values).to_dense().tolist() == [[1, 0], [0, 3], [2, 4]]


@pytest.mark.parametrize("name", ["rigl", "set", "static", "srigl", "random"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_both_engines_train_the_same_to_rounding(name: str, optimizer: str) -> None:
    """Over a short horizon with updates: Adam turns a rounding error of a tiny gradient into a
    step of its own size in the end."""
    trainers = []
    for engine in ("masked", "csr"):
        method = find("methods", name)()
        settings = {**SMALL, "optimizer": optimizer, "engine": engine, "lr": 0.01}
        trainers.append(Alone(method, method.configure(**settings), DIGITS.load()))
    for step in range(1, 13):
        chosen = torch.arange(step * 64, step * 64 + 64) % 1442
        for trainer in trainers:
            trainer.one_step(step, chosen, update=trainer.replica.times.due(step))
    one, two = trainers
    for name in one.masks:
        assert torch.equal(one.masks[name], two.masks[name])
        torch.testing.assert_close(one.weights[name], two.weights[name], rtol=1e-3, atol=2e-5)
    assert type(two.storages["fc1"]).__name__ == "CsrStorage"


def test_the_csr_engine_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    method = find("methods", "rigl")()
    config = method.configure(**SMALL, engine="csr", record="weights,activity,gradient")
    whole = train(method, config, tmp_path / "whole")
    assert whole.summary["engine"] == "csr"
    at = [6, 7, 30, 50]

    def stop(step: int, total: int, metrics: Any) -> None:
        if at and step == at[0]:
            at.pop(0)
            raise KeyboardInterrupt

    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            train(method, config, tmp_path / "r", resume=True, on_step=stop, save_every=0)
    resumed = train(method, config, tmp_path / "r", resume=True)
    assert contents(resumed) == contents(whole)


def test_final_weights_are_a_dense_networks(tmp_path: Path) -> None:
    """What is left behind loads into the plain torch model and scores what was recorded."""
    from topolab_trainers.models.mlp import MLP

    for engine in ("masked", "csr"):
        run = topolab.train("rigl", tmp_path / engine, **SMALL, engine=engine)
        state = load_file(run.path / "final.safetensors")
        model = MLP(64, (48, 32), 10, norm="layernorm")
        model.load_state_dict(state)
        data = DIGITS.load()
        with torch.no_grad():
            right = model(torch.from_numpy(data.x_test)).argmax(1).numpy() == data.y_test
        assert right.mean() == pytest.approx(run.summary["test_accuracy"])
        absent = ~run[-1].masks["fc1"]
        assert not state["fc1.weight"].numpy()[absent].any()


def test_the_automatic_choice_is_a_fixed_rule() -> None:
    """By size and density alone, never by a clock: equal commands stay equal."""
    layer = LayerSpec("fc", "linear", (1024, 1024))
    assert suits_csr(layer, int(CSR_DENSITY * layer.size))
    assert not suits_csr(layer, int(CSR_DENSITY * layer.size) + 1)
    assert not suits_csr(LayerSpec("fc", "linear", (100, CSR_SIZE // 100 - 1)), 10)
    assert not suits_csr(LayerSpec("c", "conv", (512, 512, 3, 3)), 10)
    assert not suits_csr(replace(layer, maskable=False), 10)
    method = find("methods", "rigl")()
    config = method.configure(**{**SMALL, "hidden": (1024, 256), "sparsity": 0.9})
    kinds = [type(s).__name__ for s in Alone(method, config, DIGITS.load()).storages.values()]
    assert kinds == ["MaskedStorage", "CsrStorage", "MaskedStorage"]  # 64 x 1024 is too small
    momentum = find("methods", "momentum")()
    config = momentum.configure(**{**SMALL, "hidden": (1024, 256), "sparsity": 0.9})
    kinds = {type(s).__name__ for s in Alone(momentum, config, DIGITS.load()).storages.values()}
    assert kinds == {"MaskedStorage"}


# -- replicas ----------------------------------------------------------------------------------


def jobs(tmp_path: Path, **more: Any) -> list[Job]:
    """Seeds, profiles, sparsities and methods that differ."""
    variants: list[tuple[str, dict[str, Any]]] = [
        ("rigl", {"init": "uniform", "seed": 1}),
        ("rigl", {"init": "lognormal", "ccv": 1.5, "seed": 2, "sparsity": 0.9}),
        ("set", {"seed": 3, "update_every": 5}),
        ("psn", {"init": "exponential", "seed": 4}),
        ("srigl", {"seed": 5}),
        ("static", {"init": "snip", "seed": 1}),
    ]
    out = []
    for i, (name, own) in enumerate(variants):
        method = find("methods", name)()
        config = method.configure(**{**SMALL, "norm": "layernorm", **more, **own})
        out.append(Job(method, config, tmp_path / f"{i}-{name}"))
    return out


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("norm", ["layernorm", "none"])
def test_a_replica_follows_the_same_run_alone(tmp_path: Path, optimizer: str, norm: str) -> None:
    every = jobs(tmp_path, optimizer=optimizer, norm=norm, lr=0.01)
    data = DIGITS.load()
    for group in groups(every):
        together = Trainer(group, data, StackedEngine)
        alone = [Alone(j.method, replace(j.config, engine="masked"), data) for j in group]
        orders = together.orders(0)
        for step in range(1, 13):
            chosen = orders[:, (step - 1) * 64 : step * 64]
            due = [i for i, r in enumerate(together.replicas) if r.times.due(step)]
            together.step(step, chosen, due)
            for i, trainer in enumerate(alone):
                assert trainer.replica.times.due(step) == (i in due)
                trainer.one_step(step, chosen[i], update=i in due)
        for i, trainer in enumerate(alone):
            for name, mask in trainer.masks.items():
                assert torch.equal(mask, together.replicas[i].masks[name])
                torch.testing.assert_close(
                    together.engine.parameters()[f"{name}.weight"][i].detach(),
                    trainer.weights[name], rtol=2e-3, atol=5e-5,
                )  # fmt: skip


def test_whole_runs_of_replicas(tmp_path: Path) -> None:
    every = jobs(tmp_path / "together")
    runs = train_many(every)
    for job, run in zip(every, runs, strict=True):
        config = replace(job.config, engine="masked")
        single = train(job.method, config, tmp_path / "alone" / job.out.name)
        assert run.steps.tolist() == single.steps.tolist() and run.verify().ok
        assert all(a.nnz("fc1") == b.nnz("fc1") for a, b in zip(run, single, strict=True))
        np.testing.assert_array_equal(run[0].packed["fc1"], single[0].packed["fc1"])
        assert abs(run.summary["test_accuracy"] - single.summary["test_accuracy"]) < 0.1
        assert run.config["engine"] == "batched"
        absent = ~run[-1].masks["fc1"]
        assert not load_file(run.path / "final.safetensors")["fc1.weight"].numpy()[absent].any()
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "together").rglob("*") if p.is_file()}
    train_many(every)  # finished: nothing is done again
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_replicas_resume_to_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train_many(jobs(tmp_path / "whole")[:2])
    original, count = Trainer.step, [0]

    def broken(self: Trainer, step: int, *rest: Any) -> None:
        count[0] += 1
        if count[0] in (20, 45):
            raise KeyboardInterrupt
        original(self, step, *rest)

    monkeypatch.setattr(Trainer, "step", broken)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train_many(jobs(tmp_path / "r")[:2], save_every=0)
    resumed = train_many(jobs(tmp_path / "r")[:2], save_every=0)
    assert count[0] < 2 * 69  # it did go on, not start again
    for one, two in zip(whole, resumed, strict=True):
        assert contents(one) == contents(two)


def test_replicas_that_were_saved_at_different_steps_start_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train_many(jobs(tmp_path / "whole")[:2])
    original, count = Trainer.step, [0]

    def broken(self: Trainer, step: int, *rest: Any) -> None:
        count[0] += 1
        if count[0] == 20:
            raise KeyboardInterrupt
        original(self, step, *rest)

    monkeypatch.setattr(Trainer, "step", broken)
    every = jobs(tmp_path / "r")[:2]
    with pytest.raises(KeyboardInterrupt):
        train_many(every, save_every=0)
    (every[0].out / "resume" / "state.safetensors").unlink()  # killed between the two writes
    for one, two in zip(whole, train_many(every), strict=True):
        assert contents(one) == contents(two)


def test_what_cannot_train_together_says_so(tmp_path: Path) -> None:
    momentum = find("methods", "momentum")()
    with pytest.raises(ConfigError, match="method momentum with these options cannot be trained"):
        train_many([Job(momentum, momentum.configure(**SMALL), tmp_path / "m")])
    plan = [PlannedRun("a", "rigl", {**SMALL, "record": "gradient"})]
    with pytest.raises(ConfigError, match="a: recording activity or gradients cannot be trained"):
        train_by_plan(plan, tmp_path, batched=True)
    with pytest.raises(ConfigError, match="at least one training is needed"):
        train_by_plan([], tmp_path, batched=True)
    assert not list(tmp_path.iterdir())


def test_groups_are_of_one_shape(tmp_path: Path) -> None:
    made = jobs(tmp_path)
    sizes = sorted(len(g) for g in groups(made))
    assert sizes == [3, 3]  # RigL and SRigL replace their steps at the same ones; the rest
    other = [replace(j, config=replace(j.config, hidden=(8,))) for j in made[:1]]
    assert len(groups([*made, *other])) == 3


def test_a_replica_that_diverges_is_named(tmp_path: Path) -> None:
    from topolab.errors import TopolabError

    method = find("methods", "set")()
    config = method.configure(**{**SMALL, "optimizer": "sgd", "lr": 1e18, "norm": "none"})
    with pytest.raises(TopolabError, match=r"mine: the training loss is no longer finite"):
        train_many([Job(method, config, tmp_path / "mine")])
    assert topolab.open_run(tmp_path / "mine").state == "failed"


def test_one_that_diverges_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = train_many(jobs(tmp_path / "alone")[:2])
    original = Trainer.step

    def broken(self: Trainer, step: int, *rest: Any) -> None:
        if step == 20:
            self.loss[1] = torch.nan
        original(self, step, *rest)

    monkeypatch.setattr(Trainer, "step", broken)
    with pytest.raises(PartialFailure, match=r"1 of 2 failed.*1-rigl: the training loss"):
        train_many(jobs(tmp_path / "r")[:2])
    good, bad = (topolab.open_run(tmp_path / "r" / name) for name in ("0-rigl", "1-rigl"))
    assert bad.state == "failed" and bad.verify().ok and len(bad) == 3  # steps 0, 7 and 14
    assert contents(good) == contents(alone[0])


def test_an_update_that_fails_ends_only_its_own_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from topolab.errors import TopolabError
    from topolab_trainers.rigl import RigL

    alone = train_many(jobs(tmp_path / "alone")[:2])
    original = RigL.update_network

    def broken(self: RigL, views: Any, plan: Any, config: Any, draw: Any) -> Any:
        if config.seed == 2 and plan.step == 14:
            raise TopolabError("a score is NaN")
        return original(self, views, plan, config, draw)

    monkeypatch.setattr(RigL, "update_network", broken)
    every = jobs(tmp_path / "r")[:2]
    with pytest.raises(PartialFailure, match=r"1 of 2 failed.*1-rigl: a score is NaN"):
        train_many(every)
    good, bad = (topolab.open_run(job.out) for job in every)
    assert bad.state == "failed" and bad.verify().ok and bad.steps.tolist() == [0, 7]
    assert contents(good) == contents(alone[0])
    # Alone it is the error itself, and the run says why.
    with pytest.raises(TopolabError, match=r"^a score is NaN$"):
        train(every[1].method, replace(every[1].config, engine="masked"), tmp_path / "single")
    assert topolab.open_run(tmp_path / "single").state == "failed"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_replicas_on_a_gpu(tmp_path: Path) -> None:
    runs = train_many(jobs(tmp_path, device="cuda"))
    assert all(run.state == "done" for run in runs)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_a_step_on_a_gpu_waits_for_nothing() -> None:
    """Masks, losses and hits stay on the device between two updates."""
    method = find("methods", "rigl")()
    trainer = Alone(method, method.configure(**SMALL, device="cuda"), DIGITS.load())
    chosen = torch.arange(64, device="cuda")
    for step in range(1, 4):
        trainer.one_step(step, chosen, update=False)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for step in range(4, 7):
            trainer.one_step(step, chosen, update=False)
    finally:
        torch.cuda.set_sync_debug_mode("default")
