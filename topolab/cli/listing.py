"""What every command that lists the entries of a group shares."""

from __future__ import annotations

import sys
from typing import Any

import typer

from topolab.cards import card_of
from topolab.cli.common import emit_json, known_name, table
from topolab.registry import Group

__all__ = ["list_or_card"]


def list_or_card(group: Group, name: str | None, as_json: bool) -> None:
    """Print what a group has, or the card and options of one of its entries."""
    from topolab.registry import find, load_all

    if name is None:
        found = load_all(group)
        if as_json:
            emit_json([_described(entry) for entry in found.values()])
        else:
            table(("name", "what it does"), [(n, entry.summary) for n, entry in found.items()])
        return
    known_name(group, name)
    entry = find(group, name)
    card = card_of(entry)
    if as_json:
        emit_json({**_described(entry), "card": card})
        return
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(card))
    else:
        typer.echo(card)
    options = getattr(entry, "options", ())
    if options:
        table(
            ("option", "default", "meaning", "values"),
            [
                (f"--{o.name.replace('_', '-')}", _default(o.default), o.help,
                 ", ".join(o.choices) or o.interval)
                for o in options
            ],
            title="Options",
        )  # fmt: skip


def _default(value: Any) -> str:
    return "-" if value is None else str(value)


def _described(entry: Any) -> dict[str, Any]:
    described: dict[str, Any] = {"name": entry.name, "summary": entry.summary}
    if hasattr(entry, "defaults"):
        described["defaults"] = (
            entry.defaults() if callable(entry.defaults) else dict(entry.defaults)
        )
    if hasattr(entry, "options"):
        described["options"] = [
            {"name": o.name, "kind": o.kind, "default": o.default, "meaning": o.help,
             "choices": o.choices, "interval": o.interval}
            for o in entry.options
        ]  # fmt: skip
    if hasattr(entry, "schemas"):
        described["tables"] = {
            table_name: [
                {"name": c.name, "type": c.dtype.__name__, "unit": c.unit, "meaning": c.meaning}
                for c in schema
            ]
            for table_name, schema in entry.schemas.items()
        }
    return described
