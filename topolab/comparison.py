"""Several runs side by side: means over seeds, and whether methods differ."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from topolab.analysis import Analysis, run_analysis
from topolab.api import check_workers, make_analyses, read_names
from topolab.errors import AnalysisError, ConfigError, RunError
from topolab.groups import differing_settings, label_runs, other_settings, updates_by_group
from topolab.paired_tests import GROUPS, PAIRS, group_means, paired_tests
from topolab.paths import read_path
from topolab.progress import Progress, progress_shown
from topolab.run import Run, RunLike, open_runs
from topolab.snapshot import ACCURACY
from topolab.tables import Column, check, write_table

__all__ = [
    "GROUPS",
    "PAIRS",
    "SETTINGS",
    "UPDATES",
    "VALUES",
    "Comparison",
    "compare",
    "differing_settings",
    "highlights_of",
]

VALUES = (
    Column("run", str, "1", "Name of the run."),
    Column("group", str, "1", "The settings it is grouped by."),
    Column("seed", int, "1", "Its seed."),
    Column("measure", str, "1", "analysis.column[key, ...] at the last step; or training.name."),
    Column("value", float, "of the measure", "NaN where the run has none."),
)  # fmt: skip
SETTINGS = (
    Column("setting", str, "1", "One that differs between groups and is none that makes them."),
    Column("group", str, "1", "As in the values."),
    Column("value", str, "1", "Of all runs of the group; - where they have no such setting."),
)
UPDATES = (
    Column("group", str, "1", "As in the values."),
    Column("fewest", int, "updates", "Of the run with the fewest: how often its masks changed."),
    Column("most", int, "updates", "Of the run with the most."),
)
_GROUP = Column("group", str, "1", "The settings it is grouped by.")
_REMARKS = ("reason", "note")


@dataclass(frozen=True)
class Comparison:
    """A comparison.

    Attributes
    ----------
    by : tuple of str
        The settings that make the groups.
    values, groups, pairs : DataFrame
        Columns as of `VALUES`, `GROUPS` and `PAIRS`.
    across : dict of str to DataFrame
        What an analysis says about all runs together, by its name.
    across_schemas : dict of str to tuple of Column
        The columns of these tables.
    pooled, pooled_schemas : dict of str to DataFrame, and to tuple of Column
        What the runs of a group say together, by the name of the analysis: one row a layer.
    statements : dict of str to tuple of str
        By analysis what these rows mean, a sentence each.
    differs : dict of str to dict of str to str
        Settings that differ between the groups beside those that make them, such as what methods
        do differently by default: their value in each group, "-" where it has none.
    updates : dict of str to (int, int)
        By group how often the masks of its runs changed from one snapshot to the next: the fewest
        and the most.
    highlights : tuple of str
        Patterns of the measures to print unless told otherwise: see `highlights_of`.
    verdicts : dict of str to tuple of str
        By analysis the columns of its table in `across` whose words are to be counted.
    """

    by: tuple[str, ...]
    values: pd.DataFrame
    groups: pd.DataFrame
    pairs: pd.DataFrame
    across: dict[str, pd.DataFrame]
    across_schemas: dict[str, tuple[Column, ...]]
    pooled: dict[str, pd.DataFrame]
    pooled_schemas: dict[str, tuple[Column, ...]]
    statements: dict[str, tuple[str, ...]]
    differs: dict[str, dict[str, str]]
    updates: dict[str, tuple[int, int]]
    highlights: tuple[str, ...]
    verdicts: dict[str, tuple[str, ...]]

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write every table as Parquet and CSV; returns the paths.

        Raises
        ------
        RunError
            If a file cannot be written.
        """
        target = read_path(folder, "folder", "give the folder to write to")
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{target}: the folder cannot be made ({error.strerror})") from error
        made = []
        about = {"by": list(self.by)}
        for name, table, schema in self._tables():
            write_table(table, target / f"{name}.parquet", schema, about)
            made.append(target / f"{name}.parquet")
            made.append(_csv(table, target / f"{name}.csv"))
        return made

    def _tables(self) -> Iterator[tuple[str, pd.DataFrame, tuple[Column, ...]]]:
        yield "values", self.values, VALUES
        yield "groups", self.groups, GROUPS
        yield "pairs", self.pairs, PAIRS
        settings = [
            (key, group, value)
            for key, values in self.differs.items()
            for group, value in values.items()
        ]
        yield "settings", pd.DataFrame(settings, columns=[c.name for c in SETTINGS]), SETTINGS
        updates = [(group, *counts) for group, counts in self.updates.items()]
        yield "updates", pd.DataFrame(updates, columns=[c.name for c in UPDATES]), UPDATES
        for name, table in self.across.items():
            yield name, table, self.across_schemas[name]
        for name, table in self.pooled.items():
            yield f"{name}_pooled", table, self.pooled_schemas[name]


