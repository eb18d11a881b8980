"""``topolab show``: what a run is, at a glance."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from topolab.cli.common import AsJson, emit_json, printable, table

if TYPE_CHECKING:
    from topolab.describe import Description

__all__ = ["show"]


def show(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, or folders of runs.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Show what a run holds: state, training, layers, metrics. Or list the runs of a folder."""
    from topolab.describe import Description
    from topolab.describe import show as show_runs

    found = show_runs(runs[0] if len(runs) == 1 else runs)
    if isinstance(found, Description):
        emit_json(found) if as_json else _print(found)
        return
    rows = found.astype(object).where(found.notna(), None).to_dict("records")
    if as_json:
        emit_json(rows)
    else:
        _list(rows)


def _list(rows: list[dict[Any, Any]]) -> None:
    table(
        ("run", "state", "method", "data", "seed", "snapshots", "test accuracy"),
        [
            (item["name"], item["state"], str(item["method"] or "-"), str(item["data"] or "-"),
             str(item["seed"] if item["seed"] is not None else "-"), str(item["snapshots"]),
             _percent(item["test_accuracy"]))
            for item in rows
        ],
    )  # fmt: skip


def _print(item: Description) -> None:
    for line in item.headlines():
        typer.echo(printable(line))
    table(
        ("layer", "kind", "shape", "active, first", "active, last", "sparsity"),
        [
            (layer["name"], layer["kind"] + ("" if layer["maskable"] else ", dense"),
             " x ".join(map(str, layer["shape"])), _count(layer["active_first"]),
             _count(layer["active_last"]), _percent(layer["sparsity_last"]))
            for layer in item["layers"]
        ],
    )  # fmt: skip


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _percent(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{100 * value:.2f} %"
