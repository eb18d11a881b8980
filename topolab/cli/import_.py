"""``topolab import``: other people's checkpoints as a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from topolab.cli.common import (
    AsJson,
    Quiet,
    complete,
    emit_json,
    note,
    printable,
    table,
)

if TYPE_CHECKING:
    from topolab.importers import Inspection

__all__ = ["import_"]

_SHOWN = 6


def import_(
    paths: Annotated[
        list[str],
        typer.Argument(help="Checkpoints: files, folders or globs.", show_default=False),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The folder of the new run.", show_default=False)
    ] = None,
    inspect: Annotated[
        bool, typer.Option("--inspect", help="Say what it is and would become; write nothing.")
    ] = False,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="The convention (default: the most specific that matches).",
            autocompletion=complete("importers"),
        ),
    ] = "auto",
    step_from: Annotated[
        str, typer.Option(help="Where the steps are: name (of the file) or key (inside it).")
    ] = "name",
    model_order: Annotated[
        Path | None,
        typer.Option(
            help="Names of the layers in the model's order, one on a line (then what it reads).",
            show_default=False,
        ),
    ] = None,
    orientation: Annotated[
        str, typer.Option(help="How weight matrices lie: auto, out-in or in-out.")
    ] = "auto",
    bias_row: Annotated[
        bool | None,
        typer.Option(
            "--bias-row/--no-bias-row",
            help="Whether the last input of a matrix is the bias (default: found by chaining).",
            show_default=False,
        ),
    ] = None,
    image_shape: Annotated[
        str | None,
        typer.Option(help="Channels, height, width of the input: 1,28,28.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the training, if known.", show_default=False)
    ] = None,
    max_gib: Annotated[float, typer.Option(help="No array may claim more, in GiB.")] = 4.0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make a run out of a series of checkpoints, or say what they are (--inspect).

    Nothing in a file is run: what needs code to be read is refused, and how to convert it is said.
    """
    from topolab.errors import ConfigError
    from topolab.importers import UnsafeFileError
    from topolab.importers.api import import_run, inspect_checkpoints

    if out is None and not inspect:
        raise ConfigError("give the folder of the new run with --out, or only look with --inspect")
    if not 0 < max_gib < 2**20:
        raise ConfigError(f"--max-gib {max_gib} must be above 0 and below {2**20}")
    options: dict[str, Any] = {
        "format": format_,
        "step_from": step_from,
        "model_order": model_order,
        "orientation": orientation,
        "bias_row": bias_row,
        "image_shape": _image(image_shape),
        "max_bytes": max(1, int(max_gib * 2**30)),
    }
    progress = False if quiet or as_json else None
    run = None
    try:
        if inspect or out is None:
            found = inspect_checkpoints(paths, **options, progress=progress)
        else:
            run = import_run(
                paths, out, **options, seed=seed, command=_command(), progress=progress
            )
    except UnsafeFileError as error:
        note(f"Where you trust the file, this converts it:\n\n{error.snippet}\n", quiet=quiet)
        raise
    if run is None:
        emit_json(found.to_dict()) if as_json else _print(found)
        return
    if as_json:
        emit_json({"path": str(run.path), "snapshots": len(run), "steps": run.steps.tolist(),
                   **run.config, **run.data})  # fmt: skip
        return
    typer.echo(str(run.path))
    note(f"{len(run)} snapshots, convention {run.config['convention']}", quiet=quiet)
    for remark in run.data["remarks"]:
        note(f"  {remark}", quiet=quiet)
    note(f"Next: topolab analyse {run.path}", quiet=quiet)


def _command() -> str:
    import shlex
    import sys

    return shlex.join(["topolab", *sys.argv[1:]])


def _image(text: str | None) -> tuple[int, int, int] | None:
    from topolab.errors import ConfigError

    if text is None:
        return None
    try:
        channels, height, width = (int(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"--image-shape {text!r}: three numbers were expected, such as 1,28,28"
        ) from error
    if min(channels, height, width) < 1:
        raise ConfigError(f"--image-shape {text!r}: the numbers must be above 0")
    return channels, height, width


def _print(found: Inspection) -> None:
    others = ", ".join(name for name in found.matches if name != found.convention)
    bias = ", the last input is the bias" if found.bias else ""
    _say(f"convention: {found.convention}" + (f" (matches too: {others})" if others else ""))
    _say(f"orientation: {found.orientation}{bias} ({found.how})")
    steps = [str(step) for step in found.steps[:_SHOWN]]
    if len(found.steps) > _SHOWN:
        steps += ["...", str(found.steps[-1])]
    _say(f"{len(found.steps)} snapshots, steps {', '.join(steps)}")
    if found.metrics:
        _say(f"metrics: {', '.join(found.metrics)}")
    table(
        ("layer", "kind", "shape (out, in)", "mask", "active, first", "active, last", "weights"),
        [
            (layer.spec.name, layer.spec.kind, " x ".join(map(str, layer.spec.shape)), layer.state,
             f"{100 * layer.density_first:.2f} %", f"{100 * layer.density_last:.2f} %",
             "yes" if layer.weights else "no")
            for layer in found.layers
        ],
    )  # fmt: skip
    for remark in found.remarks:
        _say(f"- {remark}")


def _say(text: str) -> None:
    """On stdout; names in it are somebody else's."""
    typer.echo(printable(text))
