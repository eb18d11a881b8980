"""``topolab figure`` and ``topolab figures``: one figure as a file, and which there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import AsJson, Quiet, complete, emit_json, known_name, note, table

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
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", show_default=False)],
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
    from topolab.errors import ConfigError
    from topolab.run import open_run
    from topolab_reports.one import draw_figure

    known_name("figures", name)
    opened = [open_run(path) for path in runs]
    path = Path(f"{name}.pdf") if out is None else out
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; give the file to write, such as {path}/{name}.pdf")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}; make it first")
    if path.exists() and not force:
        raise ConfigError(f"{path}: is there already; choose another --out, or --force")
    for option, value in (("--columns", columns), ("--dpi", dpi), ("--workers", workers)):
        if value is not None and value < 1:
            raise ConfigError(f"{option} {value}: at least 1 is needed")
    draw_figure(
        opened, name, path, step=step, columns=columns, dpi=dpi, workers=workers,
        progress=lambda what: note(what, quiet=quiet or as_json),
    )  # fmt: skip
    if as_json:
        emit_json({"figure": name, "file": str(path), "bytes": path.stat().st_size,
                   "runs": [str(run) for run in runs]})  # fmt: skip
    else:
        typer.echo(str(path))


def figures(as_json: AsJson = False) -> None:
    """List the figures: what each draws, the analyses it needs, its counterpart in a paper."""
    from topolab.registry import load_all

    found = load_all("figures")
    if as_json:
        emit_json(
            {
                name: {"title": f.title, "source": f.source, "needs": list(f.needs)}
                for name, f in found.items()
            }
        )
        return
    rows = [[name, f.title, ", ".join(f.needs), f.source] for name, f in found.items()]
    table(["figure", "draws", "needs", "counterpart of"], rows)
