"""Paths as people write them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["from_home", "is_path"]


def is_path(value: object) -> bool:
    """Whether this is a path of text: a ``str`` or what ``pathlib`` makes.

    Examples
    --------
    >>> is_path("runs/mine"), is_path(Path("runs")), is_path(None), is_path(b"runs")
    (True, True, False, False)
    """
    return isinstance(value, (str, os.PathLike)) and isinstance(os.fspath(value), str)


def from_home(path: str | os.PathLike[str]) -> Path:
    """A path with ``~`` for the home folder, as a shell would have resolved it.

    Examples
    --------
    >>> from_home("~/runs") == Path.home() / "runs", from_home("runs/~").as_posix()
    (True, 'runs/~')
    """
    with suppress(RuntimeError):  # nobody of this name has a home here
        return Path(path).expanduser()
    return Path(path)
