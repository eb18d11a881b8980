"""MATLAB's files of version 5 (and 7): matrices of numbers, and nothing else.

scipy's reader crashes the interpreter on some altered files, so a foreign file is not given to
it. Source: "MAT-File Format", The MathWorks.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.importers.base import CheckpointError

__all__ = ["matrices_in", "read_matrices"]

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_SPARSE = 5
_CLASSES = {_SPARSE, *range(6, 16)}  # double, single, the integers
_COMPLEX = 0x08
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
          13: "u8"}  # fmt: skip
_PEEK = 4096
_ENTRIES = 100_000  # a file of gigabytes of nothing must not take hours


@dataclass(frozen=True)
class _Matrix:
    """The beginning of a matrix: what it is, and where its numbers start."""

    name: str
    kind: int
    complex: bool
    shape: tuple[int, ...]
    body: bytes
    at: int


def matrices_in(path: Path) -> list[tuple[str, tuple[int, ...]]]:
    """Name and shape of every matrix of numbers, by what the file says of itself.

    Raises
    ------
    CheckpointError
        If it is damaged, or of another version.
    """
    return [(item.name, item.shape) for item in _walk(path, _PEEK) if _wanted(item)]


def read_matrices(path: Path, max_bytes: int) -> dict[str, Any]:
    """Every matrix of numbers: arrays, and scipy's csc_array for a sparse one.

    Raises
    ------
    CheckpointError
        If it is damaged, of another version, or claims more than is allowed.
    """
    for name, shape in matrices_in(path):
        if math.prod(shape) * 4 > max_bytes:
            raise CheckpointError(
                f"{path}: {name} claims the shape {shape}, more than the "
                f"{max_bytes / 2**30:g} GiB that are allowed; if it is right, "
                "allow more (max_bytes, or max-gib)"
            )
    matrices: dict[str, Any] = {}
    for item in _walk(path, None):
        if not _wanted(item):
            continue
        try:
            matrices[item.name] = _values(item, _order(path))
        except (ValueError, struct.error, TypeError, IndexError) as error:
            raise _damaged(path, f"{item.name}: {error}") from error
    return matrices


def _wanted(item: _Matrix) -> bool:
    shape = item.shape
    return (
        item.kind in _CLASSES
        and not item.complex
        and len(shape) == 2
        and min(shape) >= 1
        and max(shape) > 1
    )


def _damaged(path: Path, why: object) -> CheckpointError:
    return CheckpointError(f"{path}: damaged, it cannot be read ({why})")


def _order(path: Path) -> str:
    """The byte order, from the header.

    Raises
    ------
    CheckpointError
        If this is no file of version 5.
    """
    with path.open("rb") as file:
        header = file.read(_HEADER)
    mark = header[126:128]
    if len(header) < _HEADER or mark not in (b"IM", b"MI"):
        raise CheckpointError(
            f"{path}: damaged, or no MATLAB file of version 5 to 7; save it with -v7"
        )
    return "<" if mark == b"IM" else ">"


def _walk(path: Path, most: int | None) -> Iterator[_Matrix]:
    """The matrices of a file one after the other.

    Of each no more than `most` bytes are kept; None for as many as its shape needs.
    """
    try:
        order = _order(path)
        size = path.stat().st_size
        with path.open("rb") as file:
            at, entries = _HEADER, 0
            while at + 8 <= size:
                file.seek(at)
                kind, length = struct.unpack(order + "II", file.read(8))
                at += 8 + length
                entries += 1
                if at > size:
                    raise ValueError("an entry is cut")
                if kind == 0 or length == 0:
                    raise ValueError("an entry of no kind, or empty")
                if entries > _ENTRIES:
                    raise ValueError(f"more than {_ENTRIES:,} entries")
                if kind not in (_COMPRESSED, _MATRIX):
                    continue
                body = _body(file, kind, length, order, _PEEK)
                if body is None:
                    continue
                item = _beginning(body, order)
                need = _need(item, body, order) if most is None else most
                if need > _PEEK and _wanted(item):
                    file.seek(at - length)
                    body = _body(file, kind, length, order, need)
                    assert body is not None
                    item = _beginning(body, order)
                yield item
    except (ValueError, struct.error, zlib.error, OSError, OverflowError) as error:
        raise _damaged(path, error) from error


def _need(item: _Matrix, body: bytes, order: str) -> int:
    """How many bytes a matrix of this shape takes at most."""
    if len(item.shape) != 2:
        return 0
    rows, columns = item.shape
    if item.kind != _SPARSE:
        return _PEEK + 8 * rows * columns
    _, start, length, _ = _part(body, 0, order)
    most = rows * columns  # how many entries it has room for stands behind the flags
    if length >= 8:
        most = min(most, struct.unpack_from(order + "I", body, start + 4)[0])
    return _PEEK + 16 * most + 8 * (columns + 2)


def _body(file: IO[bytes], kind: int, length: int, order: str, most: int) -> bytes | None:
    # What was compressed is hardly larger than what it was made of.
    data = file.read(min(length, most + most // 100 + _PEEK))
    return data[:most] if kind == _MATRIX else _unpacked(data, order, most)


def _unpacked(data: bytes, order: str, most: int) -> bytes | None:
    body = zlib.decompressobj().decompress(data, most + 8)
    kind, length = struct.unpack_from(order + "II", body)
    return body[8 : 8 + length] if kind == _MATRIX else None


def _part(body: bytes, at: int, order: str) -> tuple[int, int, int, int]:
    """One element: its type, where its data starts, how long it is, where the next begins."""
    (word,) = struct.unpack_from(order + "I", body, at)
    if word >> 16:  # a small one: data in the tag itself
        return word & 0xFFFF, at + 4, min(word >> 16, 4), at + 8
    (length,) = struct.unpack_from(order + "I", body, at + 4)
    return word, at + 8, length, at + 8 + length + (-length % 8)


def _beginning(body: bytes, order: str) -> _Matrix:
    if not body:
        return _Matrix("", 0, False, (), b"", 0)
    _, start, length, at = _part(body, 0, order)
    if length < 4:
        raise ValueError("a matrix has no flags")
    (flags,) = struct.unpack_from(order + "I", body, start)
    kind = flags & 0xFF
    if kind not in _CLASSES:
        return _Matrix("", kind, False, (), b"", 0)
    _, start, length, at = _part(body, at, order)
    if length % 4 or not 8 <= length <= 128:
        raise ValueError("a matrix has no shape")
    shape = struct.unpack_from(f"{order}{length // 4}i", body, start)
    _, start, length, at = _part(body, at, order)
    if start + length > len(body):
        raise ValueError("the name of a matrix is cut")
    name = body[start : start + length].decode("ascii", "replace")
    return _Matrix(name, kind, bool(flags >> 8 & _COMPLEX), tuple(shape), body, at)


def _numbers(item: _Matrix, at: int, order: str) -> tuple[npt.NDArray[Any], int]:
    kind, start, length, after = _part(item.body, at, order)
    if kind not in _TYPES:
        raise ValueError(f"numbers of type {kind}")
    dtype = np.dtype(order + _TYPES[kind])
    if length % dtype.itemsize or start + length > len(item.body):
        raise ValueError("its numbers are cut")
    return np.frombuffer(item.body, dtype, length // dtype.itemsize, start), after


def _values(item: _Matrix, order: str) -> Any:
    rows, columns = item.shape
    if item.kind != _SPARSE:
        numbers, _ = _numbers(item, item.at, order)
        if numbers.size != rows * columns:
            raise ValueError(f"{numbers.size} numbers for the shape {item.shape}")
        native = numbers.astype(numbers.dtype.newbyteorder("="))
        return native.reshape(item.shape, order="F")
    inner, at = _numbers(item, item.at, order)
    starts, at = _numbers(item, at, order)
    values, _ = _numbers(item, at, order)
    if len(starts) != columns + 1 or starts[0] != 0:
        raise ValueError("its column pointers are wrong")
    stored = int(starts[-1])
    if not 0 <= stored <= min(len(inner), len(values)):
        raise ValueError("its column pointers are wrong")
    matrix = sp.csc_array(
        (values[:stored].astype(np.float64), inner[:stored].astype(np.int64),
         starts.astype(np.int64)), shape=(rows, columns),
    )  # fmt: skip
    matrix.check_format(full_check=True)
    return matrix
