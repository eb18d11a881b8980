"""The topology curves in TensorBoard, read back from there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tracker_files import read_tensorboard

import topolab
from topolab.integrations.curves import curves

Maker = Callable[..., torch.nn.Sequential]
Step = Callable[[torch.nn.Module, torch.optim.Optimizer, int], None]


def test_tensorboard_while_training(tmp_path: Path, mlp: Maker, one_step: Step) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from topolab.integrations.tensorboard import TensorBoardWriter

    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with (
        TensorBoardWriter(tmp_path / "tb") as writer,
        topolab.attach(optimizer, model, tmp_path / "run", every=2, listeners=[writer]),
    ):
        for seed in range(4):
            one_step(model, optimizer, seed)
    read = read_tensorboard(tmp_path / "tb")
    run = topolab.open_run(tmp_path / "run")
    for tag in ("topology/0/density", "topology/2/fan_in_gini", "topology/k_max"):
        assert read[tag] == [(s.step, pytest.approx(curves(s)[tag])) for s in run]
    assert [step for step, _ in read["topology/density"]] == [0, 2, 4]
