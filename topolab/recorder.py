"""The one object a training loop needs: ours or a stranger's."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np

from topolab.capture import make_snapshot
from topolab.errors import ConfigError, RunError, TopolabError
from topolab.layers import LayerSpec
from topolab.paths import is_path
from topolab.provenance import now, provenance
from topolab.snapshot import Snapshot
from topolab.store.files import read_file
from topolab.store.folder import RunFolder, StoredSnapshot
from topolab.store.format import encode, most_bytes
from topolab.store.layout import RunFiles

__all__ = ["Recorder"]


class Recorder:
    """Writes the snapshots of one run, each durably before `record` returns.

    It never changes the training: no generator is used, no gradient is touched, and tensors are
    only read. There is one writer per run; a second is refused.

    Parameters
    ----------
    path : path
        The folder of the new run.
    layers : sequence of LayerSpec
        The layer table, for instance ``topolab.layers_of(model)``.
    config : dict, optional
        Whatever decides the training, as JSON values.
    seed : int, optional
    data : dict, optional
        Name and hash of the training data.
    resume : bool
        Continue the run at `path` if there is one. A step that is on disk already is compared,
        not written again: a training that repeats the steps since its last saved state must
        repeat them exactly.
    command : str, optional
        The command that started it, for the report.

    Raises
    ------
    ConfigError
        If `path` is no path.
    RunExistsError
        If there is a run already and `resume` is False.
    RunError
        If the folder cannot be written, another process writes there, or the run to be resumed
        has other layers, configuration, seed or data.

    Examples
    --------
    >>> import numpy as np, tempfile, topolab
    >>> folder = tempfile.mkdtemp() + "/run"
    >>> layers = [topolab.LayerSpec("fc1", "linear", (2, 3))]
    >>> with topolab.Recorder(folder, layers=layers, seed=1) as recorder:
    ...     recorder.record(0, {"fc1": np.ones((2, 3))}, metrics={"test_accuracy": 0.5})
    >>> topolab.open_run(folder)[0].metrics
    {'test_accuracy': 0.5}
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        layers: Sequence[LayerSpec],
        config: Mapping[str, Any] | None = None,
        seed: int | None = None,
        data: Mapping[str, Any] | None = None,
        resume: bool = False,
        command: str | None = None,
    ) -> None:
        if not is_path(path):
            raise ConfigError(f"path = {path!r:.80} is no path; give the folder of the new run")
        self._folder = RunFolder(path)
        self._layers = tuple(layers)
        identity = {"config": dict(config or {}), "seed": seed, "data": dict(data or {})}
        self._seconds = 0.0
        self._closed = False
        if resume and self._folder.exists():
            self._lock = self._folder.lock()
            try:
                self._check_same(identity)
            except BaseException:
                self._folder.unlock(self._lock)
                raise
        else:
            self._run_id = self._folder.create(self._layers, identity, provenance(command))
            self._lock = self._folder.lock()
        self._process = os.getpid()
        self._stored: list[StoredSnapshot] = self._folder.listing()
        self._position = 0  # how many of the stored snapshots this process has come past
        self._settled = True
        try:
            self._check_whole()
            self._folder.failed_file.unlink(missing_ok=True)
        except OSError as error:
            self.close()
            raise RunError(
                f"{self._folder.failed_file}: cannot be removed ({error.strerror}), so the run "
                "cannot go on"
            ) from error
        except RunError:
            self.close()
            raise

    def _check_same(self, identity: dict[str, Any]) -> None:
        manifest = self._folder.manifest()
        self._run_id = str(manifest["run_id"])
        wanted = {"layers": [layer.to_dict() for layer in self._layers], **identity}
        different = [key for key, value in wanted.items() if manifest.get(key) != _plain(value)]
        if different:
            details = _difference(manifest, _plain(wanted), different)
            raise RunError(
                f"{self._folder.path}: cannot be resumed, its {', '.join(different)} "
                f"differ{'s' if len(different) == 1 else ''} from what was asked ({details})"
            )

    def _check_whole(self) -> None:
        """A run with a snapshot missing, or there twice, is not continued."""
        last = -1
        for position, stored in enumerate(self._stored):
            if stored.index != position or stored.step <= last:
                raise RunError(
                    f"{stored.path}: out of place, so the run cannot go on (snapshot "
                    f"{position:06d} was expected); see `topolab verify {self.path}`"
                )
            last = stored.step

    # -- what it knows -----------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The folder of the run."""
        return self._folder.path

    @property
    def files(self) -> RunFiles:
        """Where the files of the run lie."""
        return self._folder

    @property
    def run_id(self) -> str:
        """SHA-256 of layer table, configuration, seed and data: equal for a repeated run."""
        return self._run_id

    @property
    def seconds(self) -> float:
        """Time spent in `record` so far, in seconds."""
        return self._seconds

    @property
    def last_step(self) -> int | None:
        """The step of the last snapshot on disk, or None."""
        return self._stored[-1].step if self._stored else None

    # -- writing -----------------------------------------------------------------------------

    def check_step(self, step: int) -> None:
        """Refuse a step that `record` would refuse now; nothing is written.

        Raises
        ------
        RunError
            If the step does not follow the last one, and is none that is to be repeated.
        """
        self._place_of(int(step))

    def record(
        self,
        step: int,
        masks: Mapping[str, Any],
        *,
        epoch: float | None = None,
        weights: Mapping[str, Any] | None = None,
        activity: Mapping[str, Any] | None = None,
        gradient: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Write one snapshot. When this returns, it is on disk and stays there.

        Parameters
        ----------
        step : int
            Optimiser steps done; larger than that of the snapshot before.
        masks : mapping of str to array or tensor
            Per layer, of the layer's shape: bool, or numbers that are all 0 or 1. A layer that
            is not maskable may be left out.
        epoch : float, optional
            Passes over the training data done.
        weights : mapping of str to array or tensor, optional
            Per layer, of the layer's shape; only the active ones are stored.
        activity, gradient : mapping of str to array or tensor, optional
            Per layer one value for each output neuron.
        metrics : mapping of str to float, optional

        Raises
        ------
        ConfigError
            If a metric or the epoch is no number.
        LayerError
            If a layer is missing or unknown, or an array does not fit it.
        RunError
            If the step does not follow, the disk refuses, or a repeated step differs from what
            was recorded before.
        """
        started = time.perf_counter()
        if self._closed:
            raise RunError(f"{self.path}: this recorder is closed; open a new one to go on")
        if os.getpid() != self._process:
            raise RunError(
                f"{self.path}: this recorder belongs to process {self._process}; a process that "
                "was forked from it cannot record"
            )
        try:
            if not self._settled:
                self._settle()
            position = self._place_of(int(step))
            snapshot = make_snapshot(
                self._layers, position, int(step), masks,
                epoch=epoch, weights=weights, activity=activity, gradient=gradient,
                metrics=metrics,
            )  # fmt: skip
            if position < len(self._stored):
                self._check_repeated(snapshot)
            else:
                self._settled = False  # if this is cut short, the disk knows how far it came
                path = self._folder.append(snapshot, self._run_id)
                self._stored.append(StoredSnapshot(position, int(step), path))
                self._settled = True
            self._position = position + 1
        finally:
            self._seconds += time.perf_counter() - started

    def _settle(self) -> None:
        """After a record that failed or was interrupted: what is there is recorded."""
        self._folder.settle()
        self._stored = self._folder.listing()
        self._settled = True

    def _place_of(self, step: int) -> int:
        for position in range(self._position, len(self._stored)):
            if self._stored[position].step == step:
                return position
        last = self.last_step
        if step < 0 or (last is not None and step <= last):
            raise RunError(
                f"{self.path}: a snapshot of step {step} cannot follow that of step {last}"
            )
        return len(self._stored)

    def _check_repeated(self, snapshot: Snapshot) -> None:
        stored = self._stored[snapshot.index]
        new = encode(snapshot, run_id=self._run_id)
        try:
            old = read_file(stored.path, limit=most_bytes(self._layers))
        except OSError as error:
            raise RunError(f"{stored.path}: cannot be read ({error.strerror})") from error
        if old != new:
            raise RunError(
                f"{stored.path}: the resumed training diverged from what was recorded at step "
                f"{snapshot.step} (another device, thread count or torch version?); nothing was "
                "overwritten, start again under a new name"
            )

    # -- the end -----------------------------------------------------------------------------

    def finish(self, summary: Mapping[str, Any] | None = None) -> None:
        """Mark the run as complete and let go of it.

        Parameters
        ----------
        summary : dict, optional
            JSON values to keep with the run: final accuracy, duration.
        """
        if self._closed:
            return
        try:
            if not self._settled:
                self._settle()
            self._folder.note(
                self._folder.done_file,
                {
                    "finished": now(),
                    "snapshots": len(self._stored),
                    "record_seconds": round(self._seconds, 6),
                    "summary": _plain(dict(summary or {})),
                },
            )
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the run without marking it complete; it can be resumed."""
        if not self._closed:
            self._closed = True
            self._folder.unlock(self._lock)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        if self._closed:
            return False
        if error is None:
            self.finish()
            return False
        try:
            if isinstance(error, Exception):
                self._folder.note(
                    self._folder.failed_file,
                    {
                        "when": now(),
                        "error": kind.__name__ if kind else "",
                        "message": str(error),
                        "last_recorded_step": self.last_step,
                    },
                )
        except TopolabError:  # a full disk is often why we are here; the first error matters
            pass
        finally:
            self.close()
        return False


def _plain(value: Any) -> Any:
    """A value as JSON would give it back, so that tuples and lists compare equal."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def _difference(old: Mapping[str, Any], new: Mapping[str, Any], keys: list[str]) -> str:
    parts = []
    for key in keys:
        before, after = old.get(key), new[key]
        if isinstance(before, dict) and isinstance(after, dict):
            parts += [
                f"{name} was {before.get(name)!r}, now {after.get(name)!r}"
                for name in sorted({*before, *after})
                if before.get(name) != after.get(name)
            ]
        elif key != "layers":
            parts.append(f"{key} was {before!r}, now {after!r}")
    return "; ".join(parts[:4]) or "see run.json"
