"""A plain PyTorch training is recorded, and is the same training as without."""

from __future__ import annotations

import copy
import errno
import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrize, prune

import topolab
import topolab.store.files
from topolab.errors import ConfigError, LayerError, RunError, RunExistsError
from topolab.snapshot import Snapshot

Maker = Callable[..., torch.nn.Sequential]
Batch = Callable[..., tuple[torch.Tensor, torch.Tensor]]
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


def test_removal_restores_everything(tmp_path: Path, mlp: Maker, one_step: Step) -> None:
    model = mlp()
    optimizer = sgd(model)
    hooks = dict(optimizer._optimizer_step_post_hooks)
    attributes = set(vars(optimizer))
    modules = {name: dict(module._forward_hooks) for name, module in model.named_modules()}
    handle = topolab.attach(optimizer, model, tmp_path / "run", every=1)
    assert len(optimizer._optimizer_step_post_hooks) == len(hooks) + 1
    one_step(model, optimizer, 0)
    handle.remove({"accuracy": 0.5})
    handle.remove()
    assert dict(optimizer._optimizer_step_post_hooks) == hooks
    assert set(vars(optimizer)) == attributes
    assert {n: dict(m._forward_hooks) for n, m in model.named_modules()} == modules
    one_step(model, optimizer, 1)
    run = topolab.open_run(tmp_path / "run")
    assert run.steps.tolist() == [0, 1]
    assert run.summary == {"accuracy": 0.5}
    with pytest.raises(RunError, match="was removed"):
        handle.record()


def test_gradient_accumulation_counts_optimiser_steps(
    tmp_path: Path, mlp: Maker, batch: Batch
) -> None:
    model = mlp()
    optimizer = sgd(model)
    with topolab.attach(optimizer, model, tmp_path / "run", every=2) as handle:
        for micro in range(1, 17):
            inputs, labels = batch(micro)
            torch.nn.functional.cross_entropy(model(inputs), labels).backward()
            if micro % 4 == 0:
                optimizer.step()
                optimizer.zero_grad()
        assert handle.steps == 4
    assert topolab.open_run(handle.path).steps.tolist() == [0, 2, 4]


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("every", [1, 2])
def test_steps_that_amp_skips_do_not_count(
    tmp_path: Path, mlp: Maker, batch: Batch, fused: bool, every: int
) -> None:
    """A fused optimiser is called for a skipped step too; the others are not."""
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    optimizer.register_step_post_hook(count)
    with topolab.attach(optimizer, model, tmp_path / "run", every=every) as handle:
        for number in range(7):
            inputs, labels = batch(number)
            if number in (1, 2, 5):
                inputs = inputs * torch.inf
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs), labels)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        assert calls == (7 if fused else 4)
        assert handle.steps == 4
    taken = {int(state["step"]) for state in optimizer.state.values()}
    assert taken == {4}  # what Adam itself counted
    expected = [0, 1, 2, 3, 4] if every == 1 else [0, 2, 4]
    assert topolab.open_run(handle.path).steps.tolist() == expected


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("kind", ["foreach", "fused", "lbfgs", "scheduled", "compiled"])
def test_optimisers_of_all_kinds(tmp_path: Path, mlp: Maker, batch: Batch, kind: str) -> None:
    model = mlp()
    optimizer: torch.optim.Optimizer
    if kind == "lbfgs":
        optimizer = torch.optim.LBFGS(model.parameters(), max_iter=3)
    else:
        options = {kind: True} if kind in ("foreach", "fused") else {}
        optimizer = torch.optim.AdamW(model.parameters(), **options)  # type: ignore[arg-type]
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1) if kind == "scheduled" else None
    inputs, labels = batch(0)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        return loss

    step: Callable[..., object] = optimizer.step
    if kind == "compiled":
        step = torch.compile(lambda closure: optimizer.step(), backend="eager")
    with topolab.attach(optimizer, model, tmp_path / "run", every=1) as handle:
        for _ in range(3):
            closure()
            step(closure)
            if scheduler is not None:
                scheduler.step()
    assert topolab.open_run(handle.path).steps.tolist() == [0, 1, 2, 3]


