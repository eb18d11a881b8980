"""Files that hold one layer each: which of them make one checkpoint."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from topolab.errors import ConfigError
from topolab.importers.base import FileKind
from topolab.importers.checkpoint import Checkpoint, stem
from topolab.importers.matfile import matrices_in
from topolab.importers.names import natural
from topolab.importers.numpy_files import scipy_shape
from topolab.importers.step_words import TIME, number_after

__all__ = ["group_by_layer", "holds_one_matrix"]


def holds_one_matrix(path: Path, kind: FileKind) -> bool:
    """Whether a file is one layer of a checkpoint, not a checkpoint of its own."""
    return kind == "scipy" or (kind == "matlab" and len(matrices_in(path)) == 1)


def group_by_layer(files: Sequence[tuple[Path, FileKind]]) -> list[Checkpoint]:
    """The checkpoints of files that hold one layer each, by their names and folders.

    Raises
    ------
    ConfigError
        If they could as well be one layer at several steps.
    """
    groups: dict[tuple[str, ...], list[tuple[str, Path]]] = {}
    kind = files[0][1]
    flat = _layers_and_steps(files)
    for path, _ in files:
        full = path.resolve()
        name, folder = stem(path), full.parent
        if path in flat:
            groups.setdefault((flat[path][1], ""), []).append((_clean(flat[path][0]), path))
            continue
        number = number_after(name, TIME)
        if number is not None:
            rest = (name[: number.start()] + name[number.end() :]).strip("_-. ")
            key: tuple[str, ...] = (number[0].strip("_-. "), str(folder) if rest else "")
            layer = rest or folder.name
        elif name.isdigit() and number_after(folder.name, TIME) is None:
            key, layer = (name, ""), folder.name
        else:
            layer = f"layer{name}" if name.isdigit() else name
            key = (folder.name, str(folder))
        groups.setdefault(key, []).append((_clean(layer), path))
    checkpoints = []
    for key in sorted(groups, key=lambda k: natural(k[0])):
        members = sorted(groups[key], key=lambda item: natural(item[0]))
        above = os.path.commonpath([str(path.parent) for _, path in members]) if members else ""
        label = str(members[0][1]) if len(members) == 1 else f"{Path(above)}: {key[0]}"
        checkpoints.append(
            Checkpoint(label, kind, tuple(path for _, path in members),
                   tuple(name for name, _ in members), (key[0],))
        )  # fmt: skip
    return checkpoints


def _layers_and_steps(files: Sequence[tuple[Path, FileKind]]) -> dict[Path, tuple[str, str]]:
    """Layer and step of files in one folder whose names are a layer and a number.

    ``fc1_100, fc1_200, fc2_100, fc2_200`` are two layers at two steps.

    Raises
    ------
    ConfigError
        If they could as well be the layers of one checkpoint.
    """
    folders = {path.resolve().parent for path, _ in files}
    stems = {path: stem(path) for path, _ in files}
    if len(folders) > 1 or len(files) < 2 or any(number_after(s, TIME) for s in stems.values()):
        return {}
    parts = {path: re.fullmatch(r"(.*?)[ ._-]*(\d+)", name) for path, name in stems.items()}
    split = {path: (m[1], m[2]) for path, m in parts.items() if m is not None and m[1]}
    if len(split) < len(files):
        return {}
    steps: dict[str, set[int]] = {}
    for name, number in split.values():
        steps.setdefault(name, set()).add(int(number))
    times = next(iter(steps.values()))
    if len(steps) > 1 and len(times) > 1 and all(one == times for one in steps.values()):
        return split
    if len(steps) > 1 or number_after(next(iter(folders)).name, TIME) is not None:
        return {}
    shapes = {_shape(path, kind) for path, kind in files}
    if len(shapes) > 1:
        return {}
    first, second = list(stems.values())[:2]
    raise ConfigError(
        f"{first} and {second}: layers of one checkpoint, or one layer at several times? All are "
        "of one shape. Put each checkpoint into a folder of its own (step_1, step_2), or name the "
        f'files after layer and step, such as "{_clean(split[next(iter(split))][0])}_step1"'
    )


def _shape(path: Path, kind: FileKind) -> tuple[int, ...]:
    return matrices_in(path)[0][1] if kind == "matlab" else scipy_shape(path)


def _clean(name: str) -> str:
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9_.-]", "_", name)).strip(".") or "layer"
