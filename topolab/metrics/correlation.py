"""Rank correlation between the states of a network at all pairs of times."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError
from topolab.metrics.jit import jit

__all__ = ["kendall_matrix"]

WordArray = npt.NDArray[np.uint64]
#: Pairs of neurons whose signs are held at a time: 64 KiB for each row.
CHUNK = 2**18


@jit
def _signs(
    ranks: npt.NDArray[np.int64], first: int, last: int, untied: WordArray, up: WordArray
) -> None:
    """Bits of the pairs (i, j), first <= i < last, i < j: not tied, and rising."""
    n = ranks.shape[1]
    one = np.uint64(1)
    zero = np.uint64(0)
    for t in range(ranks.shape[0]):
        word = 0
        bit = zero
        u = zero
        p = zero
        for i in range(first, last):
            here = ranks[t, i]
            for j in range(i + 1, n):
                there = ranks[t, j]
                u |= np.uint64(there != here) << bit
                p |= np.uint64(there > here) << bit
                bit += one
                if bit == np.uint64(64):
                    untied[t, word] = u
                    up[t, word] = p
                    word += 1
                    bit = zero
                    u = zero
                    p = zero
        while word < untied.shape[1]:
            untied[t, word] = u
            up[t, word] = p
            word += 1
            u = zero
            p = zero


@jit
def _ones(x: np.uint64) -> np.uint64:
    """Bits set in a word; compilers know this one and use the processor's instruction."""
    x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)


@jit
def _products(
    untied: WordArray, up: WordArray, low: int, high: int, gram: npt.NDArray[np.int64]
) -> None:
    """Add s_a . s_b for low <= a < high and b >= a: pairs untied in both, less twice those that
    rise in one and fall in the other."""
    times, words = untied.shape
    block = 512
    for begin in range(0, words, block):
        end = min(begin + block, words)
        for a in range(low, high):
            ua = untied[a, begin:end]
            pa = up[a, begin:end]
            for b in range(a, times):
                ub = untied[b, begin:end]
                pb = up[b, begin:end]
                both = np.uint64(0)
                against = np.uint64(0)
                for w in range(end - begin):
                    x = ua[w] & ub[w]
                    both += _ones(x)
                    against += _ones(x & (pa[w] ^ pb[w]))
                gram[a, b] += np.int64(both) - 2 * np.int64(against)


def kendall_matrix(
    sequences: npt.ArrayLike, *, threads: int | None = None
) -> npt.NDArray[np.float64]:
    """Kendall's tau-b of every two rows.

    With s_t the vector of the signs of all differences between two neurons of row t, the numerator
    of tau-b is the product s_t . s_u and its denominator sqrt(s_t . s_t) sqrt(s_u . s_u): a pair
    tied in t has sign 0. So all of them are one Gram product. Signs are two bits each, and a
    product is a count of bits: whole numbers, exact, in chunks of pairs.

    Parameters
    ----------
    sequences : array_like, shape (T, N)
        A row per time, a column per neuron.
    threads : int, optional
        As many as there are processors without it.

    Returns
    -------
    ndarray of float64, shape (T, T)
        Symmetric, 1 on the diagonal. NaN where a row is constant: its order is not defined.

    Raises
    ------
    AnalysisError
        If it is not a matrix of finite numbers.

    References
    ----------
    M. G. Kendall, "The treatment of ties in ranking problems", Biometrika 33 (1945).

    Examples
    --------
    >>> kendall_matrix([[1, 2, 3], [3, 2, 1], [1, 1, 2]]).round(3)
    array([[ 1.   , -1.   ,  0.816],
           [-1.   ,  1.   , -0.816],
           [ 0.816, -0.816,  1.   ]])
    """
    values = np.asarray(sequences)
    if values.ndim != 2 or values.dtype.kind not in "iufb" or not np.isfinite(values).all():
        raise AnalysisError("rank correlation needs a matrix of finite numbers, a row per time")
    times, n = values.shape
    if not times or n < 2:
        return np.full((times, times), np.nan)
    ranks = np.empty((times, n), dtype=np.int64)
    for t in range(times):
        ranks[t] = np.unique(values[t], return_inverse=True)[1]
    gram = np.zeros((times, times), dtype=np.int64)
    workers = max(1, min(threads or os.cpu_count() or 1, times))
    by_time = [part for part in np.array_split(np.arange(times), workers) if len(part)]
    # Row a has times - a products: cut where the triangles are of one size.
    shares = 1 - np.sqrt(1 - np.arange(workers + 1) / workers)
    cuts = np.round(times * shares).astype(int)
    with ThreadPoolExecutor(workers) as pool:
        first = 0
        while first < n - 1:
            last = first + 1
            pairs = n - 1 - first
            while last < n - 1 and pairs + n - 1 - last <= CHUNK:
                pairs += n - 1 - last
                last += 1
            untied = np.empty((times, -(-pairs // 64)), dtype=np.uint64)
            up = np.empty_like(untied)
            rows = [slice(part[0], part[-1] + 1) for part in by_time]
            for job in [pool.submit(_signs, ranks[r], first, last, untied[r], up[r]) for r in rows]:
                job.result()
            for job in [
                pool.submit(_products, untied, up, int(cuts[i]), int(cuts[i + 1]), gram)
                for i in range(workers)
            ]:
                job.result()
            first = last
    gram += np.triu(gram, 1).T
    untied_pairs = np.diag(gram).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        tau = gram / (np.sqrt(untied_pairs)[:, None] * np.sqrt(untied_pairs)[None, :])
    np.fill_diagonal(tau, np.where(untied_pairs > 0, 1.0, np.nan))
    return np.asarray(np.clip(tau, -1.0, 1.0))
