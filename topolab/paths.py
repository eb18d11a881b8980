"""Paths as people write them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["from_home"]


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
