"""``topolab data``: the data sets, and what is in one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import AsJson, complete, emit_json, known_name, table

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
    from topolab.registry import find, load_all

    if name is not None:
        known_name("datasets", name)
        described = find("datasets", name).load(data_dir).describe()
        if as_json:
            emit_json(described)
            return
        for key, value in described.items():
            typer.echo(f"{key}: {value}")
        return
    found = {n: (s.summary, s.where(data_dir)) for n, s in load_all("datasets").items()}
    if as_json:
        emit_json([{"name": n, "summary": s, "where": w} for n, (s, w) in found.items()])
        return
    table(
        ("name", "what it is", "where"),
        [(n, s, w or "not on this machine") for n, (s, w) in found.items()],
    )
