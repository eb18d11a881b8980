"""Topology curves for TensorBoard. Needs ``pip install "topolab[tensorboard]"``."""

from __future__ import annotations

import io
import itertools
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from topolab.errors import ConfigError, RunError
from topolab.integrations.curves import CurveWriter, needed
from topolab.integrations.tracker import Tracker
from topolab.run import Run
from topolab.snapshot import Snapshot

__all__ = ["TensorBoard", "TensorBoardWriter"]

_NUMBER = itertools.count()


class TensorBoardWriter(CurveWriter):
    """Writes scalars that ``tensorboard --logdir`` shows.

    Parameters
    ----------
    folder : path
        Where the event file goes.
    measure : callable, optional
        Snapshot -> numbers by name, in place of `topolab.integrations.curves.curves`.

    Raises
    ------
    ConfigError
        If TensorBoard is not installed.
    RunError
        If the disk refuses, here or at a later step.

    Examples
    --------
    As a listener of a training, or for a run that is there::

        topolab.attach(optimizer, model, "runs/mine", listeners=[TensorBoardWriter("tb/mine")])

        with TensorBoardWriter("tb/mine") as writer:
            writer.write(topolab.open_run("runs/mine"))
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        measure: Callable[[Snapshot], Mapping[str, float]] | None = None,
    ) -> None:
        super().__init__(measure)
        needed("tensorboard", "tensorboard")
        # Not its SummaryWriter, whose thread answers a full disk with a traceback of its own.
        self._records = needed("tensorboard.summary.writer.record_writer", "tensorboard")
        self._events = needed("tensorboard.compat.proto.event_pb2", "tensorboard")
        self._folder = Path(folder)
        self._made = not self._folder.exists()
        self._file = self._folder / (
            f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}"
            f".{os.getpid()}.{next(_NUMBER)}"
        )
        try:
            self._write([self._events.Event(wall_time=time.time(), file_version="brain.Event:2")])
        except RunError:
            self.discard()
            raise

    def _write(self, events: list[Any]) -> None:
        """Append events to the file."""
        data = io.BytesIO()
        records = self._records.RecordWriter(data)
        for event in events:
            records.write(event.SerializeToString())
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                file.write(data.getvalue())
        except OSError as error:
            raise RunError(f"{self._file}: could not be written ({error.strerror})") from error

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write numbers of one step."""
        now = time.time()
        event = self._events.Event(wall_time=now, step=step)
        for name, value in values.items():
            event.summary.value.add(tag=name, simple_value=float(value))
        self._write([event])

    def close(self) -> None:
        """Nothing is held back, so there is nothing to do."""

    def discard(self) -> None:
        """Remove the event file, and its folder if it was made here and has nothing else."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)
            if self._made:
                self._folder.rmdir()


class TensorBoard(Tracker):
    """An event file for each run, in a folder of its name."""

    name = "tensorboard"
    summary = "An event file for each run, which `tensorboard --logdir` shows."
    needs = 'pip install "topolab[tensorboard]"'

    def writer(self, run: Run, out: Path, project: str) -> CurveWriter:
        """A writer to the folder of the run's name; there are no projects here."""
        return TensorBoardWriter(out / run.name)

    def look(self, out: Path) -> str:
        """Show what is in a folder."""
        return f"tensorboard --logdir {out}"

    def check(self, runs: Sequence[Run], out: Path) -> None:
        """Refuse a folder that is there: TensorBoard would draw both, one over the other."""
        for run in runs:
            if (out / run.name).exists():
                raise ConfigError(
                    f"{out / run.name}: there already; remove it or choose another place (out)"
                )
