"""Analyses: a run goes in, tidy tables come out; computed once, in any order, on any core."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from topolab.errors import AnalysisError, RunError, TableError, TopolabError
from topolab.progress import Progress, progress_shown
from topolab.run import Run, open_run
from topolab.snapshot import Snapshot
from topolab.store.files import refuse_link
from topolab.tables import Column, check, concat, read_table, write_table

__all__ = ["Analysis", "Result", "SequentialAnalysis", "run_analysis"]

Tables = dict[str, pd.DataFrame]
#: Frames whose tables are held before they are joined.
BLOCK = 256


@dataclass(frozen=True)
class Analysis:
    """The base of every analysis: a frozen dataclass whose fields are its parameters.

    A subclass declares ``name``, ``version`` (raised whenever its numbers change), ``summary``
    (one line) and ``schemas``: the columns of each table it returns, of which the one with the
    analysis' own name is the main one. It implements three hooks and never writes to itself, so
    that frames can be computed in any order and in any process.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    summary: ClassVar[str]
    schemas: ClassVar[Mapping[str, tuple[Column, ...]]]
    #: Columns of the main table that are compared over runs: see `headline`.
    compares: ClassVar[tuple[str, ...]] = ()
    #: Patterns of those that a comparison prints unless told otherwise: ``column`` or
    #: ``column[keys]``, where ``*`` stands for anything.
    highlights: ClassVar[tuple[str, ...]] = ()
    #: Columns of words that are results, not what tells rows of the main table apart.
    words: ClassVar[tuple[str, ...]] = ()
    #: Columns of what `across` returns, if not those of the main table after a column ``run``.
    across_schema: ClassVar[tuple[Column, ...]] = ()
    #: Columns of what `pool` returns.
    pooled_schema: ClassVar[tuple[Column, ...]] = ()
    #: Columns of words in `across` and `pool` that a comparison prints, by group and layer.
    verdicts: ClassVar[tuple[str, ...]] = ()

    def prepare(self, run: Run) -> Any:
        """Once, before any frame: check that the run can answer; return a picklable state.

        Raises
        ------
        AnalysisError
            If this run cannot answer; the message says what it lacks.
        """
        return None

    def frame(self, snapshot: Snapshot, state: Any) -> Tables:
        """Once per snapshot: the rows it adds to each table. A pure function."""
        raise NotImplementedError

    def conclude(self, rows: Tables, state: Any) -> Tables:
        """Once, after all frames, with their rows in order of the run: the final tables."""
        return rows

    def headline(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of the main table that stand for a run in a comparison: those of its last step.

        Their columns of words, other than remarks, tell the rows apart.
        """
        return table[table["step"] == table["step"].max()] if "step" in table else table

    def across(self, tables: Mapping[str, Tables]) -> pd.DataFrame | None:
        """What only several runs together can say; None if nothing.

        Parameters
        ----------
        tables : mapping of run name to the tables of this analysis

        Returns
        -------
        DataFrame or None
            With a column ``run``, and a column ``layer`` where there are `verdicts`; its columns
            are those of `across_columns`.
        """
        return None

    def pool(self, across: pd.DataFrame) -> pd.DataFrame | None:
        """What the runs of a group, which differ by seed alone, say together; None if nothing.

        Parameters
        ----------
        across : DataFrame
            Of `across`, with a column ``group``.

        Returns
        -------
        DataFrame or None
            A row for each group and layer, with the columns of `pooled_schema`.
        """
        return None

    def statements(self, table: pd.DataFrame) -> tuple[str, ...]:
        """Sentences that say what rows mean: of the main table, of `across` or of `pool`."""
        return ()

    @classmethod
    def across_columns(cls) -> tuple[Column, ...]:
        """The columns of what `across` returns, with their units and meanings.

        Examples
        --------
        >>> from topolab_analyses.degree import Degree
        >>> [column.name for column in Degree.across_columns()][:3]
        ['run', 'step', 'epoch']
        """
        run = Column("run", str, "1", "Name of the run.")
        return cls.across_schema or (run, *cls.schemas[cls.name])

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters and their values."""
        return asdict(self)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The parameters and their defaults."""
        return {f.name: f.default for f in fields(cls)}


@dataclass(frozen=True)
class SequentialAnalysis(Analysis):
    """The base of an analysis that needs to know what came before a snapshot.

    Its snapshots are visited in order, in one process, and what it remembers of them is handed on
    from each to the next. It implements `start` and `visit` in place of ``frame``; neither writes
    to the analysis, and `visit` leaves the memory it was given as it was.
    """

    def start(self, state: Any) -> Any:
        """Once, before the first snapshot: what is remembered then."""
        return None

    def visit(self, memory: Any, snapshot: Snapshot, state: Any) -> tuple[Any, Tables]:
        """Once per snapshot, in order: what is remembered from here on, and the rows it adds."""
        raise NotImplementedError

    def frame(self, snapshot: Snapshot, state: Any) -> Tables:
        """Not used: no frame of a sequential analysis stands alone."""
        raise AnalysisError(f"{self.name} visits snapshots in order; they do not stand alone")


@dataclass(frozen=True)
class Result:
    """What an analysis returned.

    Attributes
    ----------
    analysis : Analysis
    tables : dict of str to DataFrame
    paths : dict of str to Path
        Where each table is kept; empty if caching was off or not possible.
    cached : bool
        Whether it was read rather than computed.
    """

    analysis: Analysis
    tables: Tables
    paths: dict[str, Path]
    cached: bool

    @property
    def table(self) -> pd.DataFrame:
        """The main table."""
        return self.tables[self.analysis.name]


def cache_key(run: Run, analysis: Analysis) -> str:
    """What a cached result must match: run identity, analysis, version, parameters, columns."""
    columns = {
        name: [(c.name, c.dtype.__name__) for c in schema]
        for name, schema in analysis.schemas.items()
    }
    text = json.dumps(
        [run.identity, analysis.name, analysis.version, analysis.parameters, columns],
        sort_keys=True,
        default=list,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def table_paths(run: Run, analysis: Analysis) -> dict[str, Path]:
    """Where the tables of an analysis are kept: by name, and by parameters if not default."""
    suffix = ""
    if analysis.parameters != type(analysis).defaults():
        text = json.dumps(analysis.parameters, sort_keys=True, default=list)
        suffix = "@" + hashlib.sha256(text.encode()).hexdigest()[:8]
    return {name: run.tables_folder / f"{name}{suffix}.parquet" for name in analysis.schemas}


def run_analysis(
    run: Run,
    analysis: Analysis,
    *,
    workers: int = 1,
    cache: bool = True,
    progress: Progress | bool | None = None,
) -> Result:
    """Analyse a run, or read the result if it was analysed before.

    Parameters
    ----------
    run : Run
    analysis : Analysis
    workers : int
        Processes; the tables are the same for any number.
    cache : bool
        Keep the result in the run's ``tables`` folder and use one that is there.
    progress : Progress, bool or None
        A function of (what, done, total, detail), False for silence, None for a bar where a person
        looks.

    Returns
    -------
    Result

    Raises
    ------
    AnalysisError
        If the run cannot answer.
    SnapshotError
        If a snapshot is damaged.

    Examples
    --------
    >>> from topolab_analyses.degree import Degree
    >>> result = run_analysis(getfixture("example_run"), Degree())
    >>> sorted(result.tables)
    ['degree', 'degree_distribution']
    """
    if not len(run):
        raise AnalysisError(f"{run.path}: the run has no snapshots, so there is nothing to analyse")
    if workers < 1:
        raise AnalysisError(f"workers={workers}: at least one process is needed")
    key = cache_key(run, analysis)
    paths = table_paths(run, analysis)
    if cache:
        found = _read_cache(analysis, paths, key)
        if found is not None:
            with progress_shown(progress) as tell:
                tell(_task(run, analysis), len(run), len(run))
            return Result(analysis, found, paths, cached=True)
    with progress_shown(progress) as tell:
        state = analysis.prepare(run)
        rows = _gather(_frames(run, analysis, state, workers, tell), analysis)
        tables = analysis.conclude(rows, state)
    if set(tables) != set(analysis.schemas):
        raise TableError(
            f"{analysis.name}: returned tables {sorted(tables)}, "
            f"declared {sorted(analysis.schemas)}"
        )
    tables = {
        name: check(tables[name], schema, name=name) for name, schema in analysis.schemas.items()
    }
    written = _write_cache(run, analysis, tables, paths, key) if cache else {}
    return Result(analysis, tables, written, cached=False)


def _task(run: Run, analysis: Analysis) -> str:
    """What is being done, for a person who waits."""
    return f"{run.name}: {analysis.name}"


def _gather(frames: Iterable[Tables], analysis: Analysis) -> Tables:
    """The rows of all frames, in order.

    Joined a block at a time: a small table takes far more memory than its rows.
    """
    blocks: dict[str, list[pd.DataFrame]] = {name: [] for name in analysis.schemas}
    waiting: list[Tables] = []

    def join() -> None:
        for name, schema in analysis.schemas.items():
            parts = [frame[name] for frame in waiting if name in frame]
            blocks[name].append(concat(parts, schema))
        waiting.clear()

    for frame in frames:
        waiting.append(frame)
        if len(waiting) == BLOCK:
            join()
    join()
    return {name: concat(blocks[name], schema) for name, schema in analysis.schemas.items()}


def _frames(
    run: Run, analysis: Analysis, state: Any, workers: int, tell: Progress
) -> Iterator[Tables]:
    total = len(run)
    what = _task(run, analysis)

    def count(frames: Iterable[Tables]) -> Iterator[Tables]:
        for done, frame in enumerate(frames, start=1):
            yield frame
            tell(what, done, total)

    if isinstance(analysis, SequentialAnalysis):
        yield from count(_visits(run, analysis, state))
    elif workers == 1 or total == 1:
        yield from count(analysis.frame(snapshot, state) for snapshot in run)
    else:
        # A task carries a path and a position, never arrays; a fresh process has no threads.
        with ProcessPoolExecutor(
            min(workers, total), mp_context=get_context("spawn"), initializer=_one_thread
        ) as pool:
            tasks = [(str(run.path), index, analysis, state) for index in range(total)]
            size = max(1, total // (4 * workers))
            yield from count(pool.map(_frame_of, tasks, chunksize=size))


def _visits(run: Run, analysis: SequentialAnalysis, state: Any) -> Iterator[Tables]:
    memory = analysis.start(state)
    for snapshot in run:
        memory, frame = analysis.visit(memory, snapshot, state)
        yield frame


def _one_thread() -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


_runs: dict[str, Run] = {}


def _frame_of(task: tuple[str, int, Analysis, Any]) -> Tables:
    path, index, analysis, state = task
    if path not in _runs:
        _runs[path] = open_run(path)
    return analysis.frame(_runs[path][index], state)


def _read_cache(analysis: Analysis, paths: dict[str, Path], key: str) -> Tables | None:
    tables: Tables = {}
    for name, schema in analysis.schemas.items():
        try:
            tables[name], about = read_table(paths[name], schema)
        except TopolabError:
            return None
        if about.get("key") != key:
            return None
    return tables


def _write_cache(
    run: Run, analysis: Analysis, tables: Tables, paths: dict[str, Path], key: str
) -> dict[str, Path]:
    about = {
        "key": key,
        "analysis": analysis.name,
        "analysis_version": analysis.version,
        "parameters": analysis.parameters,
        "run": run.name,
        "run_identity": run.identity,
    }
    try:
        refuse_link(run.tables_folder)
        for name, schema in analysis.schemas.items():
            write_table(tables[name], paths[name], schema, about)
    except RunError:  # a read-only run is analysed all the same; it is only not remembered
        return {}
    return paths
