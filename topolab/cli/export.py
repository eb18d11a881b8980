"""``topolab export``: the graph of a run as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from topolab.cli.common import (
    AsJson,
    Quiet,
    complete,
    emit_json,
    known_name,
    note,
    progress_bar,
)

__all__ = ["export"]


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)],
    to: Annotated[
        str,
        typer.Option(
            help="graphml, gexf, parquet, npz, networkx-json or pyg.",
            autocompletion=complete("exporters"),
            show_default=False,
        ),
    ],
    step: Annotated[
        str, typer.Option(help="Which snapshot: a step, first, last or all (a file for each).")
    ] = "last",
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file to write; of all steps, the folder of the files "
            "(default: named after the run, here).",
            show_default=False,
        ),
    ] = None,
    separate: Annotated[
        bool,
        typer.Option(
            "--separate",
            help="Every layer as a graph of its own (for layers that do not chain).",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the graph of a snapshot for Gephi, igraph, networkx, pandas or PyTorch Geometric.

    Neurons carry layer, index, degrees and coreness; edges their active weights and, where they
    were recorded, the weight.
    """
    known_name("exporters", to)
    from topolab.exporters.api import export as export_run
    from topolab.exporters.api import steps_of
    from topolab.registry import find
    from topolab.run import open_run

    opened = open_run(run)
    wanted = int(step) if step.isascii() and step.isdigit() else step
    steps = steps_of(opened, wanted)
    if out is None:
        suffix = find("exporters", to).suffix
        named = f"{opened.name}-{to}" if step == "all" else f"{opened.name}-s{steps[0]:07d}{suffix}"
        out = Path(named)
    with progress_bar(quiet=quiet or as_json) as bar:
        task = bar.add_task(f"{opened.name}: {to}", total=None, detail="") if bar else None

        def tick(done: int, total: int) -> None:
            if bar is not None and task is not None:
                bar.update(task, completed=done, total=total)

        files = export_run(
            opened, out, to=to, step=wanted, separate=separate, force=force, progress=tick
        )
    if as_json:
        described = [{"file": str(path), "bytes": path.stat().st_size} for path in files]
        emit_json({"run": str(run), "to": to, "steps": steps, "files": described})
        return
    for path in files:
        typer.echo(str(path))
    shot = opened.at(step=steps[-1])
    if not any(shot.weights[layer.name] is not None for layer in opened.layers):
        note("No weights were recorded (train with --record weights), so edges have none.",
             quiet=quiet)  # fmt: skip
