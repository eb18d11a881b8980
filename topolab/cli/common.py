"""What the commands share: options, output, names."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from topolab.errors import ConfigError, PartialFailure, TopolabError
from topolab.registry import did_you_mean, names

__all__ = [
    "AsJson",
    "Quiet",
    "complete",
    "did_you_mean",
    "emit_json",
    "failures",
    "names_of",
    "note",
    "printable",
    "table",
]

AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON document on stdout and nothing else.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no remarks.")]


def printable(text: str) -> str:
    """Text from a file somebody else wrote, unable to command the terminal.

    Examples
    --------
    >>> printable("a\\x1b[2Jb\\n")
    'a\\\\x1b[2Jb\\n'
    """
    return "".join(c if c in "\n\t" or c.isprintable() else repr(c)[1:-1] for c in text)


def note(text: str, *, quiet: bool = False) -> None:
    """A remark for a person, on stderr."""
    if not quiet:
        typer.echo(printable(text), err=True)


def emit_json(value: Any) -> None:
    """The one JSON document; numbers that JSON has no word for become null."""
    typer.echo(json.dumps(_plain(value), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """A table on stdout: drawn for a terminal, tab-separated for a pipe."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo(printable("\t".join(row)))
        return
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    grid = Table(title=title or None, box=box.SIMPLE, title_justify="left")
    for column in columns:
        grid.add_column(column, overflow="fold")  # a path that is cut is of no use
    for row in rows:
        grid.add_row(*(escape(printable(cell)) for cell in row))  # brackets are no markup
    Console().print(grid)


def complete(group: str) -> Any:
    """Shell completion of the names in an entry-point group."""

    def starting(incomplete: str) -> list[str]:
        return [name for name in names(group) if name.startswith(incomplete)]

    return starting


def names_of(text: str | None, option: str, what: str) -> list[str] | None:
    """Names that were written with commas between them; None where nothing was written.

    Raises
    ------
    ConfigError
        If something was written, and no name.

    Examples
    --------
    >>> names_of("degree, paths", "only", "analysis")
    ['degree', 'paths']
    """
    if text is None:
        return None
    found = [name.strip() for name in text.split(",") if name.strip()]
    if not found:
        raise ConfigError(f"--{option} names no {what}")
    return found


def failures(failed: Sequence[tuple[str, TopolabError]], of: int) -> None:
    """Refuse to call it done if something failed; the error itself if it was the only one.

    Raises
    ------
    TopolabError
        If anything failed.
    """
    if not failed:
        return
    if of == 1:
        raise failed[0][1]
    names = ", ".join(name for name, _ in failed)
    raise PartialFailure(f"{len(failed)} of {of} failed: {names}", failed=failed)
