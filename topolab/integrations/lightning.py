"""Record a Lightning training: one callback. Needs ``pip install "topolab[lightning]"``."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from topolab.errors import RunExistsError
from topolab.integrations.attach import attach
from topolab.integrations.recording import RecordingHandle

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as error:
    raise ImportError(
        'topolab.integrations.lightning needs Lightning: pip install "topolab[lightning]"'
    ) from error

__all__ = ["TopolabCallback"]


class TopolabCallback(Callback):  # type: ignore[misc]
    """Attaches to the optimiser when a training starts; ends the run when it ends.

    A training that goes on from a Lightning checkpoint goes on with its run; if the checkpoint is
    of a training without the callback, a new run begins at its step. What Lightning has logged is
    recorded with each snapshot as metrics. On several devices rank 0 writes. Each training, each
    fold of a cross-validation too, needs a callback of its own.

    Parameters
    ----------
    path : path
        The folder of the run.
    every : int or None
        Optimiser steps between snapshots; gradient accumulation counts as one step.
    optimizer : int
        Which of several optimisers counts.
    **options
        Whatever else `topolab.attach` takes: ``masks``, ``weights``, ``on_error``, ``seed``, ...

    Examples
    --------
    >>> callback = TopolabCallback("runs/mine", every=50, weights=True)
    >>> callback.handle is None  # until Trainer(callbacks=[callback]).fit(...)
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
        self.handle: RecordingHandle | None = None
        self._steps: int | None = None
        self._loaded = False
        self._of: tuple[Any, Any] = (None, None)

    @property
    def state_key(self) -> str:
        """Tells two callbacks of one trainer apart in a checkpoint."""
        return f"TopolabCallback[{os.fspath(self.path)}]"

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: the optimiser steps done."""
        return {} if self.handle is None else dict(self.handle.state_dict())

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._steps = state_dict.get("steps")
        self._loaded = True

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Attach, and take the first snapshot.

        Raises
        ------
        RunExistsError
            If the callback has recorded another training to its end.
        TopolabError
            As `topolab.attach`.
        """
        options = dict(self.options)
        trained, module = self._of
        same = trained is trainer and module is pl_module
        if self._steps is not None and not self._loaded and not same:
            raise RunExistsError(
                f"{os.fspath(self.path)}: this callback has recorded another training there; give "
                "each training, each fold too, a TopolabCallback of its own with its own folder, "
                "or go on from a checkpoint of the first with ckpt_path="
            )
        self._loaded, self._of = False, (trainer, pl_module)
        if self._steps is not None:
            options |= {"resume": True, "start": self._steps}
        elif trainer.global_step > 0:  # from a checkpoint without us; it counts all optimisers
            options.setdefault("start", trainer.global_step // len(trainer.optimizers))
        own = options.pop("metrics", None)
        per_epoch = trainer.num_training_batches / trainer.accumulate_grad_batches
        if math.isfinite(per_epoch) and per_epoch > 0:
            options.setdefault("epoch", lambda step: step / math.ceil(per_epoch))
        self.handle = attach(
            trainer.optimizers[self.optimizer],
            pl_module,
            self.path,
            every=self.every,
            metrics=lambda: {**_logged(trainer.callback_metrics), **(own() if own else {})},
            **options,
        )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the last snapshot and mark the run as done."""
        if self.handle is not None:
            self.handle.remove(_logged(trainer.callback_metrics))
            self._steps = self.handle.steps

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Mark the run as failed; for Ctrl-C, as interrupted."""
        if self.handle is not None:
            self.handle.fail(exception)


def _logged(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The logged values that are one number."""
    return {name: float(value) for name, value in metrics.items()
            if getattr(value, "numel", lambda: 1)() == 1}  # fmt: skip
