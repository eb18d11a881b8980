"""``topolab analyse``: compute, or read, the tables of runs."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from topolab.cli.common import AsJson, Quiet, complete, emit_json, failures, names_of, note, table
from topolab.errors import ConfigError, TopolabError

if TYPE_CHECKING:
    from topolab.api import Results
    from topolab.run import Run

__all__ = ["analyse", "parse_parameters"]


def analyse(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, or folders of runs.", show_default=False)
    ],
    only: Annotated[
        str | None,
        typer.Option(
            help="Analyses, separated by commas (default: all).",
            autocompletion=complete("analyses"),
        ),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--parameter",
            help="ANALYSIS.NAME=VALUE, such as powerlaw.x_min=50; can be repeated.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    cache: Annotated[
        bool, typer.Option(" /--no-cache", help="Compute again, and keep nothing.")
    ] = True,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Analyse every snapshot of a run and keep the tables beside it.

    An analysis asked for twice is computed once; changing a parameter or the run computes again.
    """
    given = parse_parameters(parameters or [])
    from topolab.api import analyse as analyse_runs

    found = analyse_runs(
        runs, names_of(only, "only", "analysis"), parameters=given, workers=workers, cache=cache,
        on_error="skip", progress=False if quiet or as_json else None,
    )  # fmt: skip
    done = [line for run, results in found.items() for line in _tables(run, results)]
    if as_json:
        emit_json(done)
    elif done:
        table(
            ("run", "analysis", "rows", "", "table"),
            [
                (item["run"], item["analysis"], str(item["rows"]),
                 "from cache" if item["cached"] else "computed", item["path"] or "-")
                for item in done
            ],
        )  # fmt: skip
    failures(*_skipped(found))
    if not as_json:
        for said in _statements(found):
            note(said, quiet=quiet)
        note(f"Next: topolab report {' '.join(map(str, runs))} --out report.html", quiet=quiet)


def _tables(run: Run, results: Results) -> list[dict[str, Any]]:
    """A line per table."""
    return [
        {
            "run": str(run.path),
            "analysis": name,
            "table": table_name,
            "rows": len(frame),
            "columns": list(frame.columns),
            "cached": result.cached,
            "path": str(result.paths[table_name]) if table_name in result.paths else None,
        }
        for name, result in results.items()
        for table_name, frame in result.tables.items()
    ]


def _statements(found: Mapping[Run, Results]) -> list[str]:
    """What the tables mean, where an analysis says it."""
    return [
        f"{run.name}, {said}" if len(found) > 1 else said
        for run, results in found.items()
        for result in results.values()
        for said in result.analysis.statements(result.table)
    ]


def _skipped(found: Mapping[Run, Results]) -> tuple[list[tuple[str, TopolabError]], int]:
    """What was left out, and of how many; one entry where all failed for one reason."""
    skipped = [
        (f"{run.path}: {name}", error)
        for run, results in found.items()
        for name, error in results.skipped.items()
    ]
    asked = sum(len(results) + len(results.skipped) for results in found.values())
    if len(skipped) == asked and len({str(error) for _, error in skipped}) == 1:
        return skipped[:1], 1
    return skipped, asked


def parse_parameters(given: Sequence[str]) -> dict[str, dict[str, Any]]:
    """``["powerlaw.x_min=50"]`` as ``{"powerlaw": {"x_min": 50}}``.

    Raises
    ------
    ConfigError
        If one has another form.

    Examples
    --------
    >>> parse_parameters(["powerlaw.x_min=50", "dormant.thresholds=5,10", "kendall.direction=in"])
    {'powerlaw': {'x_min': 50}, 'dormant': {'thresholds': (5, 10)}, 'kendall': {'direction': 'in'}}
    """
    out: dict[str, dict[str, Any]] = {}
    for item in given:
        key, equals, text = item.partition("=")
        analysis, dot, name = key.partition(".")
        if not (equals and dot and analysis and name and text):
            raise ConfigError(f"-p {item!r}: write ANALYSIS.NAME=VALUE, such as powerlaw.x_min=50")
        value: Any
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            value = {"true": True, "false": False, "none": None}.get(text.lower(), text)
        out.setdefault(analysis, {})[name] = value
    return out
