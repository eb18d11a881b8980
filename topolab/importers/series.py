"""From paths to checkpoints: the files in folders and globs, and which belong together."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from topolab.errors import ConfigError
from topolab.importers.base import CheckpointError, FileKind
from topolab.importers.checkpoint import Checkpoint, stem
from topolab.importers.layer_files import group_by_layer, holds_one_matrix
from topolab.importers.loading import sniff
from topolab.importers.names import natural
from topolab.paths import from_home
from topolab.store.layout import RunFiles

__all__ = ["gather"]

#: Names that checkpoints have.
_ENDINGS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".npz", ".mat", ".tar")


def gather(paths: Sequence[str | os.PathLike[str]]) -> list[Checkpoint]:
    """The checkpoints in files, folders and globs.

    A file that holds one matrix (scipy's .npz, a .mat) is one layer: of the epoch that its name
    or its folder's name gives. Every other file is a checkpoint of its own.

    Raises
    ------
    ConfigError
        If there is nothing, or what there is cannot be one series.
    """
    files = _files(paths)
    kinds = {_family(kind) for _, kind in files}
    if len(kinds) > 1:
        examples = ", ".join(f"{next(f for f, k in files if _family(k) == kind)}" for kind in
                          sorted(kinds))  # fmt: skip
        raise ConfigError(
            f"files of several kinds cannot be one series (such as {examples}); "
            "give the paths of one"
        )
    single = [(path, kind) for path, kind in files if holds_one_matrix(path, kind)]
    if single and len(single) < len(files):
        other = next(path for path, kind in files if (path, kind) not in single)
        raise ConfigError(
            f"{single[0][0]} holds one layer and {other} several; give the paths of one series"
        )
    if single:
        return group_by_layer(files)
    base = _common_folder(files)
    return [
        Checkpoint(str(path), kind, (path,), None, _parts(path, base, alone=len(files) == 1))
        for path, kind in files
    ]


def _family(kind: FileKind) -> str:
    return "torch" if kind == "legacy" else kind


def _files(paths: Sequence[str | os.PathLike[str]]) -> list[tuple[Path, FileKind]]:
    kinds: dict[Path, FileKind] = {}
    for path in [path for item in paths for path in _matches(item)]:
        if path.is_dir():
            kinds |= _files_below(path)
            continue
        _check_plain(path)
        kind = sniff(path)
        if kind is None:
            raise CheckpointError(
                f"{path}: no checkpoint of a kind that is read (torch, safetensors, .npz, .mat)"
            )
        kinds[path] = kind
    if not kinds:
        raise ConfigError(
            f"{', '.join(map(str, paths)) or 'nothing'}: no checkpoint was found "
            "(torch, safetensors, .npz, .mat)"
        )
    return list(kinds.items())


def _matches(item: str | os.PathLike[str]) -> list[Path]:
    """The file or folder of this name, or all that are of this pattern; ``~`` is the home."""
    path = Path(item) if Path(item).exists() else from_home(item)
    if path.exists():
        return [path]
    if not glob.has_magic(str(path)):
        raise ConfigError(f"{path}: there is no such file or folder")
    matches = sorted(glob.glob(str(path), recursive=True), key=natural)  # noqa: PTH207
    if not matches:
        raise ConfigError(f"{path}: no file is of this pattern")
    return [Path(match) for match in matches]


def _files_below(path: Path) -> dict[Path, FileKind]:
    """The checkpoints in a folder and its folders; notes and what is hidden are passed over."""
    if RunFiles(path).exists():
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
    kinds: dict[Path, FileKind] = {}
    for file in sorted(inside, key=lambda p: natural(str(p))):
        _check_plain(file)
        kind = sniff(file)
        if kind is not None:
            kinds[file] = kind
    return kinds


def _check_plain(path: Path) -> None:
    """A pipe would wait for ever, and a link that leads nowhere is a checkpoint that is missing."""
    if not path.is_file():
        raise CheckpointError(f"{path}: no plain file, or a link that leads nowhere; take it away")


def _hidden(folder: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in folder.relative_to(root).parts)


def _common_folder(files: Sequence[tuple[Path, FileKind]]) -> Path:
    folders = [str(path.resolve().parent) for path, _ in files]
    return Path(os.path.commonpath(folders))


def _parts(path: Path, base: Path, *, alone: bool = False) -> tuple[str, ...]:
    full = path.resolve()
    above = full.parent.relative_to(base).parts
    if alone:
        above = (full.parent.name,)
    return (stem(path), *reversed(above))
