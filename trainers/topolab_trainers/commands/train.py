"""``topolab train``: train a network and record its wiring."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from topolab.cli.common import (
    AsJson,
    Quiet,
    complete,
    did_you_mean,
    emit_json,
    failures,
    known_name,
    note,
    progress_bar,
    table,
)
from topolab.errors import ConfigError, TopolabError
from topolab_trainers.recipes import RESERVED, Planned, find_recipe

if TYPE_CHECKING:
    from topolab.run import Run

__all__ = ["train", "train_run"]


def train(
    context: typer.Context,
    method: Annotated[
        str | None,
        typer.Argument(
            help="A method: see `topolab methods`.",
            autocompletion=complete("methods"),
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="Every training of a recipe instead: see `topolab recipes`."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Of a recipe: these runs, such as dense,random.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="Data set (default: digits).", autocompletion=complete("datasets")),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the data files.", show_default=False)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="mlp, convnet, lenet5, alexnet, vgg16, mobilenet or resnet56 (default: mlp)."
        ),
    ] = None,
    masked: Annotated[
        str | None, typer.Option(help="Which layers are masked, such as 'fc*' (by method).")
    ] = None,
    sparsity: Annotated[
        float | None, typer.Option(help="Share of absent weights, in [0, 1) (default: 0.9).")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            "--init",
            "--profile",
            help="How the first masks are made: see `topolab inits` (by method).",
            autocompletion=complete("inits"),
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data (default: 10).")] = None,
    seed: Annotated[int | None, typer.Option(help="Fixes everything (default: 0).")] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Several, such as 42,123: one run for each.")
    ] = None,
    hidden: Annotated[
        str | None, typer.Option(help="Widths of the hidden layers (default: 1024,1024).")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Samples per step (default: 128).")] = None,
    norm: Annotated[
        str | None, typer.Option(help="layernorm (PSN) or none (NSH) (default: layernorm).")
    ] = None,
    weight_init: Annotated[
        str | None, typer.Option(help="he (PSN), kaiming-uniform (NIST) or torch (by method).")
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(help="adam, sgd (Nesterov), or adam-sgd (NIST) (by method)."),
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Learning rate (default: 0.001 adam, 0.1 sgd).")
    ] = None,
    lr_schedule: Annotated[
        str | None,
        typer.Option(help="constant, or nsh: /10 at 50 % and 75 % (default: constant)."),
    ] = None,
    momentum: Annotated[float | None, typer.Option(help="Of SGD (default: 0.9).")] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="(default: 0 adam, 0.0005 sgd).")
    ] = None,
    update_every: Annotated[
        str | None, typer.Option(help="Steps between topology updates, or epoch (by method).")
    ] = None,
    drop_fraction: Annotated[
        float | None, typer.Option(help="Share of edges an update drops (by method).")
    ] = None,
    t_end: Annotated[
        float | None, typer.Option(help="Share of the steps after which no update (by method).")
    ] = None,
    candidates: Annotated[
        str | None,
        typer.Option(help="What may grow: not-kept or inactive-before (default: not-kept)."),
    ] = None,
    dense_output: Annotated[
        bool | None,
        typer.Option("--dense-output/--sparse-output", help="Keep the last layer dense (default)."),
    ] = None,
    record: Annotated[
        str | None,
        typer.Option(help="Keep in snapshots: any of weights,activity,gradient (default: none)."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda (default: auto).")] = None,
    engine: Annotated[
        str | None, typer.Option(help="auto, masked, or csr: active weights only (default: auto).")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="torch's threads (default: its own).")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run (default: runs/METHOD-DATA-sSEED).")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run that is there.")
    ] = False,
    batched: Annotated[
        bool,
        typer.Option("--batched", help="Train runs of one shape together, as one program."),
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a network and record its wiring at every topology update.

    What is not given is the method's own default. A method and an
    initialisation of masks have options of their own, written like the
    others (--init lognormal --ccv 2.5): `topolab methods NAME` and
    `topolab inits NAME` show them. The same command with the same seed
    writes the same bytes on a CPU, also when it is interrupted and goes on
    with --resume.
    """
    settings: dict[str, Any] = {
        "data": data,
        "data_dir": data_dir,
        "model": model,
        "masked": masked,
        "sparsity": sparsity,
        "init": init,
        "epochs": epochs,
        "hidden": None if hidden is None else _widths(hidden),
        "batch_size": batch_size,
        "norm": norm,
        "weight_init": weight_init,
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
        "record": record,
        "device": device,
        "engine": engine,
        "threads": threads,
    }
    extra = list(context.args)
    if recipe is not None and method is not None:
        extra, method = [method, *extra], None
    _check_method_first(method, recipe)
    settings |= _own_options(method or "", extra, list(settings))
    if data is not None:
        known_name("datasets", data)
    if only is not None and recipe is None:
        raise ConfigError("--only is for the runs of a recipe")
    if seed is not None and seeds is not None:
        raise ConfigError("give either --seed or --seeds")
    several = None if seeds is None else _seeds(seeds)
    if recipe is not None:
        plan = find_recipe(recipe).plan(
            settings,
            seeds=several or (None if seed is None else [seed]),
            only=None if only is None else only.split(","),
        )
        train_plan(plan, out or Path("runs") / Path(recipe).stem,
                   batched=batched, as_json=as_json, quiet=quiet)  # fmt: skip
        return
    assert method is not None
    if several is not None or batched:
        plan = [
            Planned(f"{method}-{data or 'digits'}-s{s}", method, {**settings, "seed": s})
            for s in several or [seed or 0]
        ]
        train_plan(plan, out or Path("runs"), batched=batched, as_json=as_json, quiet=quiet)
        return
    settings["seed"] = seed
    out = out or Path("runs") / f"{method}-{data or 'digits'}-s{seed or 0}"
    run = train_run(method, out, settings, resume=resume, quiet=quiet or as_json)
    accuracy = run[-1].metrics.get("test_accuracy")
    if as_json:
        emit_json(_described(run))
        return
    text = "" if accuracy is None else f", test accuracy {100 * accuracy:.2f} %"
    typer.echo(f"{run.path}: {len(run)} snapshots to step {run.steps[-1]}{text}")
    note(f"Next: topolab analyse {run.path}", quiet=quiet)


