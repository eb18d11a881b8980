"""The errors topolab raises on purpose.

Every one is a `TopolabError`. Its message is one line that says what was wrong, where, and
what to do about it; its ``exit_code`` is what the command line returns for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

__all__ = [
    "AnalysisError",
    "BrokenEntryWarning",
    "ConfigError",
    "FormatVersionError",
    "LayerError",
    "MissingDataError",
    "PartialFailure",
    "RunError",
    "RunExistsError",
    "SnapshotError",
    "TableError",
    "TopolabError",
    "UnknownLayerError",
]


class TopolabError(Exception):
    """Anything topolab refuses, with a message meant for the person who asked.

    Examples
    --------
    >>> TopolabError("no run at runs/x; list runs with `topolab show runs`").exit_code
    2
    """

    exit_code: int = 2


class ConfigError(TopolabError):
    """A setting that does not exist, is out of range or contradicts another."""


class BrokenEntryWarning(UserWarning):
    """Something that a package adds to topolab cannot be loaded, and is left out of a list."""


class LayerError(TopolabError):
    """A layer that is unknown, has the wrong shape, or does not chain with its neighbours."""


class UnknownLayerError(LayerError, KeyError):
    """A layer that the run does not have; a KeyError too, so that ``.get`` works on mappings."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would show it in quotes


class RunError(TopolabError):
    """A run folder that cannot be opened, written or continued."""


class RunExistsError(RunError):
    """A new run was asked for where one already is."""


class SnapshotError(TopolabError):
    """A snapshot file that is truncated, altered, foreign or out of place."""


class FormatVersionError(TopolabError):
    """A file written by a newer topolab than this one."""


class TableError(TopolabError):
    """A table whose columns are not the declared ones."""


class AnalysisError(TopolabError):
    """An analysis that cannot answer for this run, or data it must not accept."""


class MissingDataError(TopolabError):
    """A data set that is not on this machine; the message says how to get it."""

    exit_code = 4


class PartialFailure(TopolabError):
    """Some of many failed: the rest is done, and the message names what is not.

    Parameters
    ----------
    message : str
    done : sequence
        What was done.
    failed : sequence of (str, TopolabError)
        What failed, and why; a traceback shows it.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        done: Sequence[Any] = (),
        failed: Sequence[tuple[str, TopolabError]] = (),
    ) -> None:
        super().__init__(message)
        self.done, self.failed = done, failed
        for reason in self.reasons():
            self.add_note(reason)

    def reasons(self) -> list[str]:
        """A line for each that failed; one whose error begins with its name is named once.

        Examples
        --------
        >>> nothing = AnalysisError("mine: nothing is there to fit")
        >>> PartialFailure("1 of 2 failed", failed=[("runs/mine: powerlaw", nothing)]).reasons()
        ['runs/mine: powerlaw: nothing is there to fit']
        """
        lines = []
        for name, error in self.failed:
            first = name.partition(": ")[0]
            said = str(error)
            for again in (first, PurePath(first).name):
                said = said.removeprefix(f"{again}: ")
            lines.append(f"{name}: {said}")
        return lines
