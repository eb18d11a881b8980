"""``topolab analyses``: which analyses there are."""

from __future__ import annotations

from typing import Annotated

import typer

from topolab.cli.common import AsJson, complete
from topolab.cli.listing import print_listing

__all__ = ["analyses"]


def analyses(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Show this analysis' card.",
            show_default=False,
            autocompletion=complete("analyses"),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the analyses, or show the card of one."""
    from topolab.listing import analyses as list_analyses

    print_listing(list_analyses(name), as_json)
