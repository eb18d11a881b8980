"""`topolab.attach`: record the masks of a plain PyTorch training through its optimiser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch

from topolab.errors import ConfigError
from topolab.integrations.mask_finder import MaskFinder, Masks
from topolab.integrations.optimizers import inner_optimizer, whole_count
from topolab.integrations.ranks import Ranks
from topolab.integrations.recording import Listener, OnError, RecordingHandle
from topolab.layers import LayerSpec
from topolab.paths import is_path

__all__ = ["attach"]


def attach(
    optimizer: torch.optim.Optimizer | None,
    model: torch.nn.Module,
    path: str | os.PathLike[str],
    *,
    every: int | None = 100,
    masks: Masks | None = None,
    layers: Sequence[LayerSpec] | None = None,
    dense: Iterable[str] | None = None,
    image_shape: tuple[int, int, int] | None = None,
    weights: bool = False,
    metrics: Callable[[], Mapping[str, float]] | None = None,
    epoch: Callable[[int], float] | None = None,
    listeners: Iterable[Listener] = (),
    config: Mapping[str, Any] | None = None,
    seed: int | None = None,
    data: Mapping[str, Any] | None = None,
    resume: bool = False,
    start: int | None = None,
    first: bool = True,
    last: bool = True,
    on_error: OnError = "raise",
    ranks: bool = True,
    command: str | None = None,
) -> RecordingHandle:
    """Record the masks of a running PyTorch training, every so many optimiser steps.

    The training is not changed: a hook behind the optimiser's step reads the masks. They are
    looked up anew each time: `torch.nn.utils.prune`'s ``weight_mask``, a parametrization with a
    ``mask``, a module's ``mask`` buffer, sparse weights, SparseLab's rows; else, with a warning,
    the exact zeros of the weights. See ``docs/attach.md``.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer or None
        What counts the steps; wrapped or not. With None only `RecordingHandle.record` records.
    model : torch.nn.Module
        Wrapped by DataParallel, DistributedDataParallel or torch.compile, or not.
    path : path
        The folder of the new run.
    every : int or None
        Optimiser steps between snapshots; None for those asked for only.
    masks : mapping of str to tensor, or callable, optional
        Masks by layer (or weight) name, or a function of the model that gives them, instead of
        the conventions.
    layers : sequence of LayerSpec, optional
        The layer table, instead of the model's Linear and Conv2d modules.
    dense : iterable of str, optional
        Layers that stay dense, instead of those without a mask beside layers with one.
    image_shape : tuple of int, optional
        ``(C, H, W)`` of the input, for analyses that look at pixels.
    weights : bool
        Keep the weights of the active connections too.
    metrics : callable, optional
        Called at each snapshot for a mapping of numbers. It must not change the training.
    epoch : callable, optional
        Passes over the data done, of the steps done: ``lambda step: step / len(loader)``.
    listeners : iterable of callable
        Each is called with every new `Snapshot`: see `topolab.integrations.tensorboard`.
    config, seed, data, command
        Kept in the manifest: see `topolab.Recorder`.
    resume : bool
        Go on with the run at `path` if there is one.
    start : int, optional
        Steps done before. Default: 0, or when resuming the last recorded step; give the
        checkpoint's step if that is another.
    first, last : bool
        Whether there is a snapshot when attached and when removed.
    on_error : {"raise", "warn"}
        What happens once the training runs and a snapshot cannot be taken: a full disk, a mask
        that is none. "raise" ends the training, from inside ``optimizer.step()``. "warn" warns
        once and records no more; the training goes on, and the run is not marked as done but,
        where the disk still takes that, as failed.
    ranks : bool
        In a distributed training: attach on all ranks, compare their masks, write on rank 0.
        False where one rank alone attaches.

    Returns
    -------
    RecordingHandle

    Raises
    ------
    ConfigError
        If `every`, `start` or `on_error` cannot be, the optimiser cannot be hooked, or `model` or
        `path` is none.
    RunExistsError
        If there is a run already and `resume` is False.
    LayerError
        If the model has no layer with masks, or a mask is not one.

    Examples
    --------
    >>> import tempfile, topolab
    >>> from torch.nn.utils import prune
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> _ = prune.random_unstructured(model[0], "weight", amount=8)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with attach(optimizer, model, tempfile.mkdtemp() + "/run", every=2) as handle:
    ...     for _ in range(5):
    ...         model(torch.ones(1, 4)).sum().backward()
    ...         optimizer.step()
    >>> run = topolab.open_run(handle.path)
    >>> run.steps, run[-1].masks["0"].sum(), run.state
    (array([0, 2, 4, 5]), np.int64(4), 'done')
    """
    every = None if every is None else whole_count(every, "every", least=1, or_none=True)
    start = None if start is None else whole_count(start, "start", least=0, or_none=True)
    if on_error not in ("raise", "warn"):
        raise ConfigError(f"on_error={on_error!r}: raise or warn")
    if optimizer is not None:
        inner_optimizer(optimizer)
    if not isinstance(model, torch.nn.Module):
        raise ConfigError(
            f"model = {model!r:.80} is no torch.nn.Module; the order is "
            "attach(optimizer, model, path)"
        )
    if not is_path(path):
        raise ConfigError(f"path = {path!r:.80} is no path; give the folder of the new run")
    finder = MaskFinder(model, masks=masks, layers=layers, dense=dense, image_shape=image_shape)
    return RecordingHandle(
        optimizer,
        finder,
        path,
        every=every,
        weights=weights,
        metrics=metrics,
        epoch=epoch,
        listeners=listeners,
        start=start,
        first=first,
        last=last,
        on_error=on_error,
        ranks=Ranks(ranks),
        recorder_options={
            "config": config, "seed": seed, "data": data, "resume": resume, "command": command,
        },
    )  # fmt: skip
