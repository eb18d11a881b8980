"""From paths to checkpoints in order: which files belong together, and what step each is of."""

from __future__ import annotations

import glob
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from topolab.errors import ConfigError
from topolab.importers.base import CheckpointError, Content
from topolab.importers.common import natural
from topolab.importers.loading import FileKind, sniff
from topolab.importers.matfile import matrices_in

__all__ = ["Moment", "gather", "number_at", "steps_by_name"]

_SUFFIXES = re.compile(
    r"\.(pt|pth|ckpt|tar|bin|th|npz|npy|mat|safetensors|pkl|pickle|gz)$", re.IGNORECASE
)
_STEP = r"(?:global_?step|steps?|iterations?|iters?|it|updates?)"
_EPOCH = r"(?:epochs?|ep)"
_CHECKPOINT = r"(?:checkpoint|ckpt)"
#: Names that checkpoints have.
_ENDINGS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".npz", ".mat", ".tar")
_KEYS = ("global_step", "step", "iteration", "iter", "steps", "epoch")
MAX_STEP = 10**15 - 1  # what the names of snapshot files have room for


@dataclass(frozen=True)
class Moment:
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


def gather(paths: Sequence[str | os.PathLike[str]]) -> list[Moment]:
    """The checkpoints in files, folders and globs.

    A file that holds one matrix (scipy's .npz, a .mat) is one layer: of the epoch that its name
    or its folder's name gives. Every other file is a checkpoint of its own.

    Raises
    ------
    ConfigError
        If there is nothing, or what there is cannot be one series.
    """
    files = _files(paths)
    base = _common(files)
    kinds = {_family(kind) for _, kind in files}
    if len(kinds) > 1:
        found = ", ".join(f"{next(f for f, k in files if _family(k) == kind)}" for kind in
                          sorted(kinds))  # fmt: skip
        raise ConfigError(
            f"files of several kinds cannot be one series (such as {found}); give the paths of one"
        )
    single = [(path, kind) for path, kind in files if _one_matrix(path, kind)]
    if single and len(single) < len(files):
        other = next(path for path, kind in files if (path, kind) not in single)
        raise ConfigError(
            f"{single[0][0]} holds one layer and {other} several; give the paths of one series"
        )
    if single:
        return _by_layer(files, base)
    return [
        Moment(str(path), kind, (path,), None, _parts(path, base, alone=len(files) == 1))
        for path, kind in files
    ]


def _family(kind: FileKind) -> str:
    return "torch" if kind == "legacy" else kind


def _files(paths: Sequence[str | os.PathLike[str]]) -> list[tuple[Path, FileKind]]:
    given: list[Path] = []
    for item in paths:
        path = Path(item)
        if not path.exists() and glob.has_magic(str(path)):
            matched = sorted(glob.glob(str(path), recursive=True), key=natural)  # noqa: PTH207
            if not matched:
                raise ConfigError(f"{path}: no file is of this pattern")
            given += [Path(m) for m in matched]
        elif not path.exists():
            raise ConfigError(f"{path}: there is no such file or folder")
        else:
            given.append(path)
    found: dict[Path, FileKind] = {}
    for path in given:
        if not path.is_dir():
            _plain(path)
            kind = sniff(path)
            if kind is None:
                raise CheckpointError(
                    f"{path}: no checkpoint of a kind that is read (torch, safetensors, .npz, .mat)"
                )
            found[path] = kind
            continue
        if (path / "run.json").is_file():
            raise ConfigError(f"{path}: a run of topolab already; it needs no import")
        for folder, inner, names in os.walk(path):
            if not inner and not names and Path(folder).suffix in _ENDINGS:
                raise CheckpointError(f"{folder}: an empty folder where a checkpoint should be")
        inside = [
            Path(folder) / name
            for folder, _, names in os.walk(path)
            for name in names
            if not name.startswith(".") and not _hidden(Path(folder), path)
        ]
        for file in sorted(inside, key=lambda p: natural(str(p))):
            _plain(file)
            kind = sniff(file)
            if kind is not None:
                found[file] = kind
    if not found:
        raise ConfigError(
            f"{', '.join(map(str, paths)) or 'nothing'}: no checkpoint was found "
            "(torch, safetensors, .npz, .mat)"
        )
    return list(found.items())


