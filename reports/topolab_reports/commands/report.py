"""``topolab report``: one HTML file about one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import AsJson, Quiet, emit_json

__all__ = ["report"]


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, or folders of runs.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    frames: Annotated[int, typer.Option(help="Moments the time slider shows, at the most.")] = 24,
    only: Annotated[
        str | None, typer.Option(help="Sections to show, separated by commas (default: all).")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes for analyses not yet computed.")] = 1,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a file that is no topolab report.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw runs side by side on one self-contained page.

    What is not analysed yet is analysed first. An older report of this name is replaced.
    """
    import topolab

    page = topolab.report(
        runs, out, title=title, frames=frames, workers=workers, force=force,
        only=None if only is None else [name.strip() for name in only.split(",")],
        progress=False if quiet or as_json else None,
    )  # fmt: skip
    if as_json:
        size = page.stat().st_size
        emit_json({"report": str(page), "bytes": size, "runs": [str(run) for run in runs]})
    else:
        typer.echo(str(page))