def test_copies_of_the_optimiser_record_nothing(tmp_path: Path, mlp: Maker, one_step: Step) -> None:
    model = mlp()
    optimizer = sgd(model)
    handle = topolab.attach(optimizer, model, tmp_path / "run", every=1)
    one_step(model, optimizer, 0)
    other = copy.deepcopy(optimizer)
    buffer = io.BytesIO()
    torch.save(optimizer, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=False)
    state = io.BytesIO()
    torch.save(optimizer.state_dict(), state)
    for stranger in (other, loaded):
        stranger.step()
    assert handle.steps == 1
    state.seek(0)
    optimizer.load_state_dict(torch.load(state, weights_only=True))
    one_step(model, optimizer, 1)  # and the hook is still there
    assert handle.steps == 2
    handle.remove()


def test_a_restart_goes_on(tmp_path: Path, mlp: Maker, one_step: Step) -> None:
    whole = mlp()
    optimizer = sgd(whole)
    with topolab.attach(optimizer, whole, tmp_path / "whole", every=2, weights=True):
        for seed in range(7):
            one_step(whole, optimizer, seed)

    model = mlp()
    optimizer = sgd(model)
    handle = topolab.attach(optimizer, model, tmp_path / "parts", every=2, weights=True)
    for seed in range(5):
        if seed == 3:
            saved = copy.deepcopy((model.state_dict(), optimizer.state_dict(), handle.state_dict()))
        one_step(model, optimizer, seed)
    handle.close()  # steps 0, 2, 4 are on disk; the checkpoint is of step 3
    assert topolab.open_run(tmp_path / "parts").state == "interrupted"
    with pytest.raises(RunExistsError):
        topolab.attach(optimizer, model, tmp_path / "parts")

    model = mlp(seed=9)
    optimizer = sgd(model)
    model.load_state_dict(saved[0])
    optimizer.load_state_dict(saved[1])
    assert saved[2] == {"steps": 3}
    with topolab.attach(
        optimizer, model, tmp_path / "parts", every=2, weights=True, resume=True, start=3
    ) as handle:
        for seed in range(3, 7):
            one_step(model, optimizer, seed)
    assert topolab.open_run(tmp_path / "parts").identity == (
        topolab.open_run(tmp_path / "whole").identity
    )


def test_a_restart_without_a_step_goes_on_from_the_last_recorded(
    tmp_path: Path, mlp: Maker, one_step: Step
) -> None:
    model = mlp()
    optimizer = sgd(model)
    for _ in range(2):
        handle = topolab.attach(optimizer, model, tmp_path / "run", every=2, resume=True)
        for seed in range(4):
            one_step(model, optimizer, seed)
        handle.close()
    assert topolab.open_run(tmp_path / "run").steps.tolist() == [0, 2, 4, 6, 8]


def test_a_head_that_starts_at_zero_is_the_same_layer_after_a_restart(
    tmp_path: Path, mlp: Maker, one_step: Step
) -> None:
    model = mlp()
    torch.nn.init.zeros_(model[4].weight)
    optimizer = sgd(model)
    with pytest.warns(UserWarning, match=r"recorded as dense .*4 \(100% of its weights\)"):
        handle = topolab.attach(optimizer, model, tmp_path / "run", every=2)
    for seed in range(4):
        one_step(model, optimizer, seed)
    handle.close()
    with pytest.warns(UserWarning, match="recorded as dense"):  # of the dead units
        handle = topolab.attach(optimizer, model, tmp_path / "run", every=2, resume=True)
    for seed in range(2):
        one_step(model, optimizer, seed)
    handle.remove()
    run = topolab.open_run(tmp_path / "run")
    assert [(s.step, s.nnz("4")) for s in run] == [(0, 15), (2, 15), (4, 15), (6, 15)]


