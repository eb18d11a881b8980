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
from topolab.importers.base import CheckpointError, Content, FileKind
from topolab.importers.loading import sniff
from topolab.importers.matfile import matrices_in
from topolab.importers.names import natural
from topolab.importers.numpy_files import scipy_shape
from topolab.store.layout import RunFiles

__all__ = ["Moment", "gather", "number_at", "steps_by_name"]

_SUFFIXES = re.compile(
    r"\.(pt|pth|ckpt|tar|bin|th|npz|npy|mat|safetensors|pkl|pickle|gz)$", re.IGNORECASE
)
_STEP = r"(?:global_?step|steps?|iterations?|iters?|it|updates?)"
_EPOCH = r"(?:epochs?|ep)"
_CHECKPOINT = r"(?:checkpoint|ckpt)"
_NUMBER = r"\d+(?:\.\d+)?(?:[eE]\d{1,2}(?![0-9A-Za-z])|[kM](?![0-9A-Za-z]))?"
# Without a word before it: 1e3 only where it stands alone, or s42e3 were a step of 42,000.
_BARE = r"(?<![0-9A-Za-z])\d+(?:\.\d+)?(?:[eE]\d{1,2}|[kM])(?![0-9A-Za-z])|\d+(?:\.\d+)?"
_VERSION = re.compile(r"(?i)(?<![a-z])v\d+(?![0-9])")
_RUN = re.compile(r"(?i)(?<![a-z])(?:seed|fold|trial|rank|run|repeat|rep|shard|worker)s?[ _=-]*\d+")
_VALUE = re.compile(
    r"(?i)(?<![a-z])(?:acc|accuracy|top|loss|err|error|val|score|f1|auc|lr|wd|bs|density|sparsity)"
    r"[ _=-]*\d+(?:\.\d+)?"
)
_DIGITS = 15
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
    flat = _flat(files)
    for path, _ in files:
        full = path.resolve()
        stem, folder = _stem(path), full.parent
        if path in flat:
            groups.setdefault((flat[path][1], ""), []).append((_clean(flat[path][0]), path))
            continue
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


def _flat(files: Sequence[tuple[Path, FileKind]]) -> dict[Path, tuple[str, str]]:
    """Layer and step of files in one folder whose names are a layer and a number.

    ``fc1_100, fc1_200, fc2_100, fc2_200`` are two layers at two steps.

    Raises
    ------
    ConfigError
        If they could as well be the layers of one checkpoint.
    """
    folders = {path.resolve().parent for path, _ in files}
    words = f"{_STEP}|{_EPOCH}|{_CHECKPOINT}"
    stems = {path: _stem(path) for path, _ in files}
    if len(folders) > 1 or len(files) < 2 or any(_token(s, words) for s in stems.values()):
        return {}
    parts = {path: re.fullmatch(r"(.*?)[ ._-]*(\d+)", stem) for path, stem in stems.items()}
    found = {path: (m[1], m[2]) for path, m in parts.items() if m is not None and m[1]}
    if len(found) < len(files):
        return {}
    steps: dict[str, set[int]] = {}
    for name, number in found.values():
        steps.setdefault(name, set()).add(int(number))
    times = next(iter(steps.values()))
    if len(steps) > 1 and len(times) > 1 and all(one == times for one in steps.values()):
        return found
    if len(steps) > 1 or _token(next(iter(folders)).name, words) is not None:
        return {}
    shapes = {_shape(path, kind) for path, kind in files}
    if len(shapes) > 1:
        return {}
    first, second = list(stems.values())[:2]
    raise ConfigError(
        f"{first} and {second}: layers of one checkpoint, or one layer at several times? All are "
        "of one shape. Put each checkpoint into a folder of its own (step_1, step_2), or name the "
        f'files after layer and step, such as "{_clean(found[next(iter(found))][0])}_step1"'
    )


def _shape(path: Path, kind: FileKind) -> tuple[int, ...]:
    return matrices_in(path)[0][1] if kind == "matlab" else scipy_shape(path)


def _clean(name: str) -> str:
    return re.sub(r"\.{2,}", ".", re.sub(r"[^A-Za-z0-9_.-]", "_", name)).strip(".") or "layer"


# -- steps ---------------------------------------------------------------------------------------


def _token(text: str, words: str) -> re.Match[str] | None:
    found = list(re.finditer(rf"(?i)(?<![a-z])(?:{words})[ _=-]*({_NUMBER})", text))
    return found[-1] if found else None


def _whole(text: str) -> int | None:
    """A step; None for 0.5, and 1000 for 1e3."""
    base, _, power = text.partition("e") if "e" in text else text.partition("E")
    tens = int(power or 0) + {"k": 3, "M": 6}.get(base[-1], 0)
    base, _, part = base.rstrip("kM").partition(".")
    if len(part) > tens or (part and not tens):
        return None
    if len(base) + tens > _DIGITS:
        return MAX_STEP + 1
    return int(base + part + "0" * (tens - len(part)))


def _named(words: str) -> Callable[[str], int | None]:
    def value(text: str) -> int | None:
        match = _token(text, words)
        if match is None:
            return None
        number = _whole(match[1])
        if number is None:
            raise ConfigError(
                f"{text}: {match[1]} is no whole step; rename it, or take the steps from inside "
                "with --step-from key"
            )
        return number

    return value


