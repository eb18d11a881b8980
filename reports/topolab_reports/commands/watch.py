"""``topolab watch``: the report of a training that is still running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import Quiet, note

__all__ = ["watch"]


def watch(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, or folders of runs.", show_default=False)
    ],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 8765,
    frames: Annotated[int, typer.Option(help="Moments the time slider shows, at the most.")] = 12,
    every: Annotated[float, typer.Option(help="Seconds between two looks at the runs.")] = 2.0,
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All sections from the start, not only at the end.")
    ] = False,
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Serve the report of runs, on this machine only, and renew it as snapshots arrive.

    While a run is training, the sections that take little time are shown; at its end all.
    The runs are only read. Stop it with Ctrl-C.
    """
    import topolab

    def ready(address: str, server: object) -> None:
        typer.echo(address)
        note("Ctrl-C ends it.", quiet=quiet)

    try:
        topolab.watch(
            runs, port=port, frames=frames, every=every, title=title, everything=everything,
            open_browser=open_browser, ready=ready,
        )  # fmt: skip
    except KeyboardInterrupt:
        note("stopped", quiet=quiet)
