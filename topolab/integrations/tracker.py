"""What an experiment tracker is: where curves are written to, and how they are looked at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from topolab.integrations.curves import CurveWriter
from topolab.run import Run

__all__ = ["Tracker"]


class Tracker(ABC):
    """An experiment tracker. Subclass it and name it as an entry point in ``topolab.trackers``.

    The package behind it is imported when `writer` is called, not before.

    Attributes
    ----------
    name : str
        As in the entry point.
    summary : str
        One sentence: what is written, and where to.
    needs : str
        How to install what it needs.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    needs: ClassVar[str]

    @abstractmethod
    def writer(self, run: Run, out: Path, project: str) -> CurveWriter:
        """Something that writes the curves of one run.

        Parameters
        ----------
        run : Run
            Its name is the name there.
        out : Path
            The folder to write to, which exists. Nothing may leave this machine.
        project : str
            What the tracker gathers runs under, where it does.

        Raises
        ------
        ConfigError
            If what it needs is not installed.
        """

    @abstractmethod
    def look(self, out: Path) -> str:
        """The command that shows, or sends, what was written."""

    def check(self, runs: Sequence[Run], out: Path) -> None:  # noqa: B027  # most have no reason
        """Refuse runs whose curves would be mixed with what is at `out` already.

        Raises
        ------
        ConfigError
            Naming what is there.
        """

    def shared_files(self, out: Path) -> tuple[Path, ...]:
        """Files at `out` that all runs share, and that are there before the first one is."""
        return ()
