"""How far something is: one protocol, and a bar where a person looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from typing import Any, Protocol

from topolab.errors import ConfigError

__all__ = ["Progress", "progress_shown"]

#: Bars of what is finished that stay while others go on; a hundred would fill the terminal.
FINISHED = 6


class Progress(Protocol):
    """Anything that can be told how far something is."""

    def __call__(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        """Take a report.

        Parameters
        ----------
        what : str
            What is being done: a run, an analysis, a file. Several can go on at once.
        done : int
            How much of it.
        total : int or None
            Of how much; None if nobody knows.
        detail : str
            A remark, such as an accuracy.
        """


def _silent(what: str, done: int, total: int | None, detail: str = "") -> None:
    """Nobody looks."""


#: Where the work reports to that this work is a part of.
_around: ContextVar[Progress | None] = ContextVar("_around", default=None)


@contextmanager
def progress_shown(progress: Progress | bool | None = None) -> Iterator[Progress]:
    """Somewhere to report progress to, for as long as the work goes on.

    Parameters
    ----------
    progress : Progress, bool or None
        A callable of yours; False for none; True for a bar; None for a bar where a person looks: a
        terminal or a notebook. Work that is a part of other work reports, with None, where that
        does.

    Yields
    ------
    Progress

    Raises
    ------
    ConfigError
        If `progress` is something else.

    Examples
    --------
    >>> seen = []
    >>> with progress_shown(lambda *report: seen.append(report)) as tell:
    ...     tell("reading", 1, 2)
    >>> seen
    [('reading', 1, 2, '')]
    """
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise ConfigError(
            f"progress {progress!r}: give a function of (what, done, total, detail), True, False "
            "or None"
        )
    with _shown(progress) as report:
        token = _around.set(report)
        try:
            yield report
        finally:
            _around.reset(token)


@contextmanager
def _shown(progress: Progress | bool | None) -> Iterator[Progress]:
    around = _around.get()
    if progress is not None and not isinstance(progress, bool):
        yours = progress
        # Always with four, so that a function of yours needs no defaults.
        yield lambda what, done, total, detail="": yours(what, done, total, detail)
    elif progress is False:
        yield _silent
    elif around is not None and (progress is None or around is not _silent):
        yield around  # two bars of one terminal would be in each other's way
    elif _in_notebook():
        yield from _notebook_bars()
    elif progress or sys.stderr.isatty():
        yield from _terminal_bars()
    else:
        yield _silent


def _terminal_bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int | None, detail: str = "") -> None:
            if what not in tasks:
                finished = [task.id for task in bars.tasks if task.finished]
                for old in finished[: max(0, len(finished) - FINISHED)]:
                    bars.update(old, visible=False)
                tasks[what] = bars.add_task(what, total=total, detail="")
            bars.update(tasks[what], completed=done, total=total, detail=detail)

        yield report


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell: Any = sys.modules.get("IPython")
    found = shell.get_ipython() if hasattr(shell, "get_ipython") else None
    return hasattr(found, "kernel")


def _notebook_bars() -> Iterator[Progress]:
    """A line that is renewed at most five times a second, and gone at the end."""
    from importlib import import_module

    display = import_module("IPython.display")
    shown = display.display(display.HTML(""), display_id=True)
    last = 0.0

    def report(what: str, done: int, total: int | None, detail: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < 0.2 and done != total:
            return
        last = now
        bar = "<progress>" if total is None else f"<progress value={done} max={max(total, 1)}>"
        of = "" if total is None else f"{done} of {total}"
        shown.update(display.HTML(f"{escape(what)} {bar}</progress> {of} {escape(detail)}"))

    try:
        yield report
    finally:
        shown.update(display.HTML(""))
