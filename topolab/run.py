"""A run: the ordered snapshots of one training, opened lazily, never changed by reading."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from topolab.errors import RunError
from topolab.layers import LayerSpec
from topolab.paths import from_home, is_path
from topolab.snapshot import Snapshot
from topolab.store.folder import RunFolder, StoredSnapshot
from topolab.store.layout import RunFiles
from topolab.store.verify import Verification, verify_run

__all__ = ["Run", "RunLike", "is_one_run", "open_run", "open_runs", "runs", "verify"]

#: What every function that wants a run takes.
RunLike: TypeAlias = "Run | str | os.PathLike[str]"
State = Literal["done", "failed", "running", "interrupted"]


class Run(Sequence[Snapshot]):
    """An immutable sequence of snapshots with its manifest.

    Opening one reads a small JSON file and a folder listing; a snapshot is read, and checked
    byte by byte, when it is asked for. A run that is still being written shows the snapshots
    that were there when it was opened.

    Parameters
    ----------
    path : path
        The folder of the run; `open_run` is the usual door.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._folder = RunFolder(path)
        self._manifest = self._folder.manifest()
        self._layers = self._folder.layers(self._manifest)
        self._listing = tuple(self._folder.listing())
        self._identity: str | None = None
        self._epochs: npt.NDArray[np.float64] | None = None

    # -- the sequence ------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._listing)

    @overload
    def __getitem__(self, index: int) -> Snapshot: ...
    @overload
    def __getitem__(self, index: slice) -> list[Snapshot]: ...
    def __getitem__(self, index: int | slice) -> Snapshot | list[Snapshot]:
        if isinstance(index, slice):
            return [self._read(stored) for stored in self._listing[index]]
        try:
            return self._read(self._listing[index])
        except IndexError:
            raise IndexError(
                f"snapshot {index} of {self.path}: it has {len(self)} snapshots"
            ) from None

    def __iter__(self) -> Iterator[Snapshot]:
        return (self._read(stored) for stored in self._listing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"<Run {self.name!r}: {len(self)} snapshots, {self.state}>"

    def at(self, *, step: int) -> Snapshot:
        """The snapshot taken at this step.

        Raises
        ------
        RunError
            If none was taken there; the message names the nearest steps.
        """
        for stored in self._listing:
            if stored.step == step:
                return self._read(stored)
        near = sorted(self.steps.tolist(), key=lambda s: abs(s - step))[:3]
        raise RunError(f"{self.path}: no snapshot at step {step}; the nearest are {sorted(near)}")

    def _read(self, stored: StoredSnapshot) -> Snapshot:
        return self._folder.read(stored, self._layers, str(self._manifest["run_id"]))

    # -- what is known of it -----------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The folder of the run."""
        return self._folder.path

    @property
    def files(self) -> RunFiles:
        """Where the files of the run lie."""
        return self._folder

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """The step of every snapshot, shape (T,), without opening one."""
        return np.array([stored.step for stored in self._listing], dtype=np.int64)

    @property
    def epochs(self) -> npt.NDArray[np.float64]:
        """The epoch of every snapshot, shape (T,); NaN where not known.

        Every snapshot is read and checked, the first time.
        """
        if self._epochs is None:
            self._epochs = np.array([shot.epoch for shot in self], dtype=np.float64)
        return self._epochs.copy()

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """The layer table, in the order of the network."""
        return self._layers

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The whole of ``run.json``."""
        return MappingProxyType(self._manifest)

    @property
    def config(self) -> dict[str, Any]:
        """The resolved configuration of the training; empty if none was given."""
        return dict(self._manifest["config"])

    @property
    def seed(self) -> int | None:
        """The seed, or None if none was given."""
        return self._manifest.get("seed")

    @property
    def data(self) -> dict[str, Any]:
        """Name and hash of the training data; empty if none was given."""
        return dict(self._manifest["data"])

    @property
    def state(self) -> State:
        """``done``, ``failed``, ``running`` (a live process writes it) or ``interrupted``."""
        if self._folder.done_file.exists():
            return "done"
        if self._folder.failed_file.exists():
            return "failed"
        return "running" if self._folder.has_live_writer() else "interrupted"

    @property
    def summary(self) -> dict[str, Any]:
        """What the training wrote when it finished; empty before that.

        Raises
        ------
        RunError
            If DONE is damaged.
        """
        done = self._folder.read_note(self._folder.done_file) or {}
        return dict(done.get("summary") or {})

    @property
    def failure(self) -> dict[str, Any] | None:
        """What FAILED.json says, or None."""
        return self._folder.read_note(self._folder.failed_file)

    @property
    def identity(self) -> str:
        """SHA-256 over the run's id and the checksum of every snapshot, in order.

        Two runs of equal content are equal here, wherever they lie; another snapshot, or an
        altered one, changes it. Only headers are read.
        """
        if self._identity is None:
            digest = hashlib.sha256(str(self._manifest["run_id"]).encode())
            for stored in self._listing:
                digest.update(f"\n{stored.path.name} {self._folder.header(stored).sha256}".encode())
            self._identity = digest.hexdigest()
        return self._identity

    @property
    def tables_folder(self) -> Path:
        """Where analysis results are cached."""
        return self._folder.tables

    @property
    def resume_state(self) -> Path:
        """Where a training keeps what it needs to go on."""
        return self._folder.resume_state

    def verify(self) -> Verification:
        """Read every snapshot and name the damaged ones: see `topolab.store.verify_run`."""
        return verify_run(self.path)


def open_run(path: RunLike) -> Run:
    """Open a run for reading.

    Parameters
    ----------
    path : path or Run
        The folder of the run, also under ``~``; an open run is given back as it is.

    Returns
    -------
    Run

    Raises
    ------
    RunError
        If there is no run, or its manifest is damaged.
    FormatVersionError
        If a newer topolab wrote it.

    Examples
    --------
    >>> import topolab, tempfile
    >>> layer = topolab.LayerSpec("fc1", "linear", (2, 3))
    >>> folder = tempfile.mkdtemp() + "/mine"
    >>> with topolab.Recorder(folder, layers=[layer]) as recorder:
    ...     recorder.record(0, {"fc1": np.eye(2, 3, dtype=bool)})
    >>> run = topolab.open_run(folder)
    >>> len(run), run.steps, run[-1].masks["fc1"].sum()
    (1, array([0]), np.int64(2))
    """
    if isinstance(path, Run):
        return path
    if not is_path(path):
        raise RunError(f"a run, or the folder of one, was expected, and not {path!r}")
    return Run(from_home(path))


def open_runs(given: RunLike | Sequence[RunLike]) -> list[Run]:
    """Open everything that was asked for: runs, folders of a run, folders of runs.

    Parameters
    ----------
    given : Run or path, or a sequence of them
        A folder that is no run stands for the runs directly in it, as `topolab show FOLDER` lists
        them.

    Returns
    -------
    list of Run
        At least one.

    Raises
    ------
    RunError
        If one of them is neither a run nor a folder of runs; nothing has been computed then.

    Examples
    --------
    >>> run = getfixture("example_run")
    >>> open_runs(run) == open_runs([run.path]) == open_runs(run.path.parent) == [run]
    True
    """
    if isinstance(given, (Run, str, os.PathLike)):
        several: Sequence[RunLike] = [given]
    elif isinstance(given, Iterable):
        several = list(given)
    else:
        raise RunError(f"runs, or the folders of some, were expected, and not {given!r}")
    opened: list[Run] = []
    for one in several:
        if isinstance(one, Run) or not is_path(one):
            opened.append(open_run(one))
            continue
        folder = from_home(one)
        if folder.is_dir() and not RunFiles(folder).exists():
            inside = runs(folder)
            if not inside:
                raise RunError(f"{folder}: no run is there, and no folder of a run in it")
            opened += inside
        else:
            opened.append(open_run(one))
    if not opened:
        raise RunError("at least one run is needed")
    return opened


def is_one_run(given: RunLike | Sequence[RunLike]) -> bool:
    """Whether one run was asked for: a `Run` or the folder of one, and no sequence.

    A function that takes one run or several gives back one thing then, and else a thing per run.

    Examples
    --------
    >>> run = getfixture("example_run")
    >>> is_one_run(run), is_one_run(run.path), is_one_run([run]), is_one_run(run.path.parent)
    (True, True, False, False)
    """
    if isinstance(given, (str, os.PathLike)):
        return RunFiles(given).exists()
    return isinstance(given, Run)


@overload
def verify(runs: Run) -> Verification: ...
@overload
def verify(runs: Sequence[RunLike]) -> dict[Run, Verification]: ...
@overload
def verify(runs: str | os.PathLike[str]) -> Any: ...
def verify(runs: RunLike | Sequence[RunLike]) -> Verification | dict[Run, Verification]:
    """Read every snapshot of runs, check its SHA-256 and its place, and name the damaged files.

    Parameters
    ----------
    runs : Run or path, or a sequence of them
        A folder that is no run stands for the runs in it.

    Returns
    -------
    Verification or dict of Run to Verification
        Of one run, its own; of a sequence or a folder of runs one for each run.

    Raises
    ------
    RunError
        If there is no run, or its manifest cannot be read.

    Examples
    --------
    >>> run = getfixture("example_run")
    >>> verify(run).ok, verify([run])[run].checked
    (True, 4)
    """
    found = {run: run.verify() for run in open_runs(runs)}
    return next(iter(found.values())) if is_one_run(runs) else found


def runs(folder: str | os.PathLike[str]) -> list[Run]:
    """All runs directly in a folder, by name.

    Raises
    ------
    RunError
        If the folder cannot be listed.
    """
    if not is_path(folder):
        raise RunError(f"a folder of runs was expected, and not {folder!r}")
    try:
        inside = sorted(from_home(folder).iterdir())
    except OSError as error:
        raise RunError(f"{folder}: cannot be listed ({error.strerror})") from error
    return [Run(path) for path in inside if RunFiles(path).exists()]