def highlights_of(analyses: Iterable[Analysis]) -> tuple[str, ...]:
    """Patterns of the measures that are printed of a comparison unless told otherwise.

    The accuracy, where the training measured it, and what each analysis declares.

    Examples
    --------
    >>> from topolab.api import make_analysis
    >>> highlights_of([make_analysis("degree"), make_analysis("exploration")])
    ('training.test_accuracy', 'exploration.r_s[all]')
    """
    declared = (f"{a.name}.{pattern}" for a in analyses for pattern in a.highlights)
    return (f"training.{ACCURACY}", *declared)


def _csv(table: pd.DataFrame, path: Path) -> Path:
    from topolab.store.files import replace_with

    replace_with(path, lambda temporary: table.to_csv(temporary, index=False))
    return path


def compare(
    runs: RunLike | Sequence[RunLike],
    by: str | Iterable[str] | None = None,
    *,
    only: str | Iterable[str] | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int = 1,
    cache: bool = True,
    progress: Progress | bool | None = None,
) -> Comparison:
    """Compare groups of runs whose members differ only by their seed.

    Parameters
    ----------
    runs : Run or path, or a sequence of them
        At least two; a folder that is no run stands for the runs in it.
    by : str or sequence of str, optional
        Settings that make the groups, such as ``["method"]``; all that differ without it.
    only : str or sequence of str, optional
        Analyses whose measures are compared; without it all that have any and can answer.
    parameters : mapping of str to mapping, optional
        Per analysis its parameters.
    workers : int
        Processes for the analyses that are not in the cache.
    cache : bool
    progress : Progress, bool or None
        A function of (what, done, total, detail), False for silence, None for a bar where a person
        looks.

    Returns
    -------
    Comparison

    Raises
    ------
    ConfigError
        If there are fewer than two runs, a setting is unknown, a group's runs differ in more than
        their seed, or two of them have the same one.

    Notes
    -----
    A comparison is paired: the same seed gives the same first masks and the same order of the
    data. With n seeds the exact signed-rank test cannot give less than 2^(1 - n), which is 0.0625
    for five: the table says so in ``p_least``.

    Examples
    --------
    >>> import tempfile
    >>> from topolab import train
    >>> folder = tempfile.mkdtemp()
    >>> settings = {"data": "digits", "hidden": (16,), "epochs": 1, "update_every": 5}
    >>> made = [train(method, f"{folder}/{method}-{seed}", seed=seed, **settings)
    ...         for method in ("rigl", "set") for seed in (1, 2, 3)]
    >>> compared = compare(made, ["method"], only=["degree"])
    >>> compared.pairs[["a", "b", "n", "p_least"]].drop_duplicates().to_numpy().tolist()
    [['rigl', 'set', 3, 0.25]]
    """
    check_workers(workers)
    named = read_names(only, "only")
    settings = read_names(by, "by")
    analyses = _analyses(named, parameters)
    opened = open_runs(runs)
    if len(opened) < 2:
        raise ConfigError(f"{len(opened)} runs cannot be compared; at least two are needed")
    chosen = tuple(settings) if settings else tuple(differing_settings(opened))
    labels = label_runs(opened, chosen)
    tables: dict[str, dict[str, dict[str, pd.DataFrame]]] = {a.name: {} for a in analyses}
    unique = _unique_names(opened)
    records: list[dict[str, Any]] = []
    with progress_shown(progress) as tell:
        for run, name, label in zip(opened, unique, labels, strict=True):
            key = {"run": name, "group": label, "seed": run.seed if run.seed is not None else -1}
            measures = dict(_training(run))
            for analysis in analyses:
                try:
                    result = run_analysis(
                        run, analysis, workers=workers, cache=cache, progress=tell
                    )
                except AnalysisError:
                    if named is not None:
                        raise
                    continue  # not asked for by name, and nothing this run could answer
                tables[analysis.name][name] = result.tables
                measures.update(_headline(analysis, result.table))
            records += [{**key, "measure": m, "value": value} for m, value in measures.items()]
    values = check(pd.DataFrame(records), VALUES, name="values")
    across, schemas = {}, {}
    pooled: dict[str, pd.DataFrame] = {}
    statements: dict[str, tuple[str, ...]] = {}
    for analysis in analyses:
        of_runs = tables[analysis.name]
        found = analysis.across(of_runs) if of_runs else None
        if found is not None:
            group = found["run"].map(dict(zip(unique, labels, strict=True)))
            schema = (_GROUP, *analysis.across_columns())
            schemas[analysis.name] = schema
            across[analysis.name] = check(
                found.assign(group=group), schema, name=f"{analysis.name} across runs"
            )
            of_groups = analysis.pool(across[analysis.name])
            if of_groups is not None:
                pooled[analysis.name] = check(
                    of_groups, analysis.pooled_schema, name=f"{analysis.name} pooled over seeds"
                )
                statements[analysis.name] = analysis.statements(of_groups)
    return Comparison(
        chosen,
        values,
        group_means(values),
        paired_tests(values),
        across,
        schemas,
        pooled,
        {a.name: a.pooled_schema for a in analyses if a.name in pooled},
        statements,
        other_settings(opened, labels, chosen),
        updates_by_group(opened, labels),
        highlights_of(analyses),
        {a.name: a.verdicts for a in analyses if a.verdicts and a.name in across},
    )


