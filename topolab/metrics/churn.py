"""What changes from mask to mask: overlap, exploration, survival, turnover of the hubs.

Masks are packed, eight entries to a byte, and are never unpacked.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError

__all__ = ["count", "hubs", "jaccard", "turnover"]

ByteArray = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int64]


def count(packed: ByteArray) -> int:
    """Number of set bits.

    Examples
    --------
    >>> count(np.array([37, 1], dtype=np.uint8))
    4
    """
    return int(np.bitwise_count(packed).sum(dtype=np.int64))


def jaccard(a: ByteArray, b: ByteArray) -> float:
    """Edges in both masks over edges in either; NaN where neither has any.

    Raises
    ------
    AnalysisError
        If they differ in length.

    Examples
    --------
    >>> jaccard(np.array([3], dtype=np.uint8), np.array([6], dtype=np.uint8)).__round__(3)
    0.333
    """
    if a.shape != b.shape:
        raise AnalysisError(f"masks of {a.size} and {b.size} bytes have no overlap")
    either = count(a | b)
    return count(a & b) / either if either else math.nan


def hubs(degrees: npt.ArrayLike, share: float = 0.1) -> IntArray:
    """The neurons with the highest degrees, ``ceil(share n)`` of them, the first of equals first.

    Returns
    -------
    ndarray of int64
        Ascending positions.

    Examples
    --------
    >>> hubs([1, 9, 3, 9, 9], 0.4)
    array([1, 3])
    """
    if not 0 < share <= 1:
        raise AnalysisError(f"share {share} is outside (0, 1]")
    values = np.asarray(degrees, dtype=np.float64)
    most = math.ceil(round(share * len(values), 9))
    return np.sort(np.argsort(-values, kind="stable")[:most]).astype(np.int64)


def turnover(before: IntArray, after: IntArray) -> float:
    """Share of a set of hubs that is not in the next one.

    Examples
    --------
    >>> turnover(np.array([1, 3]), np.array([3, 4]))
    0.5
    """
    if not len(before):
        return math.nan
    return 1.0 - len(np.intersect1d(before, after)) / len(before)
