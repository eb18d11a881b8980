"""What a checkpoint is before it is opened: its files, and what may name its step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from topolab.importers.base import FileKind

__all__ = ["Checkpoint", "stem"]

_SUFFIXES = re.compile(
    r"\.(pt|pth|ckpt|tar|bin|th|npz|npy|mat|safetensors|pkl|pickle|gz)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint.

    Parameters
    ----------
    label : str
    kind : str
    files : tuple of Path
    layers : tuple of str, optional
        Per file its layer, where a file holds one.
    parts : tuple of str
        What may name the step: the stem, then the folders above.
    """

    label: str
    kind: FileKind
    files: tuple[Path, ...]
    layers: tuple[str, ...] | None
    parts: tuple[str, ...]


def stem(path: Path) -> str:
    """The name of a file without the endings of checkpoints.

    Examples
    --------
    >>> stem(Path("runs/rigl_s0.9.pth.tar"))
    'rigl_s0.9'
    """
    name = path.name
    while _SUFFIXES.search(name):
        name = _SUFFIXES.sub("", name)
    return name
