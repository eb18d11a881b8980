"""``topolab verify``: is every byte of a run as it was written?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import AsJson, Quiet, emit_json, note, printable

__all__ = ["verify"]


def verify(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, or folders of runs.", show_default=False)
    ],
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Read every snapshot, check its SHA-256 and its place; name every damaged file.

    Exit code 0 if all is well, 3 if a file is damaged or missing.
    """
    from topolab.run import verify as verify_runs

    outcomes = verify_runs(runs).values()
    if as_json:
        emit_json(
            [
                {
                    "run": str(o.path),
                    "ok": o.ok,
                    "checked": o.checked,
                    "problems": [{"file": p.file, "message": p.message} for p in o.problems],
                }
                for o in outcomes
            ]
        )
    else:
        for outcome in outcomes:
            for problem in outcome.problems:
                typer.echo(printable(f"{problem.file}: {problem.message}"))
            if outcome.ok:
                note(f"{outcome.path}: {outcome.checked} snapshots, all well", quiet=quiet)
    if not all(outcome.ok for outcome in outcomes):
        raise typer.Exit(3)
