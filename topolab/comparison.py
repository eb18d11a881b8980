"""Several runs side by side: means over seeds, and whether methods differ."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from topolab.analysis import Analysis, run_analysis
from topolab.api import make_analysis
from topolab.errors import AnalysisError, ConfigError
from topolab.registry import names
from topolab.run import Run, open_run
from topolab.snapshot import ACCURACY
from topolab.tables import Column, check, write_table

__all__ = ["GROUPS", "PAIRS", "VALUES", "Comparison", "compare", "differing", "highlights_of"]

VALUES = (
    Column("run", str, "1", "Name of the run."),
    Column("group", str, "1", "The settings it is grouped by."),
    Column("seed", int, "1", "Its seed."),
    Column("measure", str, "1", "analysis.column[key, ...] at the last step; or training.name."),
    Column("value", float, "of the measure", "NaN where the run has none."),
)  # fmt: skip
GROUPS = (
    Column("measure", str, "1", "As in the values."),
    Column("group", str, "1", "The settings its runs have in common."),
    Column("n", int, "runs", "Runs with a value."),
    Column("mean", float, "of the measure", "Over these runs."),
    Column("std", float, "of the measure", "Sample standard deviation."),
    Column("low", float, "of the measure", "Lower end of Student's 95 % interval of the mean."),
    Column("high", float, "of the measure", "Upper end."),
    Column("reason", str, "1", "Why there is no interval; empty where there is one."),
)
PAIRS = (
    Column("measure", str, "1", "As in the values."),
    Column("a", str, "1", "One group."),
    Column("b", str, "1", "The other."),
    Column("n", int, "seeds", "Seeds with a value in both."),
    Column("difference", float, "of the measure", "Mean over seeds of a - b."),
    Column("cohen_d", float, "1", "That over the standard deviation of the differences."),
    Column("p_value", float, "1", "Wilcoxon's signed-rank test, two-sided, exact where it can be."),
    Column("p_holm", float, "1", "Adjusted over all pairs of groups of the same measure."),
    Column("p_least", float, "1", "The smallest p-value that so many seeds can give."),
    Column("reason", str, "1", "Why there is no test; empty where there is one."),
)
# What says nothing about the method: where, with how many threads, and the seed itself.
_IGNORED = ("seed", "device", "threads", "engine", "record", "data_dir")
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
    highlights: tuple[str, ...]
    verdicts: dict[str, tuple[str, ...]]

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write every table as Parquet and CSV; returns the paths.

        Raises
        ------
        RunError
            If a file cannot be written.
        """
        from topolab.errors import RunError

        target = Path(folder)
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"{target}: the folder cannot be made ({error.strerror})") from error
        made = []
        about = {"by": list(self.by)}
        for name, table, schema in (
            ("values", self.values, VALUES),
            ("groups", self.groups, GROUPS),
            ("pairs", self.pairs, PAIRS),
        ):
            write_table(table, target / f"{name}.parquet", schema, about)
            made.append(target / f"{name}.parquet")
            made.append(_csv(table, target / f"{name}.csv"))
        for name, table in self.across.items():
            made.append(_csv(table, target / f"{name}.csv"))
        return made


def highlights_of(analyses: Iterable[Analysis]) -> tuple[str, ...]:
    """Patterns of the measures that are printed of a comparison unless told otherwise.

    The accuracy, where the training measured it, and what each analysis declares.

    Examples
    --------
    >>> highlights_of([make_analysis("degree"), make_analysis("exploration")])
    ('training.test_accuracy', 'exploration.r_s[all]')
    """
    declared = (f"{a.name}.{pattern}" for a in analyses for pattern in a.highlights)
    return (f"training.{ACCURACY}", *declared)


def _csv(table: pd.DataFrame, path: Path) -> Path:
    from topolab.store.files import replace_with

    replace_with(path, lambda temporary: table.to_csv(temporary, index=False))
    return path


