"""What every command that lists the entries of a group shares."""

from __future__ import annotations

import sys
from typing import Any

import typer

from topolab.cli.common import emit_json, printable, table
from topolab.listing import Entries, Entry

__all__ = ["print_listing"]


def print_listing(found: Entries | Entry, as_json: bool) -> None:
    """Print entries, or the card and options of one."""
    if as_json:
        emit_json(list(found.values()) if isinstance(found, Entries) else found)
    elif isinstance(found, Entries):
        table(("name", "what it does"), [(name, e["summary"]) for name, e in found.items()])
    else:
        _print_card(found)


def _print_card(found: Entry) -> None:
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(printable(found["card"])))
    else:
        typer.echo(printable(found["card"]))
    if found.get("options"):
        table(
            ("option", "default", "meaning", "values"),
            [
                (f"--{o['name'].replace('_', '-')}", _default(o["default"]), o["meaning"],
                 ", ".join(o["choices"]) or o["interval"])
                for o in found["options"]
            ],
            title="Options",
        )  # fmt: skip


def _default(value: Any) -> str:
    return "-" if value is None else str(value)
