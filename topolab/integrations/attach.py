"""`topolab.attach`: record the masks of a plain PyTorch training through its optimiser."""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from topolab.errors import ConfigError, RunError
from topolab.integrations.masks import MaskFinder, Masks
from topolab.integrations.ranks import Ranks
from topolab.layers import LayerSpec
from topolab.recorder import Recorder
from topolab.run import Run
from topolab.snapshot import Snapshot, pack_mask
from topolab.store.format import metrics_of

__all__ = ["Attachment", "Listener", "attach"]

Listener = Callable[[Snapshot], None]
OnError = Literal["raise", "warn"]


class Attachment:
    """The handle that `attach` returns: a context manager that records until it is removed.

    Left without an error it takes the last snapshot and marks the run as done; left by an
    exception it marks it as failed (by Ctrl-C: as interrupted). What was recorded stays.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer | None,
        finder: MaskFinder,
        path: str | os.PathLike[str],
        *,
        every: int | None,
        weights: bool,
        metrics: Callable[[], Mapping[str, float]] | None,
        epoch: Callable[[int], float] | None,
        listeners: Iterable[Listener],
        start: int | None,
        first: bool,
        last: bool,
        on_error: OnError,
        ranks: Ranks,
        recorder_options: Mapping[str, Any],
    ) -> None:
        self._finder = finder
        self._path = Path(path)
        self._every = every
        self._weights = weights
        self._metrics = metrics
        self._epoch = epoch
        self._listeners = list(listeners)
        self._last = last
        self._on_error = on_error
        self._stopped = False
        self._ranks = ranks
        self._recorder: Recorder | None = None
        self._removed = False
        self._hook: Any = None
        ranks.first_does(lambda: self._open(recorder_options), f"{self._path}: opening the run")
        on_disk = self._on_disk()
        self._calls = start if start is not None else max(on_disk, 0)
        self._skipped: torch.Tensor | None = None
        self._recorded = on_disk if on_disk == self._calls else -1
        try:
            if first and on_disk < 0:  # before the training, so an error is raised in any case
                self._record(self.steps, None, None)
            if optimizer is not None:
                # a compiled step is left for the hook, not compiled with it
                hook = torch.compiler.disable(self._after_step)  # type: ignore[no-untyped-call]
                self._hook = _inner(optimizer).register_step_post_hook(hook)
        except BaseException:
            self.close()
            raise

    def _open(self, options: Mapping[str, Any]) -> None:
        self._recorder = Recorder(self._path, layers=self._finder.layers, **options)

    def _on_disk(self) -> int:
        """The step of the last snapshot on disk, the same on every rank; -1 for none."""
        step = self._recorder.last_step if self._recorder is not None else None
        return self._ranks.from_first(-1 if step is None else step)

    # -- what it knows -----------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The folder of the run."""
        return self._path

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """The layer table of the run."""
        return self._finder.layers

    @property
    def steps(self) -> int:
        """Optimiser steps done; steps that AMP's gradient scaler skipped do not count."""
        if self._skipped is not None:
            self._calls -= int(self._skipped.item())
            self._skipped = None
        return self._calls

    def state_dict(self) -> dict[str, int]:
        """What a checkpoint keeps: the count of steps."""
        return {"steps": self.steps}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on counting from the step of a checkpoint.

        A snapshot that is on disk already and is reached again is compared, not written.
        """
        self._skipped = None
        self._calls = int(state["steps"])
        self._recorded = -1

    # -- recording ---------------------------------------------------------------------------

    def _after_step(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        if _capturing():
            raise ConfigError(
                f"{self._path}: the optimiser's step is being captured in a CUDA graph, whose "
                "replays call no hook; attach with every=None and call handle.record(step)"
            )
        self._calls += 1
        # A fused optimiser is called for a step that its kernel then skips, and is told why.
        found = getattr(optimizer, "found_inf", None)
        if isinstance(found, torch.Tensor):
            skipped = (found.detach() > 0).sum()
            self._skipped = skipped if self._skipped is None else self._skipped + skipped
        if self._stopped or self._every is None or self._calls % self._every:
            return
        step = self.steps  # waits for the device, which is why it is not asked at every step
        if step % self._every == 0 and step != self._recorded:
            self.record()

    def record(
        self,
        step: int | None = None,
        *,
        epoch: float | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Take a snapshot now. On several ranks, call it on all of them.

        Parameters
        ----------
        step : int, optional
            Optimiser steps done, if the attachment is not to use its own count; it goes on
            counting from here once the snapshot is taken.
        epoch : float, optional
            Passes over the training data done.
        metrics : mapping of str to float, optional
            Joined with those of the `metrics` function.

        Raises
        ------
        ConfigError
            If the step is no whole number, or a metric or the epoch is no number.
        RunError
            If the attachment was removed, the step does not follow, or the disk refuses.
        LayerError
            If a mask cannot be found or is not one, or the ranks hold different masks.
        """
        if self._stopped:
            return
        if self._removed:
            raise RunError(f"{self._path}: this attachment was removed; attach again to go on")
        now = self.steps
        if step is not None:
            now = _whole(step, "step", least=0)
            recorder, asked = self._recorder, now
            self._ranks.first_does(
                lambda: recorder.check_step(asked) if recorder is not None else None,
                f"{self._path}: a snapshot of step {now}",
            )
        with self._forgiving(f"recording step {now}"):
            self._record(now, epoch, metrics)

    def _record(self, now: int, epoch: float | None, metrics: Mapping[str, float] | None) -> None:
        """Take a snapshot of a step, and count from there; if it fails, the count stays."""
        masks: dict[str, npt.NDArray[np.bool_]] = {}
        packed: dict[str, npt.NDArray[np.uint8]] = {}
        weights: dict[str, torch.Tensor] | None = None
        measured: dict[str, float] = {}

        def read() -> None:
            nonlocal weights, epoch
            masks.update({name: mask.numpy() for name, mask in self._finder.masks().items()})
            packed.update({name: pack_mask(mask) for name, mask in masks.items()})
            weights = self._finder.weights() if self._weights else None
            measured.update(self._measured(metrics))
            if epoch is None and self._epoch is not None:
                epoch = self._epoch(now)

        def write() -> None:
            assert self._recorder is not None
            self._recorder.record(now, masks, epoch=epoch, weights=weights, metrics=measured)

        self._ranks.each_does(read, f"{self._path}: reading the masks of step {now}")
        self._ranks.agree(packed)
        self._ranks.first_does(write, f"{self._path}: recording step {now}")
        self._skipped = None
        self._calls = now
        self._recorded = now
        if self._ranks.writes:
            self._tell(now)

    def _measured(self, metrics: Mapping[str, float] | None) -> dict[str, float]:
        own = self._metrics() if self._metrics is not None else {}
        for given in (own, metrics or {}):
            if not isinstance(given, Mapping):
                raise ConfigError(
                    f"metrics must give numbers by name, not {type(given).__name__}: "
                    'for instance {"loss": 0.1}'
                )
        return metrics_of({**own, **(metrics or {})})

    @contextmanager
    def _forgiving(self, what: str) -> Iterator[None]:
        """With on_error="warn", an error of recording ends the recording and nothing else.

        What fails on one rank fails on all, so that none waits for another.
        """
        try:
            yield
        except Exception as error:
            if self._on_error == "raise":
                raise
            self._stopped = True
            if self._recorder is not None:
                self._recorder.__exit__(type(error), error, None)
            warnings.warn(
                f"{self._path}: {what} failed ({type(error).__name__}: {error}), so nothing more "
                "is recorded; the training goes on, and the run is not marked as done",
                RuntimeWarning,
                stacklevel=4,
            )

    def flush(self) -> None:
        """Take a snapshot now unless this step has one. On several ranks, call it on all.

        Raises
        ------
        TopolabError
            As `record`.
        """
        if self.steps != self._recorded:
            self.record()

    def _tell(self, step: int) -> None:
        """Show the new snapshot to the listeners; one that fails is left out from here on."""
        if not self._listeners:
            return
        snapshot: Snapshot | None = None
        for listener in list(self._listeners):
            try:
                snapshot = snapshot or Run(self._path).at(step=step)
                listener(snapshot)
            except Exception as error:
                self._listeners.remove(listener)
                warnings.warn(
                    f"{type(listener).__name__} failed at step {step} and is not asked again "
                    f"({type(error).__name__}: {error}); the training and its recording go on",
                    RuntimeWarning,
                    stacklevel=2,
                )

    # -- the end -----------------------------------------------------------------------------

    def remove(self, summary: Mapping[str, Any] | None = None) -> None:
        """Take the hook away, record the last step, and mark the run as done.

        On several ranks, call it on all of them. A second call does nothing.

        Parameters
        ----------
        summary : dict, optional
            JSON values to keep with the run: final accuracy, duration.
        """
        if self._removed:
            return
        self._unhook()
        try:
            if self._last:
                self.flush()
            self._removed = True
            if self._recorder is not None and not self._stopped:
                with self._forgiving("marking the run as done"):
                    self._recorder.finish(summary)
        finally:
            self.close()

    def close(self) -> None:
        """Take the hook away and let go of the run without marking it done; it can be resumed."""
        self._unhook()
        self._removed = True
        if self._recorder is not None:
            self._recorder.close()

    def fail(self, error: BaseException) -> None:
        """Take the hook away and mark the run as failed (or, for Ctrl-C, interrupted)."""
        self._unhook()
        self._removed = True
        if self._recorder is not None:
            self._recorder.__exit__(type(error), error, None)

    def _unhook(self) -> None:
        if self._hook is not None:
            self._hook.remove()
            self._hook = None

    def __enter__(self) -> Attachment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        if error is None:
            self.remove()
        elif not self._removed:
            self.fail(error)
        return False

    def __repr__(self) -> str:
        state = "stopped" if self._stopped else f"every {self._every}"
        state = "removed" if self._removed else state
        return f"<Attachment {str(self._path)!r}: {self._calls} steps, {state}>"


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
) -> Attachment:
    """Record the masks of a running PyTorch training, every so many optimiser steps.

    The training is not changed: a hook behind the optimiser's step reads the masks. They are
    looked up anew each time: `torch.nn.utils.prune`'s ``weight_mask``, a parametrization with a
    ``mask``, a module's ``mask`` buffer, sparse weights, SparseLab's rows; else, with a warning,
    the exact zeros of the weights. See ``docs/attach.md``.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer or None
        What counts the steps; wrapped or not. With None only `Attachment.record` records.
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
    Attachment

    Raises
    ------
    ConfigError
        If `every`, `start` or `on_error` cannot be, or the optimiser cannot be hooked.
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
    every = None if every is None else _whole(every, "every", least=1, or_none=True)
    start = None if start is None else _whole(start, "start", least=0, or_none=True)
    if on_error not in ("raise", "warn"):
        raise ConfigError(f"on_error={on_error!r}: raise or warn")
    if optimizer is not None:
        _inner(optimizer)
    finder = MaskFinder(model, masks=masks, layers=layers, dense=dense, image_shape=image_shape)
    return Attachment(
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


def _whole(value: Any, name: str, *, least: int, or_none: bool = False) -> int:
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


def _capturing() -> bool:
    """Whether a CUDA graph is being captured; a torch without CUDA cannot be asked."""
    return torch.version.cuda is not None and torch.cuda.is_current_stream_capturing()


def _inner(optimizer: Any) -> torch.optim.Optimizer:
    """The optimiser that does the steps, inside those of Accelerate and Lightning."""
    while isinstance(getattr(optimizer, "optimizer", None), torch.optim.Optimizer):
        optimizer = optimizer.optimizer
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise ConfigError(
            f"{type(optimizer).__name__} is no torch.optim.Optimizer, so its steps cannot be "
            "counted; attach with optimizer=None and call handle.record(step) in the loop"
        )
    return optimizer
