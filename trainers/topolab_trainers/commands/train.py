"""``topolab train``: train a network and record its wiring."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from topolab.cli.common import (
    AsJson,
    Quiet,
    complete,
    did_you_mean,
    emit_json,
    note,
    table,
)
from topolab.errors import ConfigError, PartialFailure
from topolab.options import Option
from topolab.progress import progress_shown
from topolab.registry import check_name
from topolab_trainers.commands.notes import interruption, with_notes
from topolab_trainers.commands.parameters import parameters_of, with_parameters
from topolab_trainers.config import settings as declared
from topolab_trainers.recipes import RESERVED, find_recipe

if TYPE_CHECKING:
    from topolab.run import Run

__all__ = ["train_callback"]


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
    seeds: Annotated[
        str | None, typer.Option(help="Several, such as 42,123: one run for each.")
    ] = None,
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
    show_help: Annotated[
        bool, typer.Option("--help", "-h", help="Show this message, after METHOD also its options.")
    ] = False,
    **settings: Any,
) -> None:
    """Train a network and record its wiring at every topology update.

    What is not given is the method's own default. A method and an
    initialisation of masks have options of their own, written like the
    others (--init lognormal --ccv 2.5): `topolab train METHOD --help` shows
    them. The same command with the same seed writes the same bytes on a CPU,
    also when it is interrupted and goes on with --resume.
    """
    if show_help:
        _show_help(method, settings.get("init"))
        return
    from topolab_trainers.training import train as train_anything

    extra = list(context.args)
    if recipe is not None and method is not None:
        if not method.startswith("-"):
            raise ConfigError(f"give a method ({method}) or a recipe ({recipe}), not both")
        # An option that only methods know, which stands first.
        extra, method = [method, *extra], None
    _check_method_first(method, recipe)
    settings |= _own_options(method or "", extra, list(settings))
    what: Any = method if recipe is None else find_recipe(recipe)
    one = recipe is None and seeds is None and not batched
    arguments = sys.argv[1:]
    try:
        with (
            interruption(lambda path: _resuming(arguments, path) if one else "the same command"),
            progress_shown(False if quiet or as_json else None) as bar,
        ):
            trained = train_anything(
                what, out, resume=resume, seeds=seeds, only=only, batched=batched,
                progress=with_notes(bar, quiet or as_json), command=_command(arguments),
                **settings,
            )  # fmt: skip
    except PartialFailure as error:
        _print_runs(error.done, as_json)
        raise
    if isinstance(trained, list):
        _print_runs(trained, as_json)
    else:
        _print_run(trained, as_json, quiet)


def train_callback() -> Callable[..., Any]:
    """The function that typer reads: `train`, with a parameter for every declared setting."""
    return with_parameters(train, parameters_of(declared()), after="only")


# -- help ------------------------------------------------------------------------------------


def _show_help(method: str | None, init: str | None) -> None:
    """The help, after a method with what it and its first masks declare, and their defaults."""
    from typer.main import get_command_from_info
    from typer.models import CommandInfo

    parameters = parameters_of(declared())
    name = "topolab train"
    if method is not None:
        _check_method_first(method, None)
        name = f"{name} {method}"
        parameters = _parameters_with(method, init)
    callback = with_parameters(train, parameters, after="only")
    info = CommandInfo(
        "train", callback=callback, context_settings={"ignore_unknown_options": True}
    )
    command = get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode="rich")
    with command.make_context(name, [], resilient_parsing=True) as context:
        text = command.get_help(context)
        if text:
            typer.echo(text)


def _parameters_with(name: str, init: str | None) -> list[Any]:
    from topolab.registry import find

    method = find("methods", name)()
    defaults = method.defaults
    init = init or defaults.get("init") or _default_of("init")
    check_name("inits", init)
    own = {option.name for option in method.options}
    of_masks = [o for o in method.options_with(init) if o.name not in own]
    defaults = {**defaults, "init": init}
    return [
        *parameters_of(method.options, panel=f"Options of {name}", defaults=defaults),
        *parameters_of(of_masks, panel=f"Options of --init {init}", defaults=defaults),
        *parameters_of(declared(), defaults=defaults),
    ]


def _default_of(name: str) -> Any:
    return next(option.default for option in declared() if option.name == name)


# -- what is printed -------------------------------------------------------------------------


def _described(run: Run) -> dict[str, Any]:
    return {
        "run": str(run.path),
        "state": run.state,
        "snapshots": len(run),
        "last_step": int(run.steps[-1]),
        "test_accuracy": run[-1].metrics.get("test_accuracy"),
        "summary": run.summary,
    }


def _print_run(run: Run, as_json: bool, quiet: bool) -> None:
    if as_json:
        emit_json(_described(run))
        return
    accuracy = run[-1].metrics.get("test_accuracy")
    text = "" if accuracy is None else f", test accuracy {100 * accuracy:.2f} %"
    typer.echo(f"{run.path}: {len(run)} snapshots to step {run.steps[-1]}{text}")
    note(f"Next: topolab analyse {run.path}", quiet=quiet)


def _print_runs(runs: Sequence[Run], as_json: bool) -> None:
    if as_json:
        emit_json([_described(run) for run in runs])
        return
    rows = []
    for run in runs:
        accuracy = run[-1].metrics.get("test_accuracy")
        shown = "-" if accuracy is None else f"{100 * accuracy:.2f} %"
        rows.append((str(run.path), str(len(run)), shown))
    table(("run", "snapshots", "test accuracy"), rows)


# -- what is typed ---------------------------------------------------------------------------


def _check_method_first(method: str | None, recipe: str | None) -> None:
    if recipe is not None:
        return
    if method is None:
        raise ConfigError(
            "which method? `topolab train METHOD`, or a recipe: `topolab train --recipe NAME`"
        )
    if method.startswith("-"):
        raise ConfigError(f"put the method first: topolab train METHOD {method} ...")
    check_name("methods", method)


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

        own: Sequence[Option] = getattr(find("methods", method), "options", ())
        every = {option.name for option in own}
        unknown = [key for key in found if key not in every and key not in _init_options()]
        if unknown:
            dashed = [k.replace("_", "-") for k in (*shared, *every, *_init_options())]
            wrong = unknown[0].replace("_", "-")
            raise ConfigError(
                f"no such option --{wrong}{did_you_mean(wrong, dashed)}; see "
                f"`topolab train --help` and `topolab methods {method}`"
            )
    return found


def _init_options() -> set[str]:
    from topolab.registry import load_all

    return {o for own in load_all("inits", _option_names).values() for o in own}


def _option_names(init: Any) -> list[str]:
    return [option.name for option in init.options]


def _command(arguments: Sequence[str]) -> str:
    return shlex.join(["topolab", *arguments])


def _resuming(arguments: Sequence[str], path: Path) -> str:
    """The command that goes on with a run."""
    repeated = [a for a in arguments if a != "--resume"]
    if repeated[:1] == ["train"]:
        if "--out" not in repeated and not any(a.startswith("--out=") for a in repeated):
            repeated += ["--out", str(path)]
        repeated.append("--resume")
    return _command(repeated)
