"""``topolab export``: the graph of a run as a file for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from topolab.cli.common import AsJson, Quiet, complete, emit_json, note

if TYPE_CHECKING:
    from topolab.run import Run

__all__ = ["export"]


def export(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs, or folders of runs.", show_default=False)
    ],
    to: Annotated[
        str,
        typer.Option(
            help="The format: graphml, gexf, parquet, npz, networkx-json, pyg, ...",
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
            help="The file to write; of all steps, or several runs, the folder of the files "
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
    from topolab.exporters.api import export as export_runs
    from topolab.exporters.api import steps_of
    from topolab.run import open_run

    wanted = int(step) if step.isascii() and step.isdigit() else step
    files = export_runs(
        runs[0] if len(runs) == 1 else runs, out, to=to, step=wanted, separate=separate,
        force=force, progress=False if quiet or as_json else None,
    )  # fmt: skip
    written = files if isinstance(files, dict) else {open_run(runs[0]): files}
    if as_json:
        described = [
            {
                "run": str(run.path),
                "to": to,
                "steps": steps_of(run, wanted),
                "files": [{"file": str(path), "bytes": path.stat().st_size} for path in paths],
            }
            for run, paths in written.items()
        ]
        emit_json(described if isinstance(files, dict) else described[0])
        return
    for paths in written.values():
        for path in paths:
            typer.echo(str(path))
    if not all(_has_weights(run, steps_of(run, wanted)[-1]) for run in written):
        note("No weights were recorded, so edges have none.", quiet=quiet)


def _has_weights(run: Run, step: int) -> bool:
    weights = run.at(step=step).weights
    return any(weights[layer.name] is not None for layer in run.layers)
