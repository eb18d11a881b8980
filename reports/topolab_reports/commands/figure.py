"""``topolab figure`` and ``topolab figures``: one figure as a file, and which there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import AsJson, Quiet, complete, emit_json, note, table

__all__ = ["figure", "figures"]


def figure(
    name: Annotated[
        str,
        typer.Argument(
            help="Name of a figure, see topolab figures.",
            autocompletion=complete("figures"),
            show_default=False,
        ),
    ],
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, or folders of runs.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write: pdf, svg or png (default: NAME.pdf).")
    ] = None,
    step: Annotated[
        int | None, typer.Option(help="Moment of a figure that shows one (default: the last).")
    ] = None,
    columns: Annotated[int | None, typer.Option(help="Panels beside each other.")] = None,
    dpi: Annotated[int, typer.Option(help="Resolution of pixels.")] = 300,
    workers: Annotated[int, typer.Option(help="Processes for analyses not yet computed.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw one figure of one or several runs, ready for a paper.

    What is not analysed yet is analysed first.
    """
    import topolab
    from topolab.progress import progress_shown

    remark = ""
    with progress_shown(False if quiet or as_json else None) as tell:

        def follow(what: str, done: int, total: int | None, detail: str = "") -> None:
            nonlocal remark
            tell(what, done, total, detail)
            if done == total:  # the last report says what is not drawn
                remark = detail

        path = topolab.figure(
            name, runs, out, step=step, columns=columns, dpi=dpi, workers=workers, force=force,
            progress=follow,
        )  # fmt: skip
    if as_json:
        emit_json({"figure": name, "file": str(path), "bytes": path.stat().st_size,
                   "runs": [str(run) for run in runs]})  # fmt: skip
        return
    if remark:
        note(remark, quiet=quiet)
    typer.echo(str(path))


def figures(as_json: AsJson = False) -> None:
    """List the figures: what each draws, the analyses it needs, its counterpart in a paper."""
    import topolab

    known = topolab.figures()
    if as_json:
        emit_json(known)
        return
    rows = [
        [name, facts["title"], ", ".join(facts["needs"]), facts["source"]]
        for name, facts in known.items()
    ]
    table(["figure", "draws", "needs", "counterpart of"], rows)
