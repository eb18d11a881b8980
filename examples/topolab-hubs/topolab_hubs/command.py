"""A command and its twin: ``topolab overlap RUN...`` and ``topolab.overlap(runs)``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import AsJson, emit_json, table
from topolab.commands import Command

__all__ = ["OVERLAP"]


def overlap(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Print how alike the neurons of the last snapshot are wired."""
    import topolab

    found = topolab.overlap(runs)
    if as_json:
        emit_json(found.to_dict("records"))
    else:
        table(
            ("run", "layer", "overlap"),
            [(row.run, row.layer, f"{row.overlap:.3f}") for row in found.itertuples()],
        )


OVERLAP = Command("overlap", overlap, "topolab_hubs.twin:overlap")
