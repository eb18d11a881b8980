"""Where a page or a figure is written to: looked at before anything is computed."""

from __future__ import annotations

from pathlib import Path

from topolab.errors import ConfigError

__all__ = ["check_counts", "check_place"]


def check_place(out: Path, *, example: str) -> None:
    """Refuse a place where no file can be written.

    Parameters
    ----------
    out : Path
    example : str
        Name of a file, for the hint.

    Raises
    ------
    ConfigError
        If it is a folder, or in a folder that is not there.
    """
    if out.is_dir():
        raise ConfigError(f"{out}: is a folder; give the file to write, such as {out}/{example}")
    if not out.parent.is_dir():
        raise ConfigError(f"{out}: there is no folder {out.parent}; make it first")


def check_counts(**settings: int | None) -> None:
    """Refuse a number of something that is below 1; None stands for a default.

    Raises
    ------
    ConfigError
        Naming the first such setting.

    Examples
    --------
    >>> check_counts(frames=24, columns=None)
    >>> check_counts(frames=0)
    Traceback (most recent call last):
    ...
    topolab.errors.ConfigError: frames 0: at least one is needed
    """
    for name, value in settings.items():
        if value is not None and value < 1:
            raise ConfigError(f"{name} {value}: at least one is needed")
