"""What the public doors are given: paths and settings that can be, or a sentence."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from topolab.errors import ConfigError
from topolab.paths import is_path, read_path
from topolab.registry import names
from topolab.run import Run

__all__ = ["check_settings", "image_size", "one_path", "path_list", "whole_seed"]


def path_list(paths: Any) -> list[str | os.PathLike[str]]:
    """One path or several, as a list.

    Raises
    ------
    ConfigError
        If something is no path.

    Examples
    --------
    >>> path_list("a.pt"), path_list(("a.pt", "b.pt"))
    (['a.pt'], ['a.pt', 'b.pt'])
    """
    if isinstance(paths, Run):
        raise ConfigError(f"{paths.path}: a run of topolab already; it needs no import")
    if is_path(paths):
        return [paths]
    if isinstance(paths, (str, bytes, os.PathLike, Mapping)) or not isinstance(paths, Iterable):
        raise ConfigError(
            f"paths = {paths!r:.80} is neither a path nor several; give the files, folders or "
            "globs of the checkpoints"
        )
    given = list(paths)
    for item in given:
        if not is_path(item):
            raise ConfigError(
                f"paths holds {item!r:.80}, which is no path; give the files, folders or globs of "
                "the checkpoints"
            )
    return given


def one_path(out: Any) -> Path:
    """The folder of the new run; ``~`` is the home.

    Raises
    ------
    ConfigError
        If it is no path.
    """
    return read_path(out, "out", "give the folder of the new run")


def check_settings(
    format: Any, step_from: Any, orientation: Any, bias_row: Any, max_bytes: Any
) -> None:
    """Refuse a setting that is none of those there are.

    Raises
    ------
    ConfigError
        Naming it, and what it could be.
    """
    if format != "auto" and format not in names("importers"):
        raise ConfigError(
            f"unknown convention {format!r}; there is auto, {', '.join(names('importers'))}"
        )
    if step_from not in ("name", "key"):
        raise ConfigError(f"step_from = {step_from!r} is neither name nor key")
    if orientation not in ("auto", "out-in", "in-out"):
        raise ConfigError(f"orientation = {orientation!r} is none of auto, out-in, in-out")
    if bias_row is not None and not isinstance(bias_row, (bool, np.bool_)):
        raise ConfigError(f"bias_row = {bias_row!r:.80} is neither True nor False nor None")
    if not isinstance(max_bytes, (int, float, np.number)) or not max_bytes >= 1:
        raise ConfigError(f"max_bytes = {max_bytes!r:.80} must be at least 1")


def image_size(image_shape: Any) -> tuple[int, int, int] | None:
    """Channels, height and width of the input.

    Raises
    ------
    ConfigError
        If these are not three numbers above 0.

    Examples
    --------
    >>> image_size([1, 28, 28])
    (1, 28, 28)
    """
    if image_shape is None:
        return None
    try:
        channels, height, width = (operator.index(size) for size in image_shape)
    except (TypeError, ValueError):
        channels = height = width = 0
    if min(channels, height, width) < 1:
        raise ConfigError(
            f"image_shape = {image_shape!r:.80} is not (channels, height, width), three whole "
            "numbers above 0, such as (1, 28, 28)"
        )
    return channels, height, width


def whole_seed(seed: Any) -> int | None:
    """The seed of the training.

    Raises
    ------
    ConfigError
        If it is no whole number.
    """
    try:
        return None if seed is None else operator.index(seed)
    except TypeError:
        raise ConfigError(f"seed = {seed!r:.80} is no whole number") from None