def test_an_error_in_the_training_leaves_a_failed_run(
    tmp_path: Path, mlp: Maker, one_step: Step
) -> None:
    model = mlp()
    optimizer = sgd(model)
    with (
        pytest.raises(ZeroDivisionError),
        topolab.attach(optimizer, model, tmp_path / "run", every=1),
    ):
        one_step(model, optimizer, 0)
        raise ZeroDivisionError("of the training")
    run = topolab.open_run(tmp_path / "run")
    assert run.state == "failed"
    assert run.failure is not None
    assert (run.failure["error"], run.failure["last_recorded_step"]) == ("ZeroDivisionError", 1)
    assert run.verify().ok
    assert not optimizer._optimizer_step_post_hooks

    with (
        pytest.raises(KeyboardInterrupt),
        topolab.attach(optimizer, model, tmp_path / "stopped", every=1),
    ):
        one_step(model, optimizer, 0)
        raise KeyboardInterrupt
    assert topolab.open_run(tmp_path / "stopped").state == "interrupted"


def test_asked_for_snapshots_only(tmp_path: Path, mlp: Maker, one_step: Step) -> None:
    model = mlp()
    optimizer = sgd(model)
    handle = topolab.attach(optimizer, model, tmp_path / "run", every=None, first=False, last=False)
    for seed in range(4):
        one_step(model, optimizer, seed)
        if seed == 1:
            handle.record(metrics={"accuracy": 0.25}, epoch=0.5)
    handle.record(10)
    one_step(model, optimizer, 5)
    assert handle.steps == 11
    handle.remove()
    run = topolab.open_run(tmp_path / "run")
    assert run.steps.tolist() == [2, 10]
    assert (run[0].metrics, run[0].epoch) == ({"accuracy": 0.25}, 0.5)

    alone = topolab.attach(None, model, tmp_path / "alone")
    alone.record(7)
    alone.remove()
    assert topolab.open_run(tmp_path / "alone").steps.tolist() == [0, 7]


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
    with pytest.raises(LayerError):
        topolab.attach(optimizer, torch.nn.ReLU(), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    model[0].weight_mask[0, 0] = 0.5  # found when the first snapshot is taken
    with pytest.raises(LayerError, match="layer 0"):
        topolab.attach(optimizer, model, tmp_path / "run")
    assert not optimizer._optimizer_step_post_hooks
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x", "'x'"), (torch.ones(2), r"of shape \(2,\)"), (None, "None"), ([1], r"\[1\]")],
)
def test_a_metric_that_is_no_number_is_refused_by_name(
    tmp_path: Path, mlp: Maker, value: Any, shown: str
) -> None:
    model = mlp()
    with pytest.raises(ConfigError, match=f"metric accuracy is no number: {shown}"):
        topolab.attach(sgd(model), model, tmp_path / "first", metrics=lambda: {"accuracy": value})
    with topolab.attach(None, model, tmp_path / "run") as handle:
        with pytest.raises(ConfigError, match=f"metric accuracy is no number: {shown}"):
            handle.record(1, metrics={"accuracy": value})
        with pytest.raises(ConfigError, match="metrics must give numbers by name, not list"):
            handle.record(1, metrics=[value])  # type: ignore[arg-type]
        if value is not None:
            with pytest.raises(ConfigError, match="epoch is no number"):
                handle.record(1, epoch=value)
        handle.record(2, epoch=torch.ones(1), metrics={"accuracy": torch.ones(1, 1)})  # type: ignore[arg-type,dict-item]
    run = topolab.open_run(tmp_path / "run")
    assert (run.steps.tolist(), run[-1].metrics, run[-1].epoch) == ([0, 2], {"accuracy": 1.0}, 1.0)


