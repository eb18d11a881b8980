"""The short door: analyse by name, one run or several."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, overload

from topolab.analysis import Analysis, Result, run_analysis
from topolab.errors import (
    ConfigError,
    FormatVersionError,
    RunError,
    SnapshotError,
    TopolabError,
)
from topolab.progress import Progress, progress_shown
from topolab.registry import check_name, find, load_all
from topolab.run import Run, RunLike, is_one_run, open_runs

__all__ = ["Results", "analyse", "check_workers", "make_analyses", "make_analysis", "read_names"]


def make_analysis(name: str, parameters: Mapping[str, Any] | None = None) -> Analysis:
    """An analysis by name, with parameters.

    Raises
    ------
    ConfigError
        If there is no such analysis, or it has no such parameter.

    Examples
    --------
    >>> make_analysis("powerlaw", {"x_min": 50}).parameters["x_min"]
    50
    """
    cls = find("analyses", name)
    there = [f.name for f in fields(cls)]
    if parameters is not None and not isinstance(parameters, Mapping):
        raise ConfigError(
            f"parameters of {name}: names with values were expected, and not {parameters!r}"
        )
    unknown = sorted(set(map(str, parameters or {})) - set(there))
    if unknown:
        raise ConfigError(
            f"analysis {name} has no parameter {', '.join(unknown)}; "
            f"it has {', '.join(there) or 'none'}"
        )
    given = {key: _of_type(name, key, value, cls.defaults()[key])
             for key, value in (parameters or {}).items()}  # fmt: skip
    made: Analysis = cls(**given)
    return made


def _of_type(analysis: str, key: str, value: Any, default: Any) -> Any:
    """A parameter as the type of its default."""
    wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "a word",
              tuple: "a list of numbers"}.get(type(default), "")  # fmt: skip
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        value = value.tolist()
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(default, tuple):
        items = value if isinstance(value, (tuple, list)) else (value,)
        whole = all(isinstance(d, int) for d in default)
        fits = len(items) > 0 and len(set(items)) == len(items) and all(
            isinstance(i, (int, float)) and not isinstance(i, bool) and math.isfinite(i)
            and (not whole or i == int(i)) for i in items
        )  # fmt: skip
        value = tuple(int(i) if whole else float(i) for i in items) if fits else value
    elif isinstance(default, (bool, str)):
        fits = isinstance(value, type(default))
    elif isinstance(default, int):
        fits = number and abs(value) <= 2**53 and value == int(value)
        value = int(value) if fits else value
    elif isinstance(default, float):
        fits = number and math.isfinite(value)
        value = float(value) if fits else value
    else:
        fits = True
    if not fits:
        raise ConfigError(f"{analysis}.{key} = {value!r} is not {wanted}")
    if key == "seed" and value < 0:
        raise ConfigError(f"{analysis}.seed = {value} must not be below 0")
    return value


class Results(dict[str, Result]):
    """The results of one run, by analysis.

    Attributes
    ----------
    skipped : dict of str to TopolabError
        Why an analysis has no result; empty unless ``on_error="skip"`` was asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.skipped: dict[str, TopolabError] = {}


def read_names(given: str | Iterable[str] | None, what: str) -> list[str] | None:
    """Names as a list: one, several, or None where none were given.

    Raises
    ------
    ConfigError
        If it is something else.

    Examples
    --------
    >>> read_names("degree", "only"), read_names(("degree", "paths"), "only")
    (['degree'], ['degree', 'paths'])
    """
    if given is None:
        return None
    if isinstance(given, str):
        return [given]
    several = list(given) if isinstance(given, Iterable) else [given]
    if not all(isinstance(name, str) for name in several):
        raise ConfigError(f"{what} {given!r}: a name, or a list of names, was expected")
    return several


def check_workers(workers: int) -> None:
    """Refuse a number of processes that cannot be.

    Raises
    ------
    ConfigError
        If it is below 1, or no whole number.
    """
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise ConfigError(f"workers {workers!r}: at least one process is needed")


