"""Record a training that Accelerate runs. Needs ``pip install "topolab[accelerate]"``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from topolab.integrations.attach import attach as attach_plain
from topolab.integrations.recording import RecordingHandle

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

__all__ = ["attach"]


def attach(
    accelerator: Accelerator,
    optimizer: torch.optim.Optimizer,
    model: torch.nn.Module,
    path: str | os.PathLike[str],
    *,
    every: int | None = 100,
    checkpoint: bool = False,
    **options: Any,
) -> RecordingHandle:
    """`topolab.attach` for what ``accelerator.prepare`` returned.

    Steps that ``accelerator.accumulate`` holds back, and those that mixed precision skips, do not
    count. On several processes call it on each; the main one writes.

    Parameters
    ----------
    accelerator : accelerate.Accelerator
    optimizer, model
        Prepared or not.
    path : path
        The folder of the new run.
    every : int or None
        Optimiser steps between snapshots.
    checkpoint : bool
        Keep the count of steps in ``accelerator.save_state`` and read it in ``load_state``.
    **options
        Whatever else `topolab.attach` takes.

    Returns
    -------
    RecordingHandle

    Raises
    ------
    TopolabError
        As `topolab.attach`.

    Examples
    --------
    Inside a training script::

        model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
        with topolab.integrations.accelerate.attach(accelerator, optimizer, model, "runs/mine"):
            for inputs, labels in loader:
                with accelerator.accumulate(model):
                    ...
    """
    inner = accelerator.unwrap_model(model)
    handle = attach_plain(optimizer, inner, path, every=every, **options)
    if checkpoint:
        accelerator.register_for_checkpointing(handle)
    return handle
