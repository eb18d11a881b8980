"""Names of parameters and layers: which layer a parameter is of, how names are sorted."""

from __future__ import annotations

import re

from topolab.importers.base import CheckpointContent, CheckpointError

__all__ = ["layer_name", "natural", "strip", "unique", "weight_layer"]

_OUTER = "module."
_WEIGHT = re.compile(r"(?:(.*)\.)?(?:weight|weight_orig|parametrizations\.weight\.original)")


def strip(key: str) -> str:
    """A parameter's name without the prefixes of DataParallel and torch.compile.

    Examples
    --------
    >>> strip("module._orig_mod.fc1.weight")
    'fc1.weight'
    """
    parts = [part for part in key.split(".") if part != "_orig_mod"]
    key = ".".join(parts)
    while key.startswith(_OUTER):
        key = key[len(_OUTER) :]
    return key


def layer_name(key: str) -> str:
    """The layer that a parameter belongs to.

    Examples
    --------
    >>> layer_name("module.fc1.weight"), layer_name("weight")
    ('fc1', 'layer')
    """
    name, _, last = strip(key).rpartition(".")
    if last in ("weight", "weight_mask", "mask", "kernel"):
        return name or "layer"
    return strip(key)


def weight_layer(key: str) -> str | None:
    """The layer whose weight this key holds, whole or before a norm is applied; None for others.

    Examples
    --------
    >>> weight_layer("fc.weight"), weight_layer("fc.weight_orig"), weight_layer("fc.bias")
    ('fc', 'fc', None)
    >>> weight_layer("fc.parametrizations.weight.original")
    'fc'
    """
    match = _WEIGHT.fullmatch(strip(key))
    return None if match is None else match[1] or "layer"


def natural(name: str) -> list[tuple[int, int | str]]:
    """A key to sort names with numbers in them: layer2 before layer10."""
    return [
        (0, int(part)) if len(part) < 19 and part.isdigit() and part.isascii() else (1, part)
        for part in re.split(r"([0-9]+)", name)
        if part
    ]


def unique(names: list[str], content: CheckpointContent) -> None:
    """Refuse two layers that have one name once their prefixes are gone.

    Raises
    ------
    CheckpointError
        Naming them.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CheckpointError(f"{content.label}: holds layer {', '.join(twice)} twice")
