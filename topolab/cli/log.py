"""``topolab log``: the topology curves of runs, into an experiment tracker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import AsJson, Quiet, complete, emit_json, note
from topolab.registry import names

__all__ = ["log"]


def log(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", show_default=False)],
    to: Annotated[
        str,
        typer.Option(
            help=f"The tracker: {', '.join(names('trackers'))}.",
            show_default=False,
            autocompletion=complete("trackers"),
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("curves"),
    project: Annotated[
        str,
        typer.Option(help="What the tracker gathers runs under (a project, an experiment)."),
    ] = "topolab",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write density, fan-in CCV, Gini, highest core and metrics of every snapshot.

    Everything stays on this machine, in --out; what is said at the end shows it, or sends it.
    """
    import topolab

    progress = False if quiet or as_json else None
    written = topolab.log(runs, to, out=out, project=project, progress=progress)
    if as_json:
        emit_json(
            [
                {"run": run, "snapshots": count, "to": written.tracker, "out": written.out}
                for run, count in written.snapshots.items()
            ]
        )
        return
    typer.echo(str(written.out))
    note(f"Next: {written.look}", quiet=quiet)
