"""The command line: a shell that finds the commands of every installed package.

Errors become one line and an exit code.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info
from typer.models import CommandInfo

from topolab.cli.common import printable
from topolab.commands import Command, find_command
from topolab.errors import BrokenEntryWarning, ConfigError, PartialFailure, TopolabError
from topolab.registry import check_name, names

__all__ = ["app", "main"]

EXIT_INTERRUPTED = 130
EPILOG = (
    "Exit codes: 0 done, 2 a request that cannot be, 3 some of many failed, "
    "4 data missing, 130 interrupted."
)


class Shell(TyperGroup):
    """A group that loads a command when it is asked for.

    (What click's classes are called differs between versions of typer, hence `Any`.)
    """

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the help; what cannot be loaded is said and left out."""
        found: list[Command] = []
        for name in names("commands"):
            try:
                found.append(find_command(name))
            except ConfigError as error:
                typer.echo(f"topolab: {printable(str(error))}", err=True)
        return [command.name for command in sorted(found, key=lambda c: (c.order, c.name))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, or None."""
        if cmd_name not in names("commands"):
            return None
        command = find_command(cmd_name)
        info = CommandInfo(
            command.name, callback=command.callback, context_settings=dict(command.context)
        )
        return get_command_from_info(info, pretty_exceptions_short=True, rich_markup_mode="rich")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was typed; a misspelt one is refused with a hint."""
        if not args[0].startswith("-") and not ctx.resilient_parsing:
            check_name("commands", args[0])
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="topolab",
    cls=Shell,
    help="How does the wiring of a sparse neural network change while it learns?",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        from topolab import __version__

        typer.echo(f"topolab {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """How does the wiring of a sparse neural network change while it learns?"""


def main() -> None:
    """Run the command line and leave with its exit code."""
    with warnings.catch_warnings():  # which gives the way of showing them back
        warnings.showwarning = _show_warning(warnings.showwarning)
        _run()


def _show_warning(otherwise: Callable[..., None]) -> Callable[..., None]:
    """Our own warnings once each, as a line like any other; the rest as it was shown before."""
    shown: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
        if issubclass(category, BrokenEntryWarning):
            if str(message) not in shown:
                typer.echo(f"topolab: {printable(str(message))}", err=True)
            shown.add(str(message))
        else:
            otherwise(message, category, *place)

    return show


def _run() -> None:
    try:
        app(prog_name="topolab", standalone_mode=True)
    except TopolabError as error:
        for reason in error.reasons() if isinstance(error, PartialFailure) else ():
            typer.echo(f"topolab: {printable(reason)}", err=True)
        typer.echo(f"topolab: error: {printable(str(error))}", err=True)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("topolab: interrupted", err=True)
        raise SystemExit(EXIT_INTERRUPTED) from None
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
