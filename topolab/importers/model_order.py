"""The layers in the order of the network, as the user names them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from topolab.chaining import is_apart
from topolab.errors import ConfigError
from topolab.paths import from_home

__all__ = ["read_model_order"]


def read_model_order(
    model_order: str | os.PathLike[str] | Sequence[str] | None,
) -> tuple[tuple[str, ...] | None, dict[str, str]]:
    """Names in the model's order, and what each reads; from a file with one layer on a line."""
    if model_order is None:
        return None, {}
    words = [line.split("#")[0].split() for line in _lines(model_order)]
    words = [line for line in words if line]
    wrong = next((line for line in words if len(line) > 2), None)
    if wrong is not None or not words:
        raise ConfigError(
            f"{model_order}: one layer on a line, optionally followed by the layer it reads"
            + (f"; {' '.join(wrong)!r} is more" if wrong else "; it has none")
        )
    order = tuple(line[0] for line in words)
    twice = sorted({name for name in order if order.count(name) > 1})
    if twice:
        raise ConfigError(f"{model_order}: {', '.join(twice)} is there twice")
    for position, line in enumerate(words):
        known = ("input", *order[:position])
        if len(line) == 2 and not is_apart(line[1]) and line[1] not in known:
            raise ConfigError(
                f"{model_order}: {line[0]} reads {line[1]}, which is not a layer before it; "
                f"there is {', '.join(known)}; {line[0]}:in stands for inputs of its own"
            )
    return order, {line[0]: line[1] for line in words if len(line) == 2}


def _lines(given: str | os.PathLike[str] | Sequence[str]) -> list[str]:
    if isinstance(given, (str, os.PathLike)):
        try:
            return from_home(given).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{given}: the names cannot be read ({error})") from error
    lines = list(given) if isinstance(given, Iterable) else [given]
    if not all(isinstance(line, str) for line in lines):
        raise ConfigError(
            f"model_order = {given!r:.80} is neither a file nor the names of the layers"
        )
    return lines
