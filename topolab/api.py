"""The short door: analyse by name. The command line is thin over it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from topolab.analysis import Analysis, Result, run_analysis
from topolab.errors import ConfigError
from topolab.registry import find, names
from topolab.run import Run, open_run

__all__ = ["analyse", "make_analysis"]


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
    known = [f.name for f in fields(cls)]
    unknown = sorted(set(parameters or {}) - set(known))
    if unknown:
        raise ConfigError(
            f"analysis {name} has no parameter {', '.join(unknown)}; "
            f"it has {', '.join(known) or 'none'}"
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


def analyse(
    run: Run | str | os.PathLike[str],
    only: Sequence[str] | None = None,
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    workers: int = 1,
    cache: bool = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Result]:
    """Analyse a run with every analysis there is, or some.

    Parameters
    ----------
    run : Run or path
    only : sequence of str, optional
        Names of analyses; all that are installed without it.
    parameters : mapping of str to mapping, optional
        Per analysis its parameters.
    workers : int
    cache : bool
    progress : callable, optional
        Called with (analysis, frames done, frames in all).

    Returns
    -------
    dict of str to Result

    Raises
    ------
    ConfigError
        For an unknown analysis or parameter, before anything is computed.

    Examples
    --------
    >>> results = analyse(getfixture("example_run"), ["degree"])
    >>> results["degree"].table["ccv"].ge(0).all()
    np.True_
    """
    opened = run if isinstance(run, Run) else open_run(run)
    chosen = list(only) if only is not None else names("analyses")
    stray = sorted(set(parameters or {}) - set(chosen))
    if stray:
        raise ConfigError(
            f"parameters for {', '.join(stray)}, which is not among the analyses asked for"
        )
    analyses = [make_analysis(name, (parameters or {}).get(name)) for name in chosen]
    results = {}
    for analysis in analyses:
        tick: Callable[[int, int], None] | None = None
        if progress is not None:
            tick = _bind(progress, analysis.name)
        results[analysis.name] = run_analysis(
            opened, analysis, workers=workers, cache=cache, progress=tick
        )
    return results


def _bind(progress: Callable[[str, int, int], None], name: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(name, done, total)
