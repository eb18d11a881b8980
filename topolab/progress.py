"""How far something is: one protocol, and a bar where a person looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any, Protocol

__all__ = ["Progress", "progress_shown"]


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


@contextmanager
def progress_shown(progress: Progress | bool | None = None) -> Iterator[Progress]:
    """Somewhere to report progress to, for as long as the work goes on.

    Parameters
    ----------
    progress : Progress, bool or None
        A callable of yours; False for none; True for a bar; None for a bar where a person looks: a
        terminal or a notebook.

    Yields
    ------
    Progress

    Examples
    --------
    >>> seen = []
    >>> with progress_shown(lambda *report: seen.append(report)) as tell:
    ...     tell("reading", 1, 2)
    >>> seen
    [('reading', 1, 2)]
    """
    if callable(progress):
        yield progress
    elif progress is False:
        yield _silent
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
                tasks[what] = bars.add_task(what, total=total, detail="")
            bars.update(tasks[what], completed=done, total=total, detail=detail)

        yield report


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    shell = sys.modules.get("IPython")
    found = shell.get_ipython() if shell is not None else None
    return found is not None and hasattr(found, "kernel")


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
