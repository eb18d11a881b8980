"""The commands of ``topolab``, put together; errors become one line and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from topolab.cli import (
    analyse,
    compare,
    data,
    demo,
    export,
    figure,
    import_,
    log,
    report,
    show,
    train,
    verify,
    watch,
)
from topolab.cli.common import printable
from topolab.errors import TopolabError

__all__ = ["app", "main"]

EXIT_INTERRUPTED = 130
EPILOG = (
    "Exit codes: 0 done, 2 a request that cannot be, 3 some of many failed, "
    "4 data missing, 130 interrupted."
)

app = typer.Typer(
    name="topolab",
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


app.command("demo")(demo.demo)
# What a method or an initialisation declares besides is read in `train` itself.
app.command("train", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    train.train
)
app.command("import")(import_.import_)
app.command("analyse")(analyse.analyse)
app.command("compare")(compare.compare)
app.command("report")(report.report)
app.command("figure")(figure.figure)
app.command("figures")(figure.figures)
app.command("watch")(watch.watch)
app.command("log")(log.log)
app.command("export")(export.export)
app.command("show")(show.show)
app.command("verify")(verify.verify)
app.command("methods")(data.methods)
app.command("inits")(data.inits)
app.command("recipes")(data.recipes)
app.command("analyses")(data.analyses)
app.command("data")(data.datasets)


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        app(prog_name="topolab", standalone_mode=True)
    except TopolabError as error:
        typer.echo(f"topolab: error: {printable(str(error))}", err=True)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("topolab: interrupted", err=True)
        raise SystemExit(EXIT_INTERRUPTED) from None
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
