"""Numbers that a checkpoint keeps beside its weights: the step, the epoch, accuracy and loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from topolab.importers.base import CheckpointContent, CheckpointError

__all__ = ["as_shares", "metrics_inside", "number_at", "step_inside"]

_METRICS = {
    "test_accuracy": "test_accuracy", "test_acc": "test_accuracy", "train_loss": "train_loss",
    "val_accuracy": "val_accuracy", "val_acc": "val_accuracy", "test_loss": "test_loss",
    "val_loss": "val_loss", "train_accuracy": "train_accuracy", "train_acc": "train_accuracy",
}  # fmt: skip
_KEYS = ("global_step", "step", "iteration", "iter", "steps", "epoch")


def number_at(content: CheckpointContent, keys: Sequence[str] = _KEYS) -> tuple[float, str] | None:
    """A whole number under one of the usual keys, and the key; the outermost is taken."""
    level: list[tuple[str, Any]] = [("", content.value)]
    for _ in range(2):
        for wanted in keys:
            for place, item in level:
                number = _number(item.get(wanted)) if isinstance(item, Mapping) else None
                if number is not None:
                    return number, f"{place}{wanted}"
        level = [
            (f"{place}{key}.", value)
            for place, item in level
            if isinstance(item, Mapping)
            for key, value in item.items()
            if isinstance(key, str) and isinstance(value, Mapping)
        ]
    return None


def _number(value: Any) -> float | None:
    try:
        if hasattr(value, "item") and math.prod(getattr(value, "shape", ())) == 1:
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        if not math.isfinite(value):  # an integer of 400 digits is no float
            return None
    except (RuntimeError, OverflowError, ValueError, NotImplementedError):  # one without data
        return None
    return value


def step_inside(content: CheckpointContent) -> tuple[int, str]:
    """The step that a checkpoint keeps, and a remark that says under which key.

    Raises
    ------
    CheckpointError
        If there is none, or no whole one.
    """
    entry = number_at(content)
    if entry is None:
        raise CheckpointError(
            f"{content.label}: no step is inside (global_step, step, iteration, iter, steps or "
            "epoch); take the steps from the names with step_from name"
        )
    number, key = entry
    if number != int(number):
        raise CheckpointError(f"{content.label}: {key} = {number} is no whole number")
    return int(number), f"steps are the {key} inside"


def metrics_inside(content: CheckpointContent) -> dict[str, float]:
    """Accuracy and loss where a torch checkpoint plainly names them, as they stand there."""
    metrics: dict[str, float] = {}
    if content.kind != "torch" or not isinstance(content.value, Mapping):
        return metrics
    for key, name in _METRICS.items():
        value = content.value.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if abs(value) < 1e300 or value != value:  # no float is made of an integer of 400 digits
            metrics[name] = float(value)
    return metrics


def as_shares(metrics: Sequence[dict[str, float]], remarks: list[str]) -> None:
    """Per cent become shares: in all checkpoints, where one has an accuracy above 1."""
    for name in sorted({n for kept in metrics for n in kept if n.endswith("accuracy")}):
        values = [kept[name] for kept in metrics if name in kept]
        if not 1 < max(values) <= 100:
            continue
        remarks.append(f"{name} is taken as per cent")
        for kept in metrics:
            if name in kept:
                kept[name] /= 100
