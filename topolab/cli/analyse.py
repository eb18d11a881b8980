"""``topolab analyse``: compute, or read, the tables of a run."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from topolab.cli.common import (
    AsJson,
    Quiet,
    complete,
    emit_json,
    failures,
    known_name,
    note,
    progress_bar,
    table,
)

if TYPE_CHECKING:
    from topolab.errors import TopolabError

__all__ = ["analyse", "analyse_run", "parse_parameters"]


def analyse(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", show_default=False)],
    only: Annotated[
        str | None,
        typer.Option(
            help="Analyses, separated by commas (default: all).",
            autocompletion=complete("analyses"),
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--parameter",
            help="ANALYSIS.NAME=VALUE, such as powerlaw.x_min=50; can be repeated.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Compute again, and keep nothing.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Analyse every snapshot of a run and keep the tables beside it.

    An analysis asked for twice is computed once; changing a parameter or the run computes again.
    """
    from topolab.api import make_analysis
    from topolab.errors import TopolabError
    from topolab.registry import names as names_of

    names = None if only is None else [name.strip() for name in only.split(",") if name.strip()]
    for name in names or ():
        known_name("analyses", name)
    parameters = parse_parameters(parameter or [])
    for name in parameters:
        known_name("analyses", name)
    wanted = names if names is not None else names_of("analyses")
    for name in wanted:
        make_analysis(name, parameters.get(name))  # a wrong parameter is found before any work
    failed: list[tuple[str, TopolabError]] = []
    unable: dict[str, TopolabError] = {}
    done: list[dict[str, Any]] = []
    for path in runs:
        try:
            done += analyse_run(
                path,
                names,
                parameters,
                workers=workers,
                cache=not no_cache,
                quiet=quiet or as_json,
                unable=unable,
            )
        except TopolabError as error:
            failed.append((str(path), error))
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
    if failed and len(runs) == 1:
        raise failed[0][1]
    failures([*failed, *unable.items()], len(runs) * len(wanted))
    if not as_json:
        note(f"Next: topolab report {' '.join(map(str, runs))} --out report.html", quiet=quiet)


def analyse_run(
    path: Path,
    names: Sequence[str] | None,
    parameters: dict[str, dict[str, Any]],
    *,
    workers: int,
    cache: bool,
    quiet: bool,
    unable: dict[str, TopolabError],
) -> list[dict[str, Any]]:
    """Analyse one run with a progress bar; a line per table.

    Of several analyses one that cannot answer for this run is put into `unable`; the rest is done.
    """
    from topolab.api import analyse as analyse_by_name
    from topolab.errors import AnalysisError, ConfigError
    from topolab.registry import names as names_of
    from topolab.run import open_run

    stray = sorted(set(parameters) - set(names)) if names is not None else []
    if stray:
        raise ConfigError(
            f"parameters for {', '.join(stray)}, which is not among the analyses asked for"
        )

    run = open_run(path)
    with progress_bar(quiet=quiet) as bar:
        tasks: dict[str, Any] = {}

        def tick(name: str, frames: int, total: int) -> None:
            if bar is None:
                return
            if name not in tasks:
                tasks[name] = bar.add_task(f"{run.name}: {name}", total=total, detail="")
            bar.update(tasks[name], completed=frames)

        results: dict[str, Any] = {}
        for name in names if names is not None else names_of("analyses"):
            try:
                results |= analyse_by_name(
                    run,
                    [name],
                    parameters={name: parameters[name]} if name in parameters else None,
                    workers=workers,
                    cache=cache,
                    progress=tick,
                )
            except AnalysisError as error:
                if names is not None and len(names) == 1:
                    raise
                unable[f"{path}: {name}"] = error
    return [
        {
            "run": str(path),
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
    from topolab.errors import ConfigError

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
