"""A real training under Accelerate is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import topolab

pytest.importorskip("accelerate", reason="accelerate is not installed: topolab[accelerate]")

Maker = Callable[..., torch.nn.Sequential]
Batch = Callable[..., tuple[torch.Tensor, torch.Tensor]]


@pytest.fixture(autouse=True)
def fresh_state() -> Iterator[None]:
    """Accelerate keeps one state per process."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def prepared(net: torch.nn.Module, batch: Batch, **options: Any) -> tuple[Any, ...]:
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, **options)
    inputs, labels = batch(0, 48)
    data = torch.utils.data.TensorDataset(inputs, labels)
    loader = torch.utils.data.DataLoader(data, 8)
    optimizer = torch.optim.Adam(net.parameters())
    return (accelerator, *accelerator.prepare(net, optimizer, loader))


def train(accelerator: Any, model: Any, optimizer: Any, loader: Any) -> None:
    for inputs, labels in loader:
        with accelerator.accumulate(model):
            loss = torch.nn.functional.cross_entropy(model(inputs), labels)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_accumulated_steps_count_once(
    tmp_path: Path, mlp: Maker, batch: Batch, precision: str
) -> None:
    from topolab.integrations.accelerate import attach

    net = mlp()
    accelerator, model, optimizer, loader = prepared(
        net, batch, gradient_accumulation_steps=3, mixed_precision=precision
    )
    with attach(accelerator, optimizer, model, tmp_path / "run", every=2, weights=True) as handle:
        for _ in range(2):
            train(accelerator, model, optimizer, loader)
        assert handle.steps == 4  # 12 batches
    run = topolab.open_run(tmp_path / "run")
    assert run.steps.tolist() == [0, 2, 4]
    assert [layer.name for layer in run.layers] == ["0", "2", "4"]
    mask = net[0].weight_mask.bool()
    assert run[-1].nnz("0") == int(mask.sum())
    weights = run[-1].weights["0"]
    assert weights is not None
    assert (weights == net[0].weight_orig.detach()[mask].numpy()).all()  # type: ignore[operator]


def test_the_plain_attach_takes_what_accelerate_prepared(
    tmp_path: Path, mlp: Maker, batch: Batch
) -> None:
    accelerator, model, optimizer, loader = prepared(mlp(), batch)
    with topolab.attach(optimizer, model, tmp_path / "run", every=4):
        train(accelerator, model, optimizer, loader)
    assert topolab.open_run(tmp_path / "run").steps.tolist() == [0, 4, 6]


def test_the_count_is_kept_in_a_checkpoint(tmp_path: Path, mlp: Maker, batch: Batch) -> None:
    from topolab.integrations.accelerate import attach

    accelerator, model, optimizer, loader = prepared(mlp(), batch)
    handle = attach(accelerator, optimizer, model, tmp_path / "run", every=4, checkpoint=True)
    train(accelerator, model, optimizer, loader)
    accelerator.save_state(str(tmp_path / "state"))
    train(accelerator, model, optimizer, loader)
    handle.close()
    assert topolab.open_run(tmp_path / "run").steps.tolist() == [0, 4, 8, 12]

    accelerator, model, optimizer, loader = prepared(mlp(seed=4), batch)
    with attach(
        accelerator, optimizer, model, tmp_path / "run", every=4, checkpoint=True, resume=True
    ) as handle:
        assert handle.steps == 12  # of the last snapshot, until the state is loaded
        accelerator.load_state(str(tmp_path / "state"))
        assert handle.steps == 6
        for _ in range(2):
            train(accelerator, model, optimizer, loader)
    run = topolab.open_run(tmp_path / "run")
    assert run.steps.tolist() == [0, 4, 8, 12, 16, 18]
    assert run.verify().ok
