"""Paths as people write them."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from topolab.errors import ConfigError

__all__ = ["from_home", "is_file_name", "is_path", "read_path"]


def is_path(value: object) -> bool:
    """Whether this can be a path: a ``str``, or what ``pathlib`` makes, that the system takes.

    Examples
    --------
    >>> is_path("runs/mine"), is_path(Path("runs")), is_path(None), is_path(b"runs")
    (True, True, False, False)
    """
    if not isinstance(value, (str, os.PathLike)):
        return False
    text = os.fspath(value)
    if not isinstance(text, str):
        return False
    try:
        os.lstat(text)
    except ValueError:  # a null character, or half of one that takes two
        return False
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
    return True


def is_file_name(value: object) -> bool:
    """Whether this names something in a folder, and nothing above or below it.

    Examples
    --------
    >>> is_file_name("rigl-s1"), is_file_name("../rigl"), is_file_name(".."), is_file_name("a/b")
    (True, False, False, False)
    """
    return (
        isinstance(value, str) and is_path(value) and value not in ("", ".", "..")
        and not {"/", "\\"} & set(value)
    )  # fmt: skip


def read_path(value: object, name: str, otherwise: str) -> Path:
    """The path that was given; ``~`` is the home.

    Parameters
    ----------
    value
    name : str
        What it was given as.
    otherwise : str
        What to give, said where it is no path.

    Raises
    ------
    ConfigError
        If it is no path.

    Examples
    --------
    >>> read_path("curves", "out", "give a folder").name
    'curves'
    >>> read_path(5, "out", "give a folder")
    Traceback (most recent call last):
    topolab.errors.ConfigError: out = 5 is no path; give a folder
    """
    if not is_path(value):
        raise ConfigError(f"{name} = {value!r:.80} is no path; {otherwise}")
    assert isinstance(value, (str, os.PathLike))
    return from_home(value)


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
