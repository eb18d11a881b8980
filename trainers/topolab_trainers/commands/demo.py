"""``topolab demo``: the main job on embedded data, from training to report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import Quiet, note
from topolab.progress import progress_shown
from topolab_trainers.commands.notes import interruption, with_notes

__all__ = ["demo"]


def demo(
    out: Annotated[Path, typer.Option(help="Folder for runs and report.")] = Path("demo"),
    quiet: Quiet = False,
) -> None:
    """Train RigL and SET on embedded data, analyse both, write a report; print its path last.

    What an earlier demo finished in the same folder is used again.
    """
    from topolab_trainers.demo import demo as make_demo

    with (
        interruption(lambda _: "the same command"),
        progress_shown(False if quiet else None) as bar,
    ):
        page = make_demo(out, progress=with_notes(bar, quiet))
    note("Open the report in a browser:", quiet=quiet)
    typer.echo(str(page.resolve()))
