"""`topolab.log`: the topology curves of runs, into an experiment tracker."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from topolab.errors import ConfigError, RunError, TopolabError
from topolab.integrations.curves import CurveWriter
from topolab.integrations.tracker import Tracker
from topolab.paths import read_path
from topolab.progress import Progress, progress_shown
from topolab.registry import find
from topolab.run import Run, RunLike, open_runs

__all__ = ["CurveLog", "log"]


@dataclass(frozen=True)
class CurveLog:
    """What `log` wrote.

    Parameters
    ----------
    tracker : str
    out : Path
        The folder that it lies in.
    snapshots : mapping of Path to int
        Per run how many snapshots were written.
    look : str
        The command that shows, or sends, what was written.
    """

    tracker: str
    out: Path
    snapshots: Mapping[Path, int]
    look: str


def log(
    runs: RunLike | Sequence[RunLike],
    to: str,
    *,
    out: str | os.PathLike[str] = "curves",
    project: str = "topolab",
    progress: Progress | bool | None = None,
) -> CurveLog:
    """Write the topology curves and metrics of runs into an experiment tracker.

    All of it is written, or nothing: if it fails, what this call made is removed. Nothing leaves
    this machine. While a training runs, give a writer of `topolab.integrations` as a listener
    to `topolab.attach` instead.

    Parameters
    ----------
    runs : Run or path, or a sequence of them
        A folder that is no run stands for the runs in it.
    to : str
        A tracker: ``topolab.registry.names("trackers")``.
    out : path
        The folder to write to.
    project : str
        What a tracker gathers runs under: W&B's project, MLflow's experiment.
    progress : Progress, bool or None
        See `topolab.progress`.

    Returns
    -------
    CurveLog

    Raises
    ------
    ConfigError
        If there is no such tracker, it is not installed, two runs have one name, or the curves
        would be mixed with others.
    RunError
        If there is no run, or the tracker cannot write.
    SnapshotError
        If a snapshot is damaged.

    Examples
    --------
    >>> import tempfile
    >>> written = log(getfixture("example_run"), "tensorboard", out=tempfile.mkdtemp())
    >>> written.tracker, list(written.snapshots.values())
    ('tensorboard', [4])
    """
    tracker: Tracker = find("trackers", to)()
    folder = _folder(out)
    opened = open_runs(runs)
    _check_names(opened)
    tracker.check(opened, folder)
    snapshots: dict[Path, int] = {}
    with progress_shown(progress) as report, _all_or_nothing(tracker, folder) as writers:
        for run in opened:
            with _as_run_error(tracker, folder):
                writer = _writer(tracker, run, folder, project)
            writers.append(writer)
            try:
                for count, snapshot in enumerate(run, start=1):
                    with _as_run_error(tracker, folder):
                        writer(snapshot)
                    report(run.name, count, len(run))
            finally:
                with _as_run_error(tracker, folder):
                    writer.close()
            snapshots[run.path] = len(run)
    return CurveLog(to, folder, snapshots, tracker.look(folder))


def _folder(out: Any) -> Path:
    return read_path(out, "out", "give the folder to write to")


def _check_names(runs: Sequence[Run]) -> None:
    names = [run.name for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"two runs are named {', '.join(twice)}; log them into two folders")


def _writer(tracker: Tracker, run: Run, out: Path, project: str) -> CurveWriter:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{out}: the folder cannot be made ({error.strerror})") from error
    return tracker.writer(run, out, project)


@contextmanager
def _as_run_error(tracker: Tracker, out: Path) -> Iterator[None]:
    """Whatever a tracker raises, as an error of ours in one line."""
    try:
        yield
    except TopolabError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        raise RunError(
            f"{out}: {tracker.name} could not write there ({type(error).__name__}: {reason:.300})"
        ) from error


@contextmanager
def _all_or_nothing(tracker: Tracker, out: Path) -> Iterator[list[CurveWriter]]:
    """If it fails, what this call made is removed, so that it can be tried again."""
    writers: list[CurveWriter] = []
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    new = [path for path in tracker.shared_files(out) if not path.exists()]
    try:
        yield writers
    except BaseException:
        for writer in writers:
            with suppress(Exception):  # the first error matters
                writer.discard()
        with suppress(OSError):
            if not writers:  # what has not come as far as its first run is of no use to anybody
                for path in new:
                    path.unlink(missing_ok=True)
            for folder in missing:  # only if empty: somebody else may write there by now
                folder.rmdir()
        raise
