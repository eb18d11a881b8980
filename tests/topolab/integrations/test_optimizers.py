"""What counts as a step: optimisers of all kinds, accumulation, steps that are skipped."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import topolab
import topolab.store.files

Maker = Callable[..., torch.nn.Sequential]
Batch = Callable[..., tuple[torch.Tensor, torch.Tensor]]
Step = Callable[[torch.nn.Module, torch.optim.Optimizer, int], None]


def sgd(model: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)


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
