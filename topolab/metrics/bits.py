"""From packed masks to edges, without ever unpacking a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.metrics.jit import jit

__all__ = ["csr_of_bits"]

ByteArray = npt.NDArray[np.uint8]


# For each byte how many bits are set, and which.
_COUNT = np.array([bin(byte).count("1") for byte in range(256)], dtype=np.int64)
_WHICH = np.zeros((256, 8), dtype=np.int64)
for _byte in range(256):
    _set = [bit for bit in range(8) if _byte >> bit & 1]
    _WHICH[_byte, : len(_set)] = _set


@jit
def _rows(packed: ByteArray, size: int, width: int, indptr: npt.NDArray[Any]) -> None:
    """Count the set bits of each row into indptr[row + 1]."""
    row = 0
    end = width  # of the row
    for byte in range(len(packed)):
        bits = packed[byte]
        if bits == 0:
            continue
        base = byte * 8
        if base >= end:
            row = base // width
            end = (row + 1) * width
        if base + 8 <= end and base + 8 <= size:
            indptr[row + 1] += _COUNT[bits]
            continue
        for i in range(_COUNT[bits]):
            at = base + _WHICH[bits, i]
            if at >= size:
                break
            if at >= end:
                row = at // width
                end = (row + 1) * width
            indptr[row + 1] += 1


@jit
def _columns(packed: ByteArray, size: int, width: int, indices: npt.NDArray[Any]) -> None:
    start = 0  # of the row
    count = 0
    for byte in range(len(packed)):
        bits = packed[byte]
        if bits == 0:
            continue
        base = byte * 8
        for i in range(_COUNT[bits]):
            at = base + _WHICH[bits, i]
            if at >= size:
                break
            if at >= start + width:
                start = at // width * width
            indices[count] = at - start
            count += 1


def csr_of_bits(
    packed: ByteArray, n_rows: int, width: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The CSR structure of a packed matrix of bits.

    Parameters
    ----------
    packed : ndarray of uint8
        Row-major, lowest bit first; bits beyond the matrix are ignored.
    n_rows, width : int

    Returns
    -------
    indptr : ndarray, shape (n_rows + 1,)
    indices : ndarray, shape (set bits,)
        Ascending in each row. Both int32 where that suffices, else int64.

    Examples
    --------
    >>> csr_of_bits(np.array([37], dtype=np.uint8), 2, 3)
    (array([0, 2, 3], dtype=int32), array([0, 2, 2], dtype=int32))
    """
    size = n_rows * width
    indptr = np.zeros(n_rows + 1, dtype=np.int64)
    _rows(packed, size, width, indptr)
    np.cumsum(indptr, out=indptr)
    dtype = np.int32 if max(int(indptr[-1]), width) < 2**31 else np.int64
    indices = np.empty(int(indptr[-1]), dtype=dtype)
    _columns(packed, size, width, indices)
    return indptr.astype(dtype), indices
