"""The IDX format of MNIST and its relatives, plain or gzipped."""

from __future__ import annotations

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from topolab.errors import MissingDataError

__all__ = ["parse_idx", "read_bytes"]

LIMIT = 2**30


def read_bytes(path: Path, sha256: str | None) -> bytes:
    """The decompressed content of an IDX file, checked.

    The checksum is that of the *decompressed* bytes: mirrors and packages compress anew.

    Parameters
    ----------
    path : Path
        Gzipped if its name ends in ``.gz``.
    sha256 : str or None
        Expected SHA-256 of the decompressed content, where it is known.

    Raises
    ------
    MissingDataError
        If the file cannot be read, is truncated, or is another file than expected.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise MissingDataError(f"{path}: cannot be read ({error.strerror})") from error
    return unpack(raw, sha256, source=str(path), gzipped=path.suffix == ".gz")


def unpack(raw: bytes, sha256: str | None, *, source: str, gzipped: bool) -> bytes:
    """Decompress and check; at most 1 GiB is ever made."""
    content = raw
    if gzipped:
        try:
            reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            content = reader.decompress(raw, LIMIT)
        except zlib.error as error:
            raise MissingDataError(f"{source}: truncated or not a gzip file ({error})") from error
        if not reader.eof:
            raise MissingDataError(f"{source}: truncated, its compressed data end too early")
    if sha256 is None:
        return content
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise MissingDataError(
            f"{source}: not the expected file (SHA-256 of its content is {found[:16]}..., "
            f"expected {sha256[:16]}...); delete it and fetch it again"
        )
    return content


def parse_idx(content: bytes, *, source: str) -> npt.NDArray[np.uint8]:
    """An IDX file of unsigned bytes as an array.

    Examples
    --------
    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), source="two labels")
    array([7, 9], dtype=uint8)
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or not 1 <= content[3] <= 4:
        raise MissingDataError(f"{source}: not an IDX file of unsigned bytes")
    rank = content[3]
    start = 4 + 4 * rank
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    if len(content) != start + math.prod(shape):
        raise MissingDataError(
            f"{source}: holds {len(content) - start} values where its header says {shape}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def compress(content: bytes) -> bytes:
    """Gzip with a fixed time stamp, so that equal content is equal bytes."""
    return gzip.compress(content, mtime=0)
