"""`export`: from a run to files in another format."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import SupportsIndex

from topolab.errors import ConfigError, LayerError, PartialFailure, RunError, SnapshotError
from topolab.exporters.base import Exporter
from topolab.graph import LayeredGraph
from topolab.registry import find
from topolab.run import Run, open_run
from topolab.snapshot import Snapshot
from topolab.store.files import replace_all

__all__ = ["Step", "export", "steps_of"]

#: One step (an int, or numpy's), several, or a word.
Step = SupportsIndex | str | Iterable[SupportsIndex]


def export(
    run: Run | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    to: str,
    step: Step | None = None,
    separate: bool = False,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write the graph of a snapshot, or of several, for other programs.

    Parameters
    ----------
    run : Run or path
    out : path
        The file to write, with the format's suffix; for several steps the folder of the files,
        which is made if need be.
    to : str
        A format: ``graphml``, ``gexf``, ``parquet``, ``npz``, ``networkx-json``, ``pyg``, or what
        another package adds.
    step : int, "first", "last", "all" or iterable of int, optional
        Which snapshot; the last one without it. "all" and an iterable, such as ``run.steps``, make
        one file for each step.
    separate : bool
        Every layer as a bipartite graph of its own, for layers that do not chain.
    force : bool
        Overwrite files that are there.
    progress : callable, optional
        Called with (snapshots done, snapshots in all).

    Returns
    -------
    list of Path
        The files written. Each appears whole or not at all.

    Raises
    ------
    ConfigError
        For an unknown format, another suffix, a file that is there, or a place inside the run.
    LayerError
        If the layers do not chain and `separate` is False.
    RunError
        If there is no such step, or the disk refuses.
    SnapshotError
        If the snapshot is damaged.
    PartialFailure
        If some of several snapshots are damaged; the others are written.

    Examples
    --------
    >>> import tempfile
    >>> run, folder = getfixture("example_run"), tempfile.mkdtemp()
    >>> [path.name for path in export(run, folder + "/mine.graphml", to="graphml")]
    ['mine.graphml']
    >>> [path.name for path in export(run, folder + "/all", to="npz", step="all")][:2]
    ['s0000000.npz', 's0000010.npz']
    """
    opened = run if isinstance(run, Run) else open_run(run)
    exporter: Exporter = find("exporters", to)()
    steps = steps_of(opened, step)
    words = step is None or isinstance(step, str)
    several = step == "all" if words else _one(step) is None
    targets = _targets(exporter, Path(out), steps, several=several)
    for files in targets:
        _check(opened, files, force=force)
    if several:
        _make(Path(out))
    written: list[Path] = []
    damaged: list[str] = []
    for done, (at, files) in enumerate(zip(steps, targets, strict=True), start=1):
        try:
            snapshot = opened.at(step=at)
        except SnapshotError as error:
            if not several:
                raise
            damaged.append(str(error))
            continue
        graph = _graph(opened, snapshot, separate=separate)
        replace_all(files, lambda paths, graph=graph: exporter.write(graph, paths))  # type: ignore[misc]
        written += files
        if progress is not None:
            progress(done, len(steps))
    if damaged:
        raise PartialFailure(
            f"{len(damaged)} of {len(steps)} snapshots could not be exported, the others are "
            f"written: {'; '.join(damaged)}"
        )
    return written


def _graph(run: Run, snapshot: Snapshot, *, separate: bool) -> LayeredGraph:
    about = {"run": run.name, "run_id": str(run.manifest["run_id"])}
    try:
        return LayeredGraph.from_snapshot(snapshot, separate=separate, about=about)
    except LayerError as error:
        raise LayerError(
            f"{error}; or export every layer as a graph of its own: separate=True (--separate)"
        ) from error


def steps_of(run: Run, step: Step | None) -> list[int]:
    """The steps that are meant.

    Raises
    ------
    RunError
        If the run has no snapshots, or none at a step that was asked for.
    ConfigError
        If `step` is another word, no step at all, or empty.
    """
    known: list[int] = run.steps.tolist()
    if not known:
        raise RunError(f"{run.path}: the run has no snapshots, so there is nothing to export")
    words = {None: known[-1:], "last": known[-1:], "first": known[:1], "all": known}
    if step is None or isinstance(step, str):
        if step not in words:
            raise ConfigError(f"step {step!r}: give a number, first, last or all")
        return words[step]
    one = _one(step)
    try:
        wanted = [one] if one is not None else [operator.index(s) for s in step]  # type: ignore[union-attr]
    except TypeError:
        raise ConfigError(
            f"step {step!r:.80}: give a whole number, several, first, last or all"
        ) from None
    if not wanted:
        raise ConfigError("no step was asked for")
    present = set(known)
    for at in wanted:
        if at not in present:
            near = sorted(sorted(known, key=lambda s: abs(s - at))[:3])
            raise RunError(f"{run.path}: no snapshot at step {at}; the nearest are {near}")
    return list(dict.fromkeys(wanted))


def _one(step: object) -> int | None:
    """The step, if it is one: an int, or what stands for one, such as numpy's."""
    try:
        return operator.index(step)  # type: ignore[arg-type]
    except TypeError:
        return None


def _targets(
    exporter: Exporter, out: Path, steps: Sequence[int], *, several: bool
) -> list[list[Path]]:
    if several:
        return [exporter.files(out / f"s{at:07d}{exporter.suffix}") for at in steps]
    if not out.name.endswith(exporter.suffix) or out.name == exporter.suffix:
        raise ConfigError(f"{out}: a file of {exporter.name} must end with {exporter.suffix}")
    return [exporter.files(out)]


def _check(run: Run, files: Sequence[Path], *, force: bool) -> None:
    inside = run.path.resolve()
    for path in files:
        if path.resolve().is_relative_to(inside):
            raise ConfigError(f"{path}: lies inside the run; choose a place outside it")
        if path.is_dir():
            raise ConfigError(f"{path}: is a folder; give the file to write")
        if path.exists() and not force:
            raise ConfigError(f"{path}: is there already; choose another name, or --force")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: the folder cannot be made ({error.strerror})") from error