def differing(runs: Sequence[Run]) -> list[str]:
    """The settings in which runs differ, other than the seed and where they were trained."""
    keys = sorted({key for run in runs for key in run.config} - set(_IGNORED))
    return [key for key in keys if len({_text(run.config.get(key)) for run in runs}) > 1]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def compare(
    runs: Sequence[Run | str | os.PathLike[str]],
    by: Sequence[str] | None = None,
    *,
    only: Sequence[str] | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int = 1,
    cache: bool = True,
    progress: Callable[[str, str, int, int], None] | None = None,
) -> Comparison:
    """Compare groups of runs whose members differ only by their seed.

    Parameters
    ----------
    runs : sequence of Run or path
        At least two.
    by : sequence of str, optional
        Settings that make the groups, such as ``["method"]``; all that differ without it.
    only : sequence of str, optional
        Analyses whose measures are compared; without it all that have any and can answer.
    parameters : mapping of str to mapping, optional
        Per analysis its parameters.
    workers : int
        Processes for the analyses that are not in the cache.
    cache : bool
    progress : callable, optional
        Called with (run, analysis, frames done, frames in all).

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
    opened = [run if isinstance(run, Run) else open_run(run) for run in runs]
    if len(opened) < 2:
        raise ConfigError(f"{len(opened)} runs cannot be compared; at least two are needed")
    chosen = tuple(by) if by else tuple(differing(opened))
    labels = _labels(opened, chosen)
    analyses = _analyses(only, parameters)
    tables: dict[str, dict[str, dict[str, pd.DataFrame]]] = {a.name: {} for a in analyses}
    unique = _unique_names(opened)
    records: list[dict[str, Any]] = []
    for run, name, label in zip(opened, unique, labels, strict=True):
        key = {"run": name, "group": label, "seed": run.seed if run.seed is not None else -1}
        measures = dict(_training(run))
        for analysis in analyses:
            tick: Callable[[int, int], None] | None = None
            if progress is not None:
                tick = _bind(progress, name, analysis.name)
            try:
                result = run_analysis(run, analysis, workers=workers, cache=cache, progress=tick)
            except AnalysisError:
                if only is not None:
                    raise
                continue  # not asked for by name, and nothing this run could answer
            tables[analysis.name][name] = result.tables
            measures.update(_headline(analysis, result.table))
        records += [{**key, "measure": m, "value": value} for m, value in measures.items()]
    values = check(pd.DataFrame(records), VALUES, name="values")
    across = {}
    for analysis in analyses:
        of_runs = tables[analysis.name]
        found = analysis.across(of_runs) if of_runs else None
        if found is not None:
            found.insert(0, "group", found["run"].map(dict(zip(unique, labels, strict=True))))
            across[analysis.name] = found
    return Comparison(
        chosen,
        values,
        _groups(values),
        _pairs(values),
        across,
        highlights_of(analyses),
        {a.name: a.verdicts for a in analyses if a.verdicts and a.name in across},
    )


def _bind(
    progress: Callable[[str, str, int, int], None], run: str, analysis: str
) -> Callable[[int, int], None]:
    return lambda done, total: progress(run, analysis, done, total)


def _analyses(
    only: Sequence[str] | None, parameters: Mapping[str, Mapping[str, Any]] | None
) -> list[Analysis]:
    wanted = list(only) if only is not None else names("analyses")
    stray = sorted(set(parameters or {}) - set(wanted))
    if stray:
        raise ConfigError(
            f"parameters for {', '.join(stray)}, which is not among the analyses asked for"
        )
    made = [make_analysis(name, (parameters or {}).get(name)) for name in wanted]
    silent = [a.name for a in made if not a.compares]
    if only is not None and silent:
        raise ConfigError(f"{', '.join(silent)} has no measures that could be compared")
    return [a for a in made if a.compares]


def _labels(runs: Sequence[Run], by: Sequence[str]) -> list[str]:
    known = sorted({key for run in runs for key in run.config})
    unknown = [key for key in by if key not in known]
    if unknown:
        raise ConfigError(
            f"no run has a setting {', '.join(unknown)}; they have {', '.join(known) or 'none'}"
        )
    labels = []
    for run in runs:
        parts = [_text(run.config.get(key)) for key in by]
        labels.append(
            parts[0] if len(parts) == 1
            else ", ".join(f"{k}={v}" for k, v in zip(by, parts, strict=True)) or "all"
        )  # fmt: skip
    for label in dict.fromkeys(labels):
        members = [run for run, of in zip(runs, labels, strict=True) if of == label]
        other = differing(members)
        if other:
            raise ConfigError(
                f"the runs of {label} differ in more than their seed: {', '.join(other)}; "
                f"group by these too: --by {','.join([*by, *other])}"
            )
        shapes = {tuple((layer.name, layer.shape) for layer in run.layers) for run in members}
        sets = {str(run.data.get("sha256") or run.data.get("name")) for run in members}
        for what, found in (("networks", shapes), ("data sets", sets)):
            if len(found) > 1:
                raise ConfigError(f"the runs of {label} have different {what}: compare them apart")
        seeds = [run.seed for run in members]
        if len(seeds) > 1 and None in seeds:
            raise ConfigError(
                f"a run of {label} has no seed in its manifest, and only by that may the runs of a "
                "group differ"
            )
        twice = sorted({str(s) for s in seeds if seeds.count(s) > 1})
        if twice:
            raise ConfigError(f"two runs of {label} have the seed {', '.join(twice)}")
    return labels


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


def _groups(values: pd.DataFrame) -> pd.DataFrame:
    from scipy.stats import t as student

    records = []
    for (measure, group), part in values.groupby(["measure", "group"], sort=False):
        known = part["value"].to_numpy()
        known = known[np.isfinite(known)]
        n = len(known)
        mean = float(known.mean()) if n else math.nan
        std = float(known.std(ddof=1)) if n > 1 else math.nan
        half = float(student.ppf(0.975, n - 1)) * std / math.sqrt(n) if n > 1 else math.nan
        reason = "" if n > 1 else "no run has a value" if not n else "a single run"
        records.append(
            {
                "measure": measure,
                "group": group,
                "n": n,
                "mean": mean,
                "std": std,
                "low": mean - half,
                "high": mean + half,
                "reason": reason,
            }
        )
    return check(pd.DataFrame(records, columns=[c.name for c in GROUPS]), GROUPS, name="groups")


def _pairs(values: pd.DataFrame) -> pd.DataFrame:
    from statsmodels.stats.multitest import multipletests

    records: list[dict[str, Any]] = []
    groups = list(dict.fromkeys(values["group"]))
    for measure, part in values.groupby("measure", sort=False):
        wide = part.pivot(index="seed", columns="group", values="value")
        of_measure = [
            {"measure": measure, "a": a, "b": b, **_test(wide, a, b)}
            for a, b in combinations([g for g in groups if g in wide], 2)
        ]
        p = np.array([row["p_value"] for row in of_measure], dtype=np.float64)
        adjusted = np.full(len(p), math.nan)
        if np.isfinite(p).any():
            adjusted[np.isfinite(p)] = multipletests(p[np.isfinite(p)], method="holm")[1]
        for row, q in zip(of_measure, adjusted, strict=True):
            records.append({**row, "p_holm": q})
    return check(pd.DataFrame(records, columns=[c.name for c in PAIRS]), PAIRS, name="pairs")


def _test(wide: pd.DataFrame, a: str, b: str) -> dict[str, Any]:
    from scipy.stats import PermutationMethod, wilcoxon

    nan = math.nan
    difference = (wide[a] - wide[b]).to_numpy(dtype=np.float64)
    difference = difference[np.isfinite(difference)]
    n = len(difference)
    out: dict[str, Any] = {
        "n": n,
        "difference": float(difference.mean()) if n else nan,
        "cohen_d": nan,
        "p_value": nan,
        "p_least": 2.0 ** (1 - n) if n else nan,
        "reason": "",
    }
    if n < 2:
        return {**out, "reason": f"{n} seeds with a value in both groups"}
    if not np.abs(difference).max() > 0:
        return {**out, "reason": "no difference with any seed"}
    spread = float(difference.std(ddof=1))
    if spread > 1e-12 * abs(out["difference"]):
        out["cohen_d"] = out["difference"] / spread
    # Differences that are equal but for rounding are ties, and ties change the distribution: with
    # few seeds all signs are gone through.
    level = np.round(difference / np.abs(difference).max(), 9)
    method: Any = "approx"
    if n <= 13:
        method = PermutationMethod(n_resamples=2**14)
    elif n <= 50 and len(np.unique(np.abs(level))) == n and (level != 0).all():
        method = "exact"
    out["p_value"] = float(wilcoxon(level, method=method).pvalue)
    return out
