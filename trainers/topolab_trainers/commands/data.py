"""``topolab data``: the data sets, and what is in one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import AsJson, complete, emit_json, table

__all__ = ["datasets"]


def datasets(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Load this one and say what is in it.",
            show_default=False,
            autocompletion=complete("datasets"),
        ),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the data files.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the data sets and where they are on this machine, or load one and describe it.

    Loading one fetches it if it has to be downloaded. Exit code 4 if it is not to be had.
    """
    from topolab_trainers.listings import data

    found = data(name, data_dir=data_dir)
    if as_json:
        emit_json(found if name is not None else list(found.values()))
    elif name is not None:
        for key, value in found.items():
            typer.echo(f"{key}: {value}")
    else:
        table(
            ("name", "what it is", "where"),
            [(n, s["summary"], s["where"] or "not on this machine") for n, s in found.items()],
        )