def _described(run: Run) -> dict[str, Any]:
    return {
        "run": str(run.path),
        "state": run.state,
        "snapshots": len(run),
        "last_step": int(run.steps[-1]),
        "test_accuracy": run[-1].metrics.get("test_accuracy"),
        "summary": run.summary,
    }


def train_plan(
    plan: Sequence[Planned], out: Path, *, batched: bool, as_json: bool, quiet: bool
) -> None:
    """Every training of a plan; what is finished is not done again, what broke off goes on.

    Raises
    ------
    PartialFailure
        If some failed; the others are done.
    """
    quiet = quiet or as_json
    done: list[Run] = []
    failed: list[tuple[str, TopolabError]] = []
    if batched:
        from topolab_trainers.training import train_together

        try:
            done = train_together(plan, out, command=_command(sys.argv[1:]))
        except KeyboardInterrupt:
            typer.echo(
                f"topolab: interrupted; what was recorded is safe in {out}. Go on with: the same "
                "command",
                err=True,
            )
            raise typer.Exit(130) from None
    else:
        for position, item in enumerate(plan, start=1):
            path = out / item.name
            finished = (path / "DONE").exists()
            note(f"[{position}/{len(plan)}] {path}{' (finished)' if finished else ''}", quiet=quiet)
            try:
                run = train_run(
                    item.method, path, item.settings, resume=path.exists(), quiet=quiet,
                    again="the same command",
                )  # fmt: skip
                done.append(run)
            except TopolabError as error:
                failed.append((item.name, error))
    if as_json:
        emit_json([_described(run) for run in done])
    else:
        rows = []
        for run in done:
            accuracy = run[-1].metrics.get("test_accuracy")
            rows.append(
                (str(run.path), str(len(run)),
                 "-" if accuracy is None else f"{100 * accuracy:.2f} %")
            )  # fmt: skip
        table(("run", "snapshots", "test accuracy"), rows)
    failures(failed, len(plan))


def _check_method_first(method: str | None, recipe: str | None) -> None:
    if recipe is not None:
        return
    if method is None:
        raise ConfigError(
            "which method? `topolab train METHOD`, or a recipe: `topolab train --recipe NAME`"
        )
    if method.startswith("-"):
        raise ConfigError(f"put the method first: topolab train METHOD {method} ...")
    known_name("methods", method)


def _own_options(method: str, extra: Sequence[str], shared: Sequence[str]) -> dict[str, Any]:
    """Options that only the method or the initialisation knows; they check them."""
    found: dict[str, Any] = {}
    rest = list(extra)
    while rest:
        token = rest.pop(0)
        if not token.startswith("--"):
            raise ConfigError(f"unexpected {token!r}; options are written as --name value")
        name, given, value = token[2:].partition("=")
        key = name.replace("-", "_")
        if key.startswith("no_"):
            key, value = key[3:], "false"
        elif not given:
            # A switch stands alone; its owner reads "true".
            alone = not rest or rest[0].startswith("--")
            value = "true" if alone else rest.pop(0)
        if key in found:
            raise ConfigError(f"--{name} was given twice")
        if key in RESERVED:
            raise ConfigError(f"no such option --{name}; see `topolab train --help`")
        found[key] = value
    if method and found:
        from topolab.registry import find

        backend = find("methods", method)
        every = {option.name for option in getattr(backend, "options", ())}
        unknown = [key for key in found if key not in every and key not in _init_options()]
        if unknown:
            dashed = [k.replace("_", "-") for k in (*shared, *every, *_init_options(), "seed")]
            wrong = unknown[0].replace("_", "-")
            raise ConfigError(
                f"no such option --{wrong}{did_you_mean(wrong, dashed)}; see "
                f"`topolab train --help` and `topolab methods {method}`"
            )
    return found


def _init_options() -> set[str]:
    from topolab.registry import load_all

    return {o.name for init in load_all("inits").values() for o in init.options}


def _seeds(text: str) -> list[int]:
    try:
        seeds = [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"--seeds {text!r} is not a list of seeds such as 42,123") from None
    if len(set(seeds)) < len(seeds):
        raise ConfigError(f"--seeds {text!r} names a seed twice")
    return seeds


def _command(arguments: Sequence[str]) -> str:
    return shlex.join(["topolab", *arguments])


def train_run(
    method: str,
    out: Path,
    settings: Mapping[str, Any],
    *,
    resume: bool,
    quiet: bool,
    again: str | None = None,
) -> Run:
    """Train with a progress bar; an interruption says how to go on."""
    from topolab_trainers.training import train as train_by_name

    arguments = sys.argv[1:]
    command = _command(arguments)
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
        if again is None:
            repeated = [a for a in arguments if a != "--resume"]
            if repeated[:1] == ["train"]:
                if "--out" not in repeated and not any(a.startswith("--out=") for a in repeated):
                    repeated += ["--out", str(out)]
                repeated.append("--resume")
            again = _command(repeated)
        typer.echo(
            f"topolab: interrupted; what was recorded is safe in {out}. Go on with: {again}",
            err=True,
        )
        raise typer.Exit(130) from None


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--hidden {text!r} is not a list of widths such as 1024,1024") from None
