"""Record a Lightning training: one callback. Needs ``pip install "topolab[lightning]"``."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from topolab.integrations.attach import Attachment, attach

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as error:
    raise ImportError(
        'topolab.integrations.lightning needs Lightning: pip install "topolab[lightning]"'
    ) from error

__all__ = ["TopolabCallback"]


class TopolabCallback(Callback):  # type: ignore[misc]
    """Attaches to the optimiser when a training starts; ends the run when it ends.

    A training that goes on from a Lightning checkpoint goes on with its run. What Lightning has
    logged is recorded with each snapshot as metrics. On several devices rank 0 writes.

    Parameters
    ----------
    path : path
        The folder of the run.
    every : int or None
        Optimiser steps between snapshots; gradient accumulation counts as one step.
    optimizer : int
        Which of several optimisers counts.
    **options
        Whatever else `topolab.attach` takes: ``masks``, ``weights``, ``config``, ``seed``, ...

    Examples
    --------
    >>> callback = TopolabCallback("runs/mine", every=50, weights=True)
    >>> callback.attachment is None  # until Trainer(callbacks=[callback]).fit(...)
    True
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        every: int | None = 100,
        optimizer: int = 0,
        **options: Any,
    ) -> None:
        super().__init__()
        self.path = path
        self.every = every
        self.optimizer = optimizer
        self.options = options
        self.attachment: Attachment | None = None
        self._steps: int | None = None

    @property
    def state_key(self) -> str:
        """Tells two callbacks of one trainer apart in a checkpoint."""
        return f"TopolabCallback[{os.fspath(self.path)}]"

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: the optimiser steps done."""
        return {} if self.attachment is None else dict(self.attachment.state_dict())

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._steps = state_dict.get("steps")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Attach, and take the first snapshot."""
        options = dict(self.options)
        if self._steps is not None:
            options |= {"resume": True, "start": self._steps}
        own = options.pop("metrics", None)
        per_epoch = trainer.num_training_batches / trainer.accumulate_grad_batches
        if math.isfinite(per_epoch) and per_epoch > 0:
            options.setdefault("epoch", lambda step: step / math.ceil(per_epoch))
        self.attachment = attach(
            trainer.optimizers[self.optimizer],
            pl_module,
            self.path,
            every=self.every,
            metrics=lambda: {**_logged(trainer.callback_metrics), **(own() if own else {})},
            **options,
        )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the last snapshot and mark the run as done."""
        if self.attachment is not None:
            self.attachment.remove(_logged(trainer.callback_metrics))
            self._steps = self.attachment.steps

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Mark the run as failed; for Ctrl-C, as interrupted."""
        if self.attachment is not None:
            self.attachment.fail(exception)


def _logged(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The logged values that are one number."""
    return {name: float(value) for name, value in metrics.items()
            if getattr(value, "numel", lambda: 1)() == 1}  # fmt: skip
