"""``topolab show``: what a run is, at a glance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from topolab.cli.common import AsJson, emit_json, printable, table

if TYPE_CHECKING:
    from topolab.run import Run

__all__ = ["show"]


def show(
    path: Annotated[Path, typer.Argument(help="A run, or a folder of runs.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show what a run holds: state, training, layers, metrics. Or list the runs of a folder."""
    from topolab.errors import RunError
    from topolab.run import open_run, runs

    if not (path / "run.json").is_file() and path.is_dir():
        inside = runs(path)
        if not inside:
            raise RunError(f"{path}: no run is there, and no folder of a run in it")
        described = [_brief(run) for run in inside]
        if as_json:
            emit_json(described)
            return
        table(
            ("run", "state", "method", "data", "seed", "snapshots", "test accuracy"),
            [
                (item["name"], item["state"], str(item["method"] or "-"), str(item["data"] or "-"),
                 str(item["seed"] if item["seed"] is not None else "-"), str(item["snapshots"]),
                 "-" if item["test_accuracy"] is None else f"{100 * item['test_accuracy']:.2f} %")
                for item in described
            ],
        )  # fmt: skip
        return
    run = open_run(path)
    described_run = describe(run)
    if as_json:
        emit_json(described_run)
    else:
        _print(described_run)


def _brief(run: Run) -> dict[str, Any]:
    last = run[-1].metrics if len(run) else {}
    return {
        "name": run.name,
        "path": str(run.path),
        "state": run.state,
        "method": run.config.get("method"),
        "data": run.data.get("name"),
        "seed": run.seed,
        "snapshots": len(run),
        "test_accuracy": last.get("test_accuracy"),
    }


def describe(run: Run) -> dict[str, Any]:
    """Everything `topolab show` says, as JSON values."""
    first, last = (run[0], run[-1]) if len(run) else (None, None)
    layers = [
        {
            **layer.to_dict(),
            "active_first": None if first is None else first.nnz(layer.name),
            "active_last": None if last is None else last.nnz(layer.name),
            "sparsity_last": None if last is None else 1 - last.nnz(layer.name) / layer.size,
        }
        for layer in run.layers
    ]
    manifest = dict(run.manifest)
    return {
        **_brief(run),
        "run_id": manifest["run_id"],
        "format_version": manifest["version"],
        "steps": run.steps.tolist(),
        "epoch_last": None if last is None else last.epoch,
        "layers": layers,
        "metrics_last": {} if last is None else dict(last.metrics),
        "config": run.config,
        "data_set": run.data,
        "summary": run.summary,
        "failure": run.failure,
        "created": manifest.get("created"),
        "command": manifest.get("command"),
        "versions": manifest.get("versions"),
        "git_revision": manifest.get("git_revision"),
    }


def _print(item: dict[str, Any]) -> None:
    def echo(text: str) -> None:
        typer.echo(printable(text))

    accuracy = item["test_accuracy"]
    echo(f"{item['path']}: {item['state']}")
    steps = item["steps"]
    span = f", steps {steps[0]} to {steps[-1]}" if steps else ""
    echo(f"  {item['snapshots']} snapshots{span}, format version {item['format_version']}")
    if item["method"] or item["data"]:
        echo(f"  {item['method'] or 'unknown method'} on {item['data'] or 'unknown data'}, "
                   f"seed {item['seed']}")  # fmt: skip
    if accuracy is not None:
        echo(f"  test accuracy {100 * accuracy:.2f} %")
    if item["failure"]:
        echo(f"  failed: {item['failure'].get('message', 'no message')}")
    if item["command"]:
        echo(f"  {item['command']}")
    table(
        ("layer", "kind", "shape", "active, first", "active, last", "sparsity"),
        [
            (layer["name"], layer["kind"] + ("" if layer["maskable"] else ", dense"),
             " x ".join(map(str, layer["shape"])),
             "-" if layer["active_first"] is None else f"{layer['active_first']:,}",
             "-" if layer["active_last"] is None else f"{layer['active_last']:,}",
             "-" if layer["sparsity_last"] is None else f"{100 * layer['sparsity_last']:.2f} %")
            for layer in item["layers"]
        ],
    )  # fmt: skip