def make_analyses(
    only: str | Iterable[str] | None, parameters: Mapping[str, Mapping[str, Any]] | None
) -> list[Analysis]:
    """The analyses that were asked for, with their parameters; all there are for None.

    Raises
    ------
    ConfigError
        For an unknown analysis or parameter.

    Examples
    --------
    >>> [analysis.name for analysis in make_analyses(["degree", "paths"], None)]
    ['degree', 'paths']
    """
    chosen = read_names(only, "only")
    for name in chosen or ():
        check_name("analyses", name)
    if parameters is not None and not isinstance(parameters, Mapping):
        raise ConfigError(
            "parameters: analyses with their parameters were expected, such as "
            f"{{'powerlaw': {{'x_min': 50}}}}, and not {parameters!r}"
        )
    for name in parameters or ():
        find("analyses", name)
    chosen = list(load_all("analyses")) if chosen is None else list(dict.fromkeys(chosen))
    stray = sorted(set(parameters or {}) - set(chosen))
    if stray:
        raise ConfigError(
            f"parameters for {', '.join(stray)}, which is not among the analyses asked for"
        )
    return [make_analysis(name, (parameters or {}).get(name)) for name in chosen]


@overload
def analyse(
    runs: Run,
    only: str | Iterable[str] | None = None,
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int = 1,
    cache: bool = True,
    on_error: Literal["raise", "skip"] = "raise",
    progress: Progress | bool | None = None,
) -> Results: ...
@overload
def analyse(
    runs: Sequence[RunLike],
    only: str | Iterable[str] | None = None,
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int = 1,
    cache: bool = True,
    on_error: Literal["raise", "skip"] = "raise",
    progress: Progress | bool | None = None,
) -> dict[Run, Results]: ...
# A path may be that of a run, or of a folder of runs.
@overload
def analyse(
    runs: str | os.PathLike[str],
    only: str | Iterable[str] | None = None,
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int = 1,
    cache: bool = True,
    on_error: Literal["raise", "skip"] = "raise",
    progress: Progress | bool | None = None,
) -> Any: ...
def analyse(
    runs: RunLike | Sequence[RunLike],
    only: str | Iterable[str] | None = None,
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int = 1,
    cache: bool = True,
    on_error: Literal["raise", "skip"] = "raise",
    progress: Progress | bool | None = None,
) -> Results | dict[Run, Results]:
    """Analyse one run or several with every analysis there is, or some.

    Parameters
    ----------
    runs : Run or path, or a sequence of them
        A folder that is no run stands for the runs in it.
    only : str or sequence of str, optional
        Names of analyses; all that are installed without it.
    parameters : mapping of str to mapping, optional
        Per analysis its parameters.
    workers : int
        Processes; the tables are the same for any number.
    cache : bool
        Keep the tables beside the run, and use those that are there.
    on_error : {"raise", "skip"}
        What happens when an analysis cannot answer for a run, or a snapshot is damaged: stop with
        the error, or go on and say in ``skipped`` what has no result and why. A wrong request is
        an error in any case.
    progress : Progress, bool or None
        A function of (what, done, total, detail), False for silence, None for a bar where a person
        looks.

    Returns
    -------
    Results or dict of Run to Results
        Of one run its results by analysis; of a sequence or a folder of runs these for each run.

    Raises
    ------
    ConfigError
        For an unknown analysis or parameter, before anything is computed.
    RunError
        If one of the runs is none, before anything is computed.
    AnalysisError
        If a run cannot answer.
    SnapshotError
        If a snapshot is damaged.

    Examples
    --------
    >>> run = getfixture("example_run")
    >>> results = analyse(run, ["degree"])
    >>> results["degree"].table["ccv"].ge(0).all()
    np.True_
    >>> several = analyse([run, run.path], "degree", on_error="skip")
    >>> list(several) == [run], several[run]["degree"].cached, several[run].skipped
    (True, True, {})
    """
    if on_error not in ("raise", "skip"):
        raise ConfigError(f"on_error {on_error!r}: give raise or skip")
    check_workers(workers)
    analyses = make_analyses(only, parameters)
    opened = open_runs(runs)
    with progress_shown(progress) as tell:
        found = {
            run: _analyse_run(run, analyses, workers, cache, tell, skip=on_error == "skip")
            for run in dict.fromkeys(opened)
        }
    return found[opened[0]] if is_one_run(runs) else found


def _analyse_run(
    run: Run, analyses: Sequence[Analysis], workers: int, cache: bool, tell: Progress, *, skip: bool
) -> Results:
    results = Results()
    for position, analysis in enumerate(analyses):
        try:
            results[analysis.name] = run_analysis(
                run, analysis, workers=workers, cache=cache, progress=tell
            )
        except (FormatVersionError, RunError, SnapshotError) as error:
            if not skip:
                raise
            # The other analyses would read the same snapshots.
            results.skipped |= {a.name: error for a in analyses[position:]}
            break
        except TopolabError as error:
            if not skip:
                raise
            results.skipped[analysis.name] = error
    return results
