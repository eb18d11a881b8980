"""``topolab report``: one HTML file about one or several runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import AsJson, Quiet, emit_json, progress_bar

__all__ = ["report"]

# A page that was built by a reporter says so near its top; any other file is not overwritten.
MARK = b'<meta name="generator" content="topolab'


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", show_default=False)],
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
    build(
        runs, out, title=title, frames=frames, workers=workers, force=force,
        quiet=quiet or as_json, only=only,
    )  # fmt: skip
    if as_json:
        emit_json({"report": str(out), "bytes": out.stat().st_size, "runs": [str(r) for r in runs]})
    else:
        typer.echo(str(out))


def build(
    runs: list[Path],
    out: Path,
    *,
    title: str | None,
    frames: int,
    workers: int,
    force: bool,
    quiet: bool,
    only: str | None = None,
) -> None:
    """Check that the file may be written, then build the report with a progress bar.

    Raises
    ------
    ConfigError
        If something that is no report is in the place of the output.
    """
    from topolab.errors import ConfigError
    from topolab.registry import find
    from topolab.run import open_run

    opened = [open_run(path) for path in runs]
    if out.is_dir():
        raise ConfigError(f"{out}: is a folder; give the file to write, such as {out}/report.html")
    if not out.parent.is_dir():
        raise ConfigError(f"{out}: there is no folder {out.parent}; make it first")
    if out.exists() and not force and MARK not in out.read_bytes()[:4096]:
        raise ConfigError(
            f"{out}: a file that is no topolab report is there; choose another --out, or --force"
        )
    if frames < 1:
        raise ConfigError(f"--frames {frames}: at least one is needed")
    reporter = find("reporters", "html")
    with progress_bar(quiet=quiet) as bar:
        task = bar.add_task("report", total=None, detail="") if bar else None

        def tick(done: int, total: int, what: str) -> None:
            if bar is not None and task is not None:
                bar.update(task, completed=done, total=total, detail=what)

        reporter(
            opened, out, title=title, frames=frames, workers=workers, progress=tick,
            only=None if only is None else [name.strip() for name in only.split(",")],
        )  # fmt: skip
