"""Optimisers of all kinds: the one that does the steps, and how many there were."""

from __future__ import annotations

import operator
from typing import Any

import torch

from topolab.errors import ConfigError

__all__ = ["inner_optimizer", "is_capturing", "whole_count"]


def whole_count(value: Any, name: str, *, least: int, or_none: bool = False) -> int:
    """A count of steps, of whatever type it is."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = int(value) if isinstance(value, float) else operator.index(value)
        if number != value or number < least:
            raise ValueError
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise ConfigError(
            f"{name}={value!r:.80}: a whole number of steps, at least {least}"
            f"{', or None' if or_none else ''}"
        ) from None
    return number


def is_capturing() -> bool:
    """Whether a CUDA graph is being captured; a torch without CUDA cannot be asked."""
    return torch.version.cuda is not None and torch.cuda.is_current_stream_capturing()


def inner_optimizer(optimizer: Any) -> torch.optim.Optimizer:
    """The optimiser that does the steps, inside those of Accelerate and Lightning."""
    while isinstance(getattr(optimizer, "optimizer", None), torch.optim.Optimizer):
        optimizer = optimizer.optimizer
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ConfigError(
            f"{type(optimizer).__name__} is no torch.optim.Optimizer, so its steps cannot be "
            "counted; attach with optimizer=None and call handle.record(step) in the loop"
        )
    return optimizer