def _numbers(text: str) -> list[str]:
    """All numbers of a name but those of a seed, an accuracy and the like, which are no time."""
    text = _RUN.sub("", text)
    rest = _VERSION.sub("", _VALUE.sub("", text))
    return re.findall(_BARE, rest) or re.findall(_BARE, text)


def _bare_numbers(names: Sequence[str | None]) -> list[int] | None:
    """The number in names that have no word for it; of several the one that tells the time.

    Raises
    ------
    ConfigError
        If several could be it and they disagree on the order, or some names have a word.
    """
    texts = [name for name in names if name is not None]
    if len(texts) < len(names):
        return None
    words = f"{_STEP}|{_EPOCH}|{_CHECKPOINT}"
    marked = [text for text in texts if _token(text, words) is not None]
    plain = [text for text in texts if _token(text, words) is None]
    found = [_numbers(text) for text in texts]
    if not all(found):
        return None
    if marked and plain:
        raise ConfigError(
            f"{plain[0]} and {marked[0]}: only one name says of what its number is; rename or "
            "leave out the others, or take the steps from inside with --step-from key"
        )
    if len({len(numbers) for numbers in found}) > 1:
        raise ConfigError(
            f"{texts[0]} and {texts[-1]}: the names have different counts of numbers; rename "
            "them, or take the steps from inside with --step-from key"
        )
    columns = [[_whole(value) for value in column] for column in zip(*found, strict=True)]
    whole = [[v for v in column if v is not None] for column in columns if None not in column]
    if not whole:
        return None
    telling = [column for column in whole if len(set(column)) == len(column)]
    orders = {tuple(sorted(range(len(column)), key=column.__getitem__)) for column in telling}
    if len(orders) > 1 or (not telling and sum(len(set(c)) > 1 for c in whole) > 1):
        raise ConfigError(
            f"{texts[0]} and {texts[-1]}: several numbers could be the step, and they disagree; "
            'name it, such as "step100", or take the steps from inside with --step-from key'
        )
    # One that changes now and then must go along, as hours do with days; else it is the clock.
    if telling and not all(_goes_along(column, telling[-1]) for column in whole):
        raise ConfigError(
            f"{texts[0]} and {texts[-1]}: several numbers change, and not all with every file; "
            'name the step, such as "step100", or take the steps from inside with --step-from key'
        )
    return telling[-1] if telling else whole[-1]


def _goes_along(column: Sequence[int], time: Sequence[int]) -> bool:
    values = [value for _, value in sorted(zip(time, column, strict=True))]
    return values == sorted(values)


def _column(moments: Sequence[Moment], depth: int, read: Callable[[str], int | None] | None
            ) -> list[int] | None:  # fmt: skip
    names = [m.parts[depth] if depth < len(m.parts) else None for m in moments]
    if read is None:
        return _bare_numbers(names)
    values = [None if name is None else read(name) for name in names]
    return None if None in values else [v for v in values if v is not None]


def steps_by_name(moments: Sequence[Moment]) -> tuple[list[int], list[int] | None, str]:
    """The step of every checkpoint from the numbers in its name, or its folder's.

    A number after step or iteration comes first, then one after epoch, then one after
    checkpoint, then the one that there is; in the file's name before the folder's. One that
    differs between all checkpoints is taken. Where several without a word disagree on the order,
    none is; those of seeds and the like never are.

    Returns
    -------
    steps, epochs : list of int
        Epochs are None where no name gives them.
    remark : str
        What was taken.

    Raises
    ------
    ConfigError
        If no number tells the checkpoints apart, or several could.
    """
    deepest = max(len(m.parts) for m in moments)
    readers = [(_named(_STEP), "the step"), (_named(_EPOCH), "the epoch"),
               (_named(_CHECKPOINT), "the number of the checkpoint"),
               (None, "the number")]  # fmt: skip
    tried = []
    epochs = next(
        (column for depth in range(deepest)
         if (column := _column(moments, depth, readers[1][0])) is not None), None
    )  # fmt: skip
    told = epochs
    alone = len(moments) == 1
    for depth in range(deepest):
        for read, what in readers[: 3 if alone and depth else 4]:
            column = _column(moments, depth, read)
            if column is None:
                continue
            if len(set(column)) == len(column):
                where = "file" if depth == 0 else "folder"
                if (
                    told is not None
                    and len(told) > 1
                    and (len(set(told)) == 1 or not _goes_along(told, column))
                ):  # how many there are to be, or what something else is called
                    told = None
                return column, told, f"steps are {what} in the names of the {where}s"
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
    bare = next((m.label for m in moments if not _numbers(m.parts[0])), moments[0].label)
    if any(_RUN.search(part) for m in moments for part in m.parts):
        raise ConfigError(
            f"{bare}: its step is not in its name, and several seeds or folds are several runs: "
            "import each on its own"
        )
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
    try:
        if hasattr(value, "item") and math.prod(getattr(value, "shape", ())) == 1:
            value = value.item()
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        if not math.isfinite(value):  # an integer of 400 digits is no float
            return None
    except (RuntimeError, OverflowError, ValueError, NotImplementedError):  # one without data
        return None
    return value
