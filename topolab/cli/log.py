"""``topolab log``: the topology curves of runs, into an experiment tracker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from topolab.cli.common import AsJson, Quiet, emit_json, note, progress_bar

if TYPE_CHECKING:
    from topolab.integrations.curves import CurveWriter
    from topolab.run import Run

__all__ = ["log"]

TRACKERS = ("tensorboard", "wandb", "mlflow")


def log(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.", show_default=False)],
    to: Annotated[
        str,
        typer.Option(
            help="tensorboard, wandb or mlflow.",
            show_default=False,
            autocompletion=lambda incomplete: [n for n in TRACKERS if n.startswith(incomplete)],
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("curves"),
    project: Annotated[
        str, typer.Option(help="Name of the W&B project or the MLflow experiment.")
    ] = "topolab",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write density, fan-in CCV, Gini, highest core and metrics of every snapshot.

    Everything stays on this machine: W&B is used offline (wandb sync sends it), MLflow with a
    file in --out.
    """
    from topolab.errors import ConfigError
    from topolab.run import open_run

    if to not in TRACKERS:
        raise ConfigError(f"--to {to!r}: there is {', '.join(TRACKERS)}")
    opened = [open_run(path) for path in runs]
    names = [run.name for run in opened]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"two runs are named {', '.join(twice)}; log them into two folders")
    if to == "tensorboard":
        for name in names:
            if (out / name).exists():  # TensorBoard would draw both, one over the other
                raise ConfigError(f"{out / name}: there already; remove it or choose another --out")
    done: list[dict[str, Any]] = []
    with progress_bar(quiet=quiet or as_json) as bar, _all_or_nothing(to, out) as made:
        for run in opened:
            task = bar.add_task(run.name, total=len(run), detail="") if bar else None
            with _one_line(to, out):
                writer = _writer(to, run, out, project)
                made.append(writer)
                with writer:
                    for snapshot in run:
                        writer(snapshot)
                        if bar is not None and task is not None:
                            bar.advance(task)
            done.append({"run": str(run.path), "snapshots": len(run), "to": to, "out": str(out)})
    if as_json:
        emit_json(done)
        return
    typer.echo(str(out))
    look = {
        "tensorboard": f"tensorboard --logdir {out}",
        "wandb": f"wandb sync {out}/wandb/offline-run-*",
        "mlflow": f"mlflow ui --backend-store-uri {_uri(out)}",
    }
    note(f"Next: {look[to]}", quiet=quiet)


@contextmanager
def _one_line(to: str, out: Path) -> Iterator[None]:
    """Whatever a tracker raises, as an error of ours."""
    from topolab.errors import RunError, TopolabError

    try:
        yield
    except TopolabError:
        raise
    except Exception as error:
        said = (str(error).splitlines() or [""])[0]
        raise RunError(
            f"{out}: {to} could not write there ({type(error).__name__}: {said:.300})"
        ) from error


@contextmanager
def _all_or_nothing(to: str, out: Path) -> Iterator[list[CurveWriter]]:
    """If it fails, what this call made is removed, so that it can be tried again."""
    made: list[CurveWriter] = []
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    new = to == "mlflow" and not _database(out).exists()
    try:
        yield made
    except BaseException:
        for writer in made:
            with suppress(Exception):  # the first error matters
                writer.discard()
        with suppress(OSError):
            if new and not made:  # a database that has not come as far as its first run
                _database(out).unlink(missing_ok=True)
            for folder in missing:  # only if empty: somebody else may write there by now
                folder.rmdir()
        raise


def _database(out: Path) -> Path:
    return out.resolve() / "mlflow.db"


def _uri(out: Path) -> str:
    return f"sqlite:///{_database(out)}"


def _writer(to: str, run: Run, out: Path, project: str) -> CurveWriter:
    from topolab.errors import ConfigError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{out}: the folder cannot be made ({error.strerror})") from error
    if to == "tensorboard":
        from topolab.integrations.tensorboard import TensorBoardWriter

        return TensorBoardWriter(out / run.name)
    if to == "wandb":
        from topolab.integrations.wandb import WandbWriter

        return WandbWriter(
            project=project, name=run.name, dir=out, config=run.config, mode="offline"
        )
    from topolab.integrations.mlflow import MlflowWriter

    return MlflowWriter(tracking_uri=_uri(out), experiment=project, name=run.name)
