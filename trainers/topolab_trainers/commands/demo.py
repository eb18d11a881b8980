"""``topolab demo``: the main job on embedded data, from training to report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from topolab.cli.common import Quiet, note

__all__ = ["demo"]

# Small enough for half a minute on two cores, long enough for the wiring to move: about 70
# topology updates each.
SETTINGS: dict[str, Any] = {
    "data": "digits",
    "sparsity": 0.9,
    "hidden": (256, 256),
    "epochs": 80,
    "batch_size": 64,
    "update_every": 20,
    "seed": 42,
}


def demo(
    out: Annotated[Path, typer.Option(help="Folder for runs and report.")] = Path("demo"),
    quiet: Quiet = False,
) -> None:
    """Train RigL and SET on embedded data, analyse both, write a report; print its path last.

    What an earlier demo finished in the same folder is used again.
    """
    import topolab
    from topolab.store.layout import RunFiles
    from topolab_trainers.commands.train import train_run

    paths = []
    for method in ("rigl", "set"):
        path = out / method
        finished = RunFiles(path).finished()
        doing = "Using the finished run in" if finished else f"Training {method} into"
        note(f"{doing} {path}", quiet=quiet)
        run = train_run(method, path, SETTINGS, resume=path.exists(), quiet=quiet)
        accuracy = run[-1].metrics["test_accuracy"]
        note(f"  {len(run)} snapshots, test accuracy {100 * accuracy:.2f} %", quiet=quiet)
        paths.append(path)
    note("Analysing and drawing", quiet=quiet)
    page = out / "report.html"
    topolab.report(
        paths, page, title="topolab demo: RigL and SET on digits",
        progress=False if quiet else None,
    )  # fmt: skip
    note("Open the report in a browser:", quiet=quiet)
    typer.echo(str(page.resolve()))