def test_a_step_that_is_refused_leaves_the_count(
    tmp_path: Path, mlp: Maker, one_step: Step
) -> None:
    model = mlp()
    optimizer = sgd(model)
    with topolab.attach(optimizer, model, tmp_path / "run", every=2) as handle:
        for seed in range(5):
            one_step(model, optimizer, seed)
        for wrong, error in ((3, RunError), (4, RunError), (-1, ConfigError), ("x", ConfigError),
                             (5.5, ConfigError)):  # fmt: skip
            with pytest.raises(error, match="step"):
                handle.record(wrong)  # type: ignore[arg-type]
            assert handle.steps == 5
        with pytest.raises(ConfigError):
            handle.record(20, metrics={"x": "y"})  # type: ignore[dict-item]
        assert handle.steps == 5
        for seed in range(3):
            one_step(model, optimizer, seed)
        handle.record(20)
        one_step(model, optimizer, 0)
        assert handle.steps == 21
    run = topolab.open_run(tmp_path / "run")
    assert (run.steps.tolist(), run.state) == ([0, 2, 4, 6, 8, 20, 21], "done")


def full_disk(monkeypatch: pytest.MonkeyPatch, *, notes: bool) -> None:
    """From now on no snapshot can be written, and no note either where `notes` is False."""
    write = topolab.store.files._write_synced

    def refuse(path: Path, data: bytes) -> None:
        if notes and not path.parent.name.startswith("snapshots"):
            write(path, data)
            return
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("topolab.store.files._write_synced", refuse)


@pytest.mark.parametrize(("notes", "state"), [(True, "failed"), (False, "interrupted")])
def test_a_full_disk_ends_the_training_or_only_the_recording(
    tmp_path: Path, mlp: Maker, one_step: Step, monkeypatch: pytest.MonkeyPatch, notes: bool,
    state: str,
) -> None:  # fmt: skip
    model = mlp()
    optimizer = sgd(model)
    handle = topolab.attach(optimizer, model, tmp_path / "warn", every=2, on_error="warn")
    for seed in range(2):
        one_step(model, optimizer, seed)
    raising = topolab.attach(optimizer, model, tmp_path / "raise", every=2)
    with monkeypatch.context() as patch:
        full_disk(patch, notes=notes)
        one_step(model, optimizer, 2)
        with (
            pytest.warns(RuntimeWarning, match="recording step 4 failed.*No space left"),
            pytest.raises(RunError, match="No space left"),
        ):
            one_step(model, optimizer, 3)
        raising.close()
        one_step(model, optimizer, 4)
        one_step(model, optimizer, 5)
        handle.record(metrics={"late": 1})
        handle.flush()
        assert handle.state_dict() == {"steps": 6}  # for checkpoints it goes on counting
        assert "stopped" in repr(handle)
        handle.remove()
    assert not optimizer._optimizer_step_post_hooks
    run = topolab.open_run(tmp_path / "warn")
    assert (run.steps.tolist(), run.state) == ([0, 2], state)
    assert run.verify().ok
    with topolab.attach(
        optimizer, model, tmp_path / "warn", every=2, resume=True, start=6
    ):  # with room again
        one_step(model, optimizer, 6)
    assert topolab.open_run(tmp_path / "warn").steps.tolist() == [0, 2, 7]


