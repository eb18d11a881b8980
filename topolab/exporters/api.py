"""`export`: from a run to files in another format."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, SupportsIndex, overload

from topolab.errors import ConfigError, LayerError, PartialFailure, RunError, SnapshotError
from topolab.exporters.base import Exporter
from topolab.graph import LayeredGraph
from topolab.paths import read_path
from topolab.progress import Progress, progress_shown
from topolab.registry import find
from topolab.run import Run, RunLike, is_one_run, open_runs
from topolab.snapshot import Snapshot
from topolab.store.files import replace_all

__all__ = ["Step", "export", "steps_of"]

#: One step (an int, or numpy's), several, or a word.
Step = SupportsIndex | str | Iterable[SupportsIndex]


@overload
def export(
    runs: Run,
    out: str | os.PathLike[str] | None = None,
    *,
    to: str,
    step: Step | None = None,
    separate: bool = False,
    force: bool = False,
    progress: Progress | bool | None = None,
) -> list[Path]: ...
@overload
def export(
    runs: Sequence[RunLike],
    out: str | os.PathLike[str] | None = None,
    *,
    to: str,
    step: Step | None = None,
    separate: bool = False,
    force: bool = False,
    progress: Progress | bool | None = None,
) -> dict[Run, list[Path]]: ...
# A path may be that of a run, or of a folder of runs.
@overload
def export(
    runs: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    to: str,
    step: Step | None = None,
    separate: bool = False,
    force: bool = False,
    progress: Progress | bool | None = None,
) -> Any: ...
def export(
    runs: RunLike | Sequence[RunLike],
    out: str | os.PathLike[str] | None = None,
    *,
    to: str,
    step: Step | None = None,
    separate: bool = False,
    force: bool = False,
    progress: Progress | bool | None = None,
) -> list[Path] | dict[Run, list[Path]]:
    """Write the graph of a snapshot, or of several, for other programs.

    Parameters
    ----------
    runs : Run or path, or a sequence of them
        A folder that is no run stands for the runs in it.
    out : path, optional
        The file to write, with the format's suffix; for several steps the folder of the files,
        which is made if need be; for several runs the folder of what each of them gives. Without
        it files are named after their run, in the present folder.
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
    progress : Progress, bool or None
        A function of (what, done, total, detail), False for silence, None for a bar where a person
        looks.

    Returns
    -------
    list of Path or dict of Run to list of Path
        The files written, of a sequence or a folder of runs for each run. Each appears whole or
        not at all.

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
    >>> [path.name for path in export([run], folder, to="gexf", step="first")[run]]
    ['example-s0000000.gexf']
    """
    exporter: Exporter = find("exporters", to)()
    opened = list(dict.fromkeys(open_runs(runs)))
    single = is_one_run(runs)
    _check_names(opened)
    plans = [_plan(run, exporter, step, _place(run, exporter, step, out, single), force=force)
             for run in opened]  # fmt: skip
    tolerant = not single or plans[0].several
    written: dict[Run, list[Path]] = {}
    damaged: list[str] = []
    with progress_shown(progress) as tell:
        for plan in plans:
            if plan.several or not single:
                _make_folder(plan.out if plan.several else plan.out.parent)
            done: list[Path] = []
            for at, files in zip(plan.steps, plan.files, strict=True):
                try:
                    snapshot = plan.run.at(step=at)
                except SnapshotError as error:
                    if not tolerant:
                        raise
                    damaged.append(str(error))
                    continue
                graph = _graph(plan.run, snapshot, separate=separate)
                replace_all(files, lambda paths, graph=graph: exporter.write(graph, paths))  # type: ignore[misc]
                done += files
                tell(f"{plan.run.name}: {to}", plan.steps.index(at) + 1, len(plan.steps))
            written[plan.run] = done
    if damaged:
        total = sum(len(plan.steps) for plan in plans)
        raise PartialFailure(
            f"{len(damaged)} of {total} snapshots could not be exported, the others are "
            f"written: {'; '.join(damaged)}"
        )
    return written[opened[0]] if single else written


@dataclass(frozen=True)
class _Plan:
    """What a run gives: a file, or several of one step, for each step."""

    run: Run
    out: Path
    steps: list[int]
    files: list[list[Path]]
    several: bool


def _plan(run: Run, exporter: Exporter, step: Step | None, out: Path, *, force: bool) -> _Plan:
    several = _several(step)
    steps = steps_of(run, step)
    files = _targets(exporter, out, steps, several=several)
    for of_step in files:
        _check_targets(run, of_step, force=force)
    return _Plan(run, out, steps, files, several)


def _place(
    run: Run,
    exporter: Exporter,
    step: Step | None,
    out: str | os.PathLike[str] | None,
    single: bool,
) -> Path:
    """Where a run's file goes, or the folder of its files."""
    if single and out is not None:
        return read_path(out, "out", "give the file to write, or the folder")
    folder = Path() if out is None else read_path(out, "out", "give the folder to write to")
    if _several(step):
        return folder / f"{run.name}-{exporter.name}"
    return folder / f"{run.name}-s{steps_of(run, step)[0]:07d}{exporter.suffix}"


def _check_names(runs: Sequence[Run]) -> None:
    names = [run.name for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"two runs are named {', '.join(twice)}; export them into two folders")


def _several(step: Step | None) -> bool:
    """Whether there is a file for each of several steps."""
    if step is None or isinstance(step, str):
        return step == "all"
    return _as_step(step) is None


def _graph(run: Run, snapshot: Snapshot, *, separate: bool) -> LayeredGraph:
    about = {"run": run.name, "run_id": str(run.manifest["run_id"])}
    try:
        return LayeredGraph.from_snapshot(snapshot, separate=separate, about=about)
    except LayerError as error:
        raise LayerError(
            f"{error}; or export every layer as a graph of its own (separate)"
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
    one = _as_step(step)
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


def _as_step(step: object) -> int | None:
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


def _check_targets(run: Run, files: Sequence[Path], *, force: bool) -> None:
    inside = run.path.resolve()
    for path in files:
        if path.resolve().is_relative_to(inside):
            raise ConfigError(f"{path}: lies inside the run; choose a place outside it")
        if path.is_dir():
            raise ConfigError(f"{path}: is a folder; give the file to write")
        if path.exists() and not force:
            raise ConfigError(f"{path}: is there already; choose another name, or force it")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: the folder cannot be made ({error.strerror})") from error