def _analyses(
    only: Sequence[str] | None, parameters: Mapping[str, Mapping[str, Any]] | None
) -> list[Analysis]:
    made = make_analyses(only, parameters)
    silent = [a.name for a in made if not a.compares]
    if only is not None and silent:
        raise ConfigError(f"{', '.join(silent)} has no measures that could be compared")
    return [a for a in made if a.compares]


def _unique_names(runs: Sequence[Run]) -> list[str]:
    plain = [run.name for run in runs]
    if len(set(plain)) == len(plain):
        return plain
    return [str(run.path) for run in runs]


def _training(run: Run) -> Mapping[str, float]:
    """What the training itself measured: the last snapshot's metrics, the summary's numbers."""
    found = dict(run[-1].metrics) if len(run) else {}
    found.update({k: v for k, v in run.summary.items() if isinstance(v, (int, float))})
    return {
        f"training.{key}": float(value)
        for key, value in sorted(found.items())
        if not key.endswith("seconds") and not isinstance(value, bool)
    }


def _headline(analysis: Analysis, table: pd.DataFrame) -> dict[str, float]:
    rows = analysis.headline(table)
    schema = {column.name: column for column in analysis.schemas[analysis.name]}
    keys = [
        name
        for name, column in schema.items()
        if column.dtype is str and name not in _REMARKS and name not in analysis.words
    ]
    out = {}
    for _, row in rows.iterrows():
        where = ", ".join(str(row[key]) for key in keys)
        for column in analysis.compares:
            out[f"{analysis.name}.{column}[{where}]"] = float(row[column])
    return out
