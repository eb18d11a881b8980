"""``topolab train``: train a network and record its wiring."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from topolab.run import Run

__all__ = ["train", "train_run"]


def train(
    method: Annotated[
        str,
        typer.Argument(
            help="A method: see `topolab methods`.", autocompletion=complete("backends")
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(help="Data set [default: digits].", autocompletion=complete("datasets")),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the data files.", show_default=False)
    ] = None,
    sparsity: Annotated[
        float | None, typer.Option(help="Share of absent weights, in [0, 1) [default: 0.9].")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            "--init", "--distribution", help="Initial masks: uniform, er or erk [by method]."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data [default: 10].")] = None,
    seed: Annotated[int | None, typer.Option(help="Fixes everything [default: 0].")] = None,
    hidden: Annotated[
        str | None, typer.Option(help="Widths of the hidden layers [default: 1024,1024].")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples per step [default: 128].")] = None,
    norm: Annotated[
        str | None, typer.Option(help="layernorm (PSN) or none (NSH) [default: layernorm].")
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="adam, or sgd with Nesterov momentum [default: adam].")
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Learning rate [default: 0.001 adam, 0.1 sgd].")
    ] = None,
    lr_schedule: Annotated[
        str | None,
        typer.Option(help="constant, or nsh: /10 at 50 % and 75 % [default: constant]."),
    ] = None,
    momentum: Annotated[float | None, typer.Option(help="Of SGD [default: 0.9].")] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="[default: 0 adam, 0.0005 sgd].")
    ] = None,
    update_every: Annotated[
        str | None, typer.Option(help="Steps between topology updates, or epoch [by method].")
    ] = None,
    drop_fraction: Annotated[
        float | None, typer.Option(help="Share of edges an update drops [default: 0.3].")
    ] = None,
    t_end: Annotated[
        float | None, typer.Option(help="Share of the steps after which no update [by method].")
    ] = None,
    candidates: Annotated[
        str | None,
        typer.Option(help="What may grow: not-kept or inactive-before [default: not-kept]."),
    ] = None,
    dense_output: Annotated[
        bool | None,
        typer.Option("--dense-output/--sparse-output", help="Keep the last layer dense [default]."),
    ] = None,
    record_weights: Annotated[
        bool | None, typer.Option("--record-weights", help="Keep active weights in snapshots.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda [default: auto].")] = None,
    threads: Annotated[int | None, typer.Option(help="torch's threads [default: its own].")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run [default: runs/METHOD-DATA-sSEED].")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run that is there.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a network and record its wiring at every topology update.

    What is not given is the method's own default. The same command with the same seed writes
    the same bytes on a CPU, also when it is interrupted and goes on with --resume.
    """
    settings: dict[str, Any] = {
        "data": data,
        "data_dir": data_dir,
        "sparsity": sparsity,
        "distribution": init,
        "epochs": epochs,
        "seed": seed,
        "hidden": None if hidden is None else _widths(hidden),
        "batch_size": batch_size,
        "norm": norm,
        "optimizer": optimizer,
        "lr": lr,
        "lr_schedule": lr_schedule,
        "momentum": momentum,
        "weight_decay": weight_decay,
        "update_every": update_every,
        "drop_fraction": drop_fraction,
        "t_end": t_end,
        "candidates": candidates,
        "dense_output": dense_output,
        "record_weights": record_weights,
        "device": device,
        "threads": threads,
    }
    known_name("backends", method)
    if data is not None:
        known_name("datasets", data)
    out = out or Path("runs") / f"{method}-{data or 'digits'}-s{seed or 0}"
    run = train_run(method, out, settings, resume=resume, quiet=quiet or as_json)
    accuracy = run[-1].metrics.get("test_accuracy")
    if as_json:
        emit_json(
            {
                "run": str(run.path),
                "state": run.state,
                "snapshots": len(run),
                "last_step": int(run.steps[-1]),
                "test_accuracy": accuracy,
                "summary": run.summary,
            }
        )
        return
    text = "" if accuracy is None else f", test accuracy {100 * accuracy:.2f} %"
    typer.echo(f"{run.path}: {len(run)} snapshots to step {run.steps[-1]}{text}")
    note(f"Next: topolab analyse {run.path}", quiet=quiet)


def train_run(
    method: str, out: Path, settings: Mapping[str, Any], *, resume: bool, quiet: bool
) -> Run:
    """Train with a progress bar; an interruption says how to go on."""
    from topolab.api import train as train_by_name

    arguments = sys.argv[1:]
    command = shlex.join(["topolab", *arguments])
    try:
        with progress_bar(quiet=quiet) as bar:
            task = bar.add_task(method, total=None, detail="") if bar else None

            def tick(step: int, total: int, metrics: Mapping[str, float]) -> None:
                if bar is not None and task is not None:
                    accuracy = metrics.get("test_accuracy")
                    detail = "" if accuracy is None else f"test {100 * accuracy:.1f} %"
                    bar.update(task, completed=step, total=total, detail=detail)

            return train_by_name(
                method, out, resume=resume, progress=tick, command=command, **settings
            )
    except KeyboardInterrupt:
        again = [a for a in arguments if a != "--resume"]
        if "--out" not in again and not any(a.startswith("--out=") for a in again):
            again += ["--out", str(out)] if again[:1] == ["train"] else []
        if again[:1] == ["train"]:
            again.append("--resume")
        typer.echo(
            f"topolab: interrupted; what was recorded is safe in {out}. "
            f"Go on with: {shlex.join(['topolab', *again])}",
            err=True,
        )
        raise typer.Exit(130) from None


def _widths(text: str) -> tuple[int, ...]:
    from topolab.errors import ConfigError

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--hidden {text!r} is not a list of widths such as 1024,1024") from None
