"""Steps, epochs, accuracies and losses that a checkpoint keeps beside its weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from checkpoints import inspect

import topolab


def test_steps_from_inside(series: Path) -> None:
    for name, value in (("a", {"global_step": 30, "epoch": 1}), ("b", {"global_step": 4})):
        torch.save({"masks": {"fc": torch.eye(3)}, **value}, series / f"{name}.pt")
    found = topolab.inspect_checkpoints(series, step_from="key")
    assert found.steps == (4, 30) and found.epochs is None
    assert [source.name for source in found.sources] == ["b.pt", "a.pt"]
    torch.save({"masks": {"fc": torch.eye(3)}, "pruner": {"step": torch.tensor(30)}},
               series / "c.pt")  # fmt: skip
    with pytest.raises(topolab.TopolabError, match="both are of step 30"):
        topolab.inspect_checkpoints(series, step_from="key")
    for value, words in (({}, "no step is inside"), ({"step": 1.5}, "no whole number"),
                         ({"step": -1}, "below 0")):  # fmt: skip
        torch.save({"masks": {"fc": torch.eye(3)}, **value}, series / "c.pt")
        with pytest.raises(topolab.TopolabError, match=words):
            topolab.inspect_checkpoints(series, step_from="key")


def test_per_cent_is_decided_for_the_series(series: Path) -> None:
    for step, accuracy in enumerate([0.9, 1.0, 45, 91]):
        torch.save({"masks": {"fc": torch.eye(3)}, "test_acc": accuracy}, series / f"{step}.pt")
    run = topolab.import_run(series, series.parent / "run")
    assert [s.metrics["test_accuracy"] for s in run] == pytest.approx([0.009, 0.01, 0.45, 0.91])


@pytest.mark.parametrize(
    ("accuracies", "kept", "per_cent"),
    [
        ([0.5, 1.0], [0.5, 1.0], False),  # 1 is the best share, not one per cent
        ([40.0, 100.0], [0.4, 1.0], True),
        ([40.0, 100.5], [40.0, 100.5], False),  # counts, or a score: nobody's per cent
        ([1200.0, 9000.0], [1200.0, 9000.0], False),
    ],
)
def test_only_what_can_be_per_cent_is_taken_as_such(
    series: Path, accuracies: list[float], kept: list[float], per_cent: bool
) -> None:
    for step, accuracy in enumerate(accuracies):
        value = {"masks": {"fc": torch.eye(3)}, "val_acc": accuracy, "test_loss": accuracy}
        torch.save(value, series / f"{step}.pt")
    run = topolab.import_run(series, series.parent / "run")
    assert [s.metrics["val_accuracy"] for s in run] == pytest.approx(kept)
    assert [s.metrics["test_loss"] for s in run] == accuracies  # a loss is no share
    remarks = [remark for remark in run.data["remarks"] if "per cent" in remark]
    assert remarks == (["val_accuracy is taken as per cent"] if per_cent else [])


def test_numbers_that_are_none(series: Path) -> None:
    masks = {"masks": {"fc": torch.eye(3)}}
    for step, value in enumerate([torch.empty((), device="meta"), 10**400]):
        torch.save({**masks, "epoch": value, "test_acc": 10**400}, series / f"{step}.pt")
    seen = inspect(series)
    assert seen.epochs is None and seen.metrics == ()


def test_metrics_and_epochs_where_they_plainly_are(series: Path) -> None:
    for epoch in (1, 2):
        value = {"masks": {"fc": torch.eye(3)}, "epoch": epoch, "test_acc": 90.0 + epoch,
                 "train_loss": 0.5, "best_acc": 1}  # fmt: skip
        torch.save(value, series / f"model-{10 * epoch}.pth")
    run = topolab.import_run(series, series.parent / "run")
    assert run.epochs.tolist() == [1.0, 2.0] and run.steps.tolist() == [10, 20]
    assert run[1].metrics == {"test_accuracy": pytest.approx(0.92), "train_loss": 0.5}
    assert any("per cent" in remark for remark in run.data["remarks"])


def test_true_is_no_accuracy(series: Path) -> None:
    value = {"masks": {"fc": torch.eye(3)}, "test_acc": True, "val_acc": "0.9", "epoch": False}
    torch.save(value, series / "1.pt")
    inspection = inspect(series)
    assert inspection.metrics == () and inspection.epochs is None
