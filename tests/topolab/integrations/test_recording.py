"""The handle of a recording: restarts, errors, snapshots that are asked for, listeners."""

from __future__ import annotations

import copy
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import topolab
import topolab.store.files
from topolab.errors import ConfigError, RunError, RunExistsError
from topolab.snapshot import Snapshot

Maker = Callable[..., torch.nn.Sequential]
Step = Callable[[torch.nn.Module, torch.optim.Optimizer, int], None]


def sgd(model: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


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