def test_a_run_that_cannot_be_opened_or_begun_is_an_error_in_any_case(
    tmp_path: Path, mlp: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = mlp()
    topolab.attach(None, model, tmp_path / "run").remove()
    with pytest.raises(RunExistsError):
        topolab.attach(None, model, tmp_path / "run", on_error="warn")
    handle = topolab.attach(None, model, tmp_path / "end", on_error="warn")
    full_disk(monkeypatch, notes=False)
    with pytest.raises(RunError):
        topolab.attach(None, model, tmp_path / "new", on_error="warn")
    with pytest.warns(RuntimeWarning, match="marking the run as done failed"):
        handle.remove()
    assert topolab.open_run(tmp_path / "end").state == "interrupted"


def test_a_listener_that_fails_does_not_stop_the_training(
    tmp_path: Path, mlp: Maker, one_step: Step
) -> None:
    seen: list[tuple[int, int]] = []

    def good(snapshot: Snapshot) -> None:
        seen.append((snapshot.step, snapshot.nnz("0")))

    def bad(snapshot: Snapshot) -> None:
        if snapshot.step == 1:
            raise OSError("no network")

    model = mlp()
    optimizer = sgd(model)
    with topolab.attach(optimizer, model, tmp_path / "run", every=1, listeners=[bad, good]):
        with pytest.warns(RuntimeWarning, match="failed at step 1.*OSError: no network"):
            one_step(model, optimizer, 0)
        one_step(model, optimizer, 1)
    assert seen == [(0, 19), (1, 19), (2, 19)]


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


RANKS = """
import contextlib, os, sys, warnings
import pytest
import torch, torch.distributed as dist
import torch.multiprocessing as mp
import topolab
from torch.nn.parallel import DistributedDataParallel

def work(rank, size, folder, mode):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=size)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    masks = {"0": (torch.rand(6, 8) < 0.4).float(), "2": torch.ones(3, 6)}
    model = DistributedDataParallel(net)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    said = "nothing"
    try:
        def metrics():
            if mode == "metric" and rank == 1 and handle is not None and handle.steps == 4:
                raise ZeroDivisionError("of this rank alone")
            return {}
        handle = None
        on_error = "warn" if mode == "warn" else "raise"
        with topolab.attach(optimizer, model, folder + "/run", every=2, masks=masks,
                            on_error=on_error, metrics=metrics) as handle:
            for step in range(1, 6):
                torch.manual_seed(100 * rank + step)  # other data on each rank
                optimizer.zero_grad()
                model(torch.randn(4, 8)).square().sum().backward()
                with torch.no_grad():
                    net[0].weight.grad.mul_(masks["0"])
                optimizer.step()
                if mode in ("differ", "warn") and step == 3 and rank == 1:
                    masks["0"][0, :3] = 1 - masks["0"][0, :3]
            assert handle.steps == 5
            refused = pytest.raises(topolab.TopolabError)
            with refused if mode == "agree" else contextlib.nullcontext():
                handle.record(2)
            assert handle.steps == 5
        # a second run of this name is refused on every rank
        try:
            topolab.attach(optimizer, model, folder + "/run", masks=masks)
        except topolab.TopolabError as error:
            said = type(error).__name__
        # one rank alone
        if rank == 1:
            alone = topolab.attach(optimizer, model, folder + "/alone", masks=masks, ranks=False)
            alone.remove()
    except (topolab.TopolabError, ZeroDivisionError) as error:
        said = str(error)
    open(f"{folder}/said-{rank}", "w").write(said)
    dist.barrier()
    dist.destroy_process_group()

if __name__ == "__main__":
    mp.spawn(work, args=(2, sys.argv[1], sys.argv[2]), nprocs=2)
"""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
@pytest.mark.parametrize("mode", ["agree", "differ", "warn", "metric"])
def test_two_ranks(tmp_path: Path, mode: str) -> None:
    script = tmp_path / "ranks.py"
    script.write_text(textwrap.dedent(RANKS))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), mode],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=200,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = [(tmp_path / f"said-{rank}").read_text() for rank in (0, 1)]
    run = topolab.open_run(tmp_path / "run")
    assert run.verify().ok
    if mode == "metric":
        assert "reading the masks of step 4 failed on rank 1" in said[0]
        assert said[1] == "of this rank alone"
        assert (run.steps.tolist(), run.state) == ([0, 2], "failed")
    elif mode == "warn":  # every rank warns once, and all of them go on to the end
        assert said == ["RunExistsError", "RunError"]
        assert done.stderr.count("recording step 4 failed (LayerError: layer 0: the ranks") == 2
        assert (run.steps.tolist(), run.state) == ([0, 2], "failed")
    elif mode == "agree":
        assert said == ["RunExistsError", "RunError"]
        assert (run.steps.tolist(), run.state) == ([0, 2, 4, 5], "done")
        assert topolab.open_run(tmp_path / "alone").state == "done"
    else:
        for message in said:
            assert "layer 0: the ranks hold different masks" in message
            assert "rank 1 at 3 positions (of 48 " in message
        assert (run.steps.tolist(), run.state) == ([0, 2], "failed")


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
