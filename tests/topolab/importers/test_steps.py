"""The step of a checkpoint, from its name."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import inspect, matrix, write

import topolab


@pytest.mark.parametrize(
    ("files", "steps"),
    [
        (["ckpt_10.pt", "ckpt_9.pt", "ckpt_100.pt"], [9, 10, 100]),
        (["epoch=1-step=300.ckpt", "epoch=0-step=150.ckpt"], [150, 300]),
        (["rigl_s0.9_epoch2_acc91.pt", "rigl_s0.9_epoch10_acc91.pt"], [2, 10]),
        (["epoch_2/model_v1.pt", "epoch_11/model_v1.pt"], [2, 11]),
        (["3/model.pt", "12/model.pt"], [3, 12]),
        (["a/1.pt", "a/2.pt"], [1, 2]),
        (["checkpoint-500/pytorch_model.bin", "checkpoint-1000/pytorch_model.bin"], [500, 1000]),
        (["model.pt"], [0]),
        (["model_0007.pth.tar"], [7]),
        (["EPOCH-3.pt", "EPOCH-4.pt"], [3, 4]),
    ],
)
def test_steps_from_names(series: Path, files: list[str], steps: list[int]) -> None:
    write(series, *files)
    assert list(topolab.inspect_checkpoints(series).steps) == steps


def test_epochs_from_names_are_kept(series: Path) -> None:
    write(series, "epoch=1-step=300.ckpt", "epoch=0-step=150.ckpt")
    assert topolab.inspect_checkpoints(series).epochs == (0.0, 1.0)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (["a_5.pt", "b_5.pt"], "both names give step 5"),
        (["best.pt", "ckpt_1.pt"], "best.pt: no number in its name"),
        (["step_1234567890123456.pt"], "too large"),
    ],
)
def test_equal_and_missing_steps_are_an_error(series: Path, files: list[str], words: str) -> None:
    write(series, *files)
    with pytest.raises(topolab.TopolabError, match=words):
        topolab.inspect_checkpoints(series)


@pytest.mark.parametrize(
    ("names", "steps"),
    [
        (["model_1_92.41", "model_2_93.10", "model_10_91.05"], [1, 2, 10]),
        (["step999", "step1e3", "step2e3"], [999, 1000, 2000]),
        (["net_5_acc91", "net_10_acc90", "net_15_acc91"], [5, 10, 15]),
        (["net_20240101_1", "net_20240101_2", "net_20240102_3"], [1, 2, 3]),
        (["seed3_100", "seed3_200"], [100, 200]),
        (["mlp_s42e3", "mlp_s42e4"], [3, 4]),
        (["step500", "step5k", "step1M"], [500, 5000, 1_000_000]),
        (["net_500", "net_1.5k", "net_2e3"], [500, 1500, 2000]),
        (["val_10", "val_20"], [10, 20]),
        (["model.v1.10", "model.v1.20"], [10, 20]),
        (["model_v1", "model_v2"], [1, 2]),
    ],
)
def test_steps_are_not_other_numbers(series: Path, names: list[str], steps: list[int]) -> None:
    for name in names:
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"{name}.pt")
    assert list(inspect(series).steps) == steps


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["net_12-00-30", "net_12-05-10"], "several numbers could be the step"),
        (["net_12-00-30", "net_12-00-50", "net_12-05-10"], "several numbers change"),
        (["epoch_1", "epoch_2", "best_91"], "only one name says of what its number is"),
        (["seed0/final", "seed1/final"], "several seeds or folds are several runs"),
        (["epoch0.5", "epoch1.5"], "0.5 is no whole step"),
        (["net_1", "net_2_best3"], "different counts of numbers"),
    ],
)
def test_steps_are_not_guessed(series: Path, names: list[str], words: str) -> None:
    for name in names:
        path = series / f"{name}.pt"
        path.parent.mkdir(exist_ok=True)
        torch.save({"masks": {"fc": torch.eye(3)}}, path)
    with pytest.raises(topolab.TopolabError, match=words):
        inspect(series)


def test_a_name_of_thousands_of_digits(series: Path) -> None:
    with zipfile.ZipFile(series / "a_1.npz", "w") as archive:
        for name in ("9" * 5000, "1"):
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, matrix(3, 3))
    try:
        inspect(series)
    except topolab.TopolabError as error:
        assert "a_1.npz" in str(error)


def test_epochs_are_those_that_go_along(series: Path) -> None:
    for step in (10, 20):
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"wrn_epochs200_ckpt_{step}.pt")
    assert inspect(series).epochs is None


def test_epochs_that_do_not_go_along_with_the_steps_are_none(series: Path) -> None:
    write(series, "epoch=2-step=100.pt", "epoch=1-step=200.pt", "epoch=3-step=300.pt")
    inspection = topolab.inspect_checkpoints(series)
    assert inspection.steps == (100, 200, 300) and inspection.epochs is None
