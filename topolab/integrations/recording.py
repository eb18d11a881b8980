"""The handle of a recording: masks of a running training, into a run."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from topolab.errors import ConfigError, RunError
from topolab.integrations.mask_finder import MaskFinder
from topolab.integrations.optimizers import inner_optimizer, is_capturing, whole_count
from topolab.integrations.ranks import Ranks
from topolab.layers import LayerSpec
from topolab.recorder import Recorder
from topolab.run import Run
from topolab.snapshot import Snapshot, pack_mask
from topolab.store.format import metrics_of

__all__ = ["Listener", "OnError", "RecordingHandle"]

Listener = Callable[[Snapshot], None]
OnError = Literal["raise", "warn"]


class RecordingHandle:
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
                self._hook = inner_optimizer(optimizer).register_step_post_hook(hook)
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
        if is_capturing():
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
            Optimiser steps done, if the handle is not to use its own count; it goes on
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
            If the handle was removed, the step does not follow, or the disk refuses.
        LayerError
            If a mask cannot be found or is not one, or the ranks hold different masks.
        """
        if self._stopped:
            return
        if self._removed:
            raise RunError(
                f"{self._path}: this recording handle was removed; attach again to go on"
            )
        now = self.steps
        if step is not None:
            now = whole_count(step, "step", least=0)
            recorder, asked = self._recorder, now
            self._ranks.first_does(
                lambda: recorder.check_step(asked) if recorder is not None else None,
                f"{self._path}: a snapshot of step {now}",
            )
        with self._warn_on_error(f"recording step {now}"):
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
            measured.update(self._all_metrics(metrics))
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

    def _all_metrics(self, metrics: Mapping[str, float] | None) -> dict[str, float]:
        own = self._metrics() if self._metrics is not None else {}
        for given in (own, metrics or {}):
            if not isinstance(given, Mapping):
                raise ConfigError(
                    f"metrics must give numbers by name, not {type(given).__name__}: "
                    'for instance {"loss": 0.1}'
                )
        return metrics_of({**own, **(metrics or {})})

    @contextmanager
    def _warn_on_error(self, what: str) -> Iterator[None]:
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
                with self._warn_on_error("marking the run as done"):
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

    def __enter__(self) -> RecordingHandle:
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
        return f"<RecordingHandle {str(self._path)!r}: {self._calls} steps, {state}>"