def _plain(path: Path) -> None:
    """A pipe would wait for ever, and a link that leads nowhere is a checkpoint that is missing."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no plain file, or a link that leads nowhere; take it away")


def _hidden(folder: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in folder.relative_to(root).parts)


def _common(files: Sequence[tuple[Path, FileKind]]) -> Path:
    folders = [str(path.resolve().parent) for path, _ in files]
    return Path(os.path.commonpath(folders))


def _parts(path: Path, base: Path, *, alone: bool = False) -> tuple[str, ...]:
    full = path.resolve()
    above = full.parent.relative_to(base).parts
    if alone:
        above = (full.parent.name,)
    return (_stem(path), *reversed(above))


def _stem(path: Path) -> str:
    name = path.name
    while _SUFFIXES.search(name):
        name = _SUFFIXES.sub("", name)
    return name


# -- files that hold one layer -----------------------------------------------------------------


def _one_matrix(path: Path, kind: FileKind) -> bool:
    return kind == "scipy" or (kind == "matlab" and len(matrices_in(path)) == 1)


def _by_layer(files: Sequence[tuple[Path, FileKind]], base: Path) -> list[Moment]:
    groups: dict[tuple[str, ...], list[tuple[str, Path]]] = {}
    kind = files[0][1]
    for path, _ in files:
        full = path.resolve()
        stem, folder = _stem(path), full.parent
        marked = _token(stem, f"{_STEP}|{_EPOCH}|{_CHECKPOINT}")
        if marked is not None:
            rest = (stem[: marked.start()] + stem[marked.end() :]).strip("_-. ")
            key: tuple[str, ...] = (marked[0].strip("_-. "), str(folder) if rest else "")
            layer = rest or folder.name
        elif stem.isdigit() and _token(folder.name, f"{_STEP}|{_EPOCH}|{_CHECKPOINT}") is None:
            key, layer = (stem, ""), folder.name
        else:
            layer = f"layer{stem}" if stem.isdigit() else stem
            key = (folder.name, str(folder))
        groups.setdefault(key, []).append((_clean(layer), path))
    moments = []
    for key in sorted(groups, key=lambda k: natural(k[0])):
        members = sorted(groups[key], key=lambda item: natural(item[0]))
        shown = os.path.commonpath([str(path.parent) for _, path in members]) if members else ""
        label = str(members[0][1]) if len(members) == 1 else f"{Path(shown)}: {key[0]}"
        moments.append(
            Moment(label, kind, tuple(path for _, path in members),
                   tuple(name for name, _ in members), (key[0],))
        )  # fmt: skip
    return moments


def _clean(name: str) -> str:
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9_.-]", "_", name)).strip(".") or "layer"


# -- steps ---------------------------------------------------------------------------------------


def _token(text: str, words: str) -> re.Match[str] | None:
    found = list(re.finditer(rf"(?i)(?<![a-z])(?:{words})[ _=-]*(\d+)", text))
    return found[-1] if found else None


def _named(words: str) -> Callable[[str], int | None]:
    def value(text: str) -> int | None:
        match = _token(text, words)
        return None if match is None else int(match[1])

    return value


def _last_number(text: str) -> int | None:
    numbers = re.findall(r"\d+", text)
    return int(numbers[-1]) if numbers else None


def _column(moments: Sequence[Moment], depth: int, read: Callable[[str], int | None]
            ) -> list[int] | None:  # fmt: skip
    values = [read(m.parts[depth]) if depth < len(m.parts) else None for m in moments]
    return None if None in values else [v for v in values if v is not None]


def steps_by_name(moments: Sequence[Moment]) -> tuple[list[int], list[int] | None, str]:
    """The step of every checkpoint from the numbers in its name, or its folder's.

    A number after step or iteration comes first, then one after epoch, then one after
    checkpoint, then the last; in the file's name before the folder's. One that differs between
    all checkpoints is taken.

    Returns
    -------
    steps, epochs : list of int
        Epochs are None where no name gives them.
    remark : str
        What was taken.

    Raises
    ------
    ConfigError
        If no number tells the checkpoints apart.
    """
    deepest = max(len(m.parts) for m in moments)
    readers = [(_named(_STEP), "the step"), (_named(_EPOCH), "the epoch"),
               (_named(_CHECKPOINT), "the number of the checkpoint"),
               (_last_number, "the last number")]  # fmt: skip
    tried = []
    epochs = next(
        (column for depth in range(deepest)
         if (column := _column(moments, depth, readers[1][0])) is not None), None
    )  # fmt: skip
    alone = len(moments) == 1
    for depth in range(deepest):
        for read, what in readers[: 3 if alone and depth else 4]:
            column = _column(moments, depth, read)
            if column is None:
                continue
            if len(set(column)) == len(column):
                where = "file" if depth == 0 else "folder"
                return column, epochs, f"steps are {what} in the names of the {where}s"
            tried.append((column, depth))
    if alone:
        return [0], epochs, "its name has no number: it is step 0"
    if tried:
        column, _ = tried[0]
        twice = next(v for v in column if column.count(v) > 1)
        same = [m.label for m, v in zip(moments, column, strict=True) if v == twice]
        raise ConfigError(
            f"{same[0]} and {same[1]}: both names give step {twice}; rename them, leave some out, "
            "or take the steps from inside with --step-from key"
        )
    bare = next(m.label for m in moments if _last_number(m.parts[0]) is None)
    raise ConfigError(
        f"{bare}: no number in its name tells its step; rename it, leave it out, or take the "
        "steps from inside with --step-from key"
    )


def number_at(content: Content, keys: Sequence[str] = _KEYS) -> tuple[float, str] | None:
    """A whole number under one of the usual keys, and the key; the outermost is taken."""
    level: list[tuple[str, Any]] = [("", content.value)]
    for _ in range(2):
        for wanted in keys:
            for place, item in level:
                number = _number(item.get(wanted)) if isinstance(item, Mapping) else None
                if number is not None:
                    return number, f"{place}{wanted}"
        level = [
            (f"{place}{key}.", value)
            for place, item in level
            if isinstance(item, Mapping)
            for key, value in item.items()
            if isinstance(key, str) and isinstance(value, Mapping)
        ]
    return None


def _number(value: Any) -> float | None:
    if hasattr(value, "item") and math.prod(getattr(value, "shape", ())) == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value) if isinstance(value, float) else value
