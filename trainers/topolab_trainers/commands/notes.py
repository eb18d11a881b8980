"""What a command says while it trains: a line for each run, and how to go on when interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from topolab.cli.common import note
from topolab.progress import Progress

__all__ = ["interruption", "with_notes"]


def with_notes(bar: Progress, quiet: bool) -> Progress:
    """Of several runs, a line for each; how far one is goes to the bar."""

    def report(what: str, done: int, total: int | None, detail: str = "") -> None:
        if what == "runs":
            note(f"[{done}/{total}] {detail}", quiet=quiet)
        else:
            bar(what, done, total, detail)

    return report


@contextmanager
def interruption(again: Callable[[Path], str]) -> Iterator[None]:
    """An interruption of a training becomes one sentence and exit code 130.

    Parameters
    ----------
    again : callable
        From the folder where what was recorded is safe, the command that goes on.
    """
    try:
        yield
    except KeyboardInterrupt as stopped:
        path = getattr(stopped, "path", None)
        if path is None:  # not while it trained
            raise
        typer.echo(
            f"topolab: interrupted; what was recorded is safe in {path}. Go on with: {again(path)}",
            err=True,
        )
        raise typer.Exit(130) from None
