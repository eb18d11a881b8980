"""Record a Hugging Face Trainer: one callback. Needs ``pip install "topolab[transformers]"``."""

from __future__ import annotations

import math
import os
from types import TracebackType
from typing import Any, Literal

from topolab.integrations.attach import attach
from topolab.integrations.recording import RecordingHandle

try:
    from transformers import (
        TrainerCallback,
        TrainerControl,
        TrainerState,
        TrainingArguments,
    )
except ImportError as error:
    raise ImportError(
        'topolab.integrations.transformers needs transformers: pip install "topolab[transformers]"'
    ) from error

__all__ = ["TopolabCallback"]


class TopolabCallback(TrainerCallback):  # type: ignore[misc]
    """Attaches to the optimiser when a training begins; ends the run when it ends.

    A training that goes on from a checkpoint goes on with its run. The numbers last logged are
    recorded with each snapshot as metrics. The Trainer tells its callbacks nothing of an error:
    use the callback as a context manager around ``trainer.train()`` to have it in the run.

    Parameters
    ----------
    path : path
        The folder of the run.
    every : int or None
        Optimiser steps between snapshots; gradient accumulation counts as one step.
    **options
        Whatever else `topolab.attach` takes: ``masks``, ``weights``, ``on_error``, ``seed``, ...

    Examples
    --------
    >>> callback = TopolabCallback("runs/mine", every=50)
    >>> callback.handle is None  # until Trainer(callbacks=[callback]).train()
    True
    """

    def __init__(
        self, path: str | os.PathLike[str], *, every: int | None = 100, **options: Any
    ) -> None:
        super().__init__()
        self.path = path
        self.every = every
        self.options = options
        self.handle: RecordingHandle | None = None
        self._logged: dict[str, float] = {}
        self._stepping = -1

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Attach, and take the first snapshot."""
        options = dict(self.options)
        if state.global_step > 0:
            options |= {"resume": True, "start": int(state.global_step)}
        own = options.pop("metrics", None)
        self._stepping = -1
        batches = _batches(kwargs.get("train_dataloader"))
        batches = batches or state.max_steps * args.gradient_accumulation_steps  # as the Trainer
        if batches > 0:
            options.setdefault(
                "epoch",
                lambda step: self._epoch(state, batches, args.gradient_accumulation_steps),
            )
        options.setdefault("seed", args.seed)
        self.handle = attach(
            kwargs["optimizer"],
            kwargs["model"],
            self.path,
            every=self.every,
            metrics=lambda: {**self._logged, **(own() if own else {})},
            last=False,
            **options,
        )

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Note that a step begins, of which the Trainer's count knows once it is done."""
        self._stepping = int(state.global_step)

    def _epoch(self, state: TrainerState, batches: int, accumulated: int) -> float:
        """The Trainer's epoch, with the step that it has not counted yet."""
        done = float(state.epoch or 0.0)
        if state.global_step != self._stepping:
            return done
        whole = math.floor(done)
        within = min(round((done - whole) * batches) + accumulated, batches)
        return whole + within / batches

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep the numbers for the next snapshot."""
        numbers = {k: float(v) for k, v in (logs or {}).items() if isinstance(v, (int, float))}
        self._logged |= {k: v for k, v in numbers.items() if k != "epoch"}

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Take the last snapshot here: after it, the Trainer may load its best model."""
        if control.should_training_stop and self.handle is not None:
            self.handle.flush()

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Mark the run as done."""
        if self.handle is not None:
            self.handle.remove(self._logged)

    def __enter__(self) -> TopolabCallback:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        if error is not None and self.handle is not None:
            self.handle.fail(error)
        return False


def _batches(loader: Any) -> int:
    """Batches of one epoch; 0 where that is not known."""
    try:
        return len(loader)
    except (TypeError, AttributeError):
        return 0
