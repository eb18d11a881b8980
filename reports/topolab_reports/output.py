"""Where a page or a figure is written to, and counts: looked at before anything is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from topolab.errors import ConfigError
from topolab.options import whole
from topolab.paths import from_home, is_path

__all__ = ["at_least_one", "file_to_write"]


def file_to_write(given: Any, *, example: str) -> Path:
    """The file that a page or a figure goes to; ``~`` is the home.

    Parameters
    ----------
    given : path
    example : str
        Name of a file, for the hint.

    Raises
    ------
    ConfigError
        If it is no path, a folder, or in a folder that is not there.
    """
    if not is_path(given):
        raise ConfigError(
            f"out = {given!r:.80} is no path; give the file to write, such as {example}"
        )
    out = from_home(given)
    if out.is_dir():
        raise ConfigError(f"{out}: is a folder; give the file to write, such as {out}/{example}")
    if not out.parent.is_dir():
        raise ConfigError(f"{out}: there is no folder {out.parent}; make it first")
    return out


def at_least_one(name: str, value: Any) -> int:
    """A number of something, from a number or its text.

    Raises
    ------
    ConfigError
        If it is no whole number, or below 1.

    Examples
    --------
    >>> at_least_one("frames", 24)
    24
    >>> at_least_one("frames", 0)
    Traceback (most recent call last):
    ...
    topolab.errors.ConfigError: frames 0: at least one is needed
    """
    number = whole(name, value)
    if number < 1:
        raise ConfigError(f"{name} {value}: at least one is needed")
    return number
