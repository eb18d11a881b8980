"""Rank correlation between the states of a network at all pairs of times."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError
from topolab.metrics.jit import jit

__all__ = ["kendall_matrix"]

WordArray = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]
#: Pairs of neurons whose signs are held at a time: 64 KiB for each row.
CHUNK = 2**18
#: What the sign of a pair of neurons, and a step in a tree of counts, take in words of a product:
#: ``benchmarks/bench_statistics.py --kendall`` measures both.
SIGN, STEP = 4.0, 5.5


@jit
def _signs(ranks: IntArray, first: int, last: int, untied: WordArray, up: WordArray) -> None:
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
def _products(untied: WordArray, up: WordArray, low: int, high: int, gram: IntArray) -> None:
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


@jit
def _surplus(order: IntArray, first: IntArray, second: IntArray, distinct: int) -> int:
    """Pairs of neurons in the same order in both rows, less those in opposite orders.

    `order` sorts `first`, and `second` has `distinct` ranks. The neurons of one rank in `first` are
    looked up in a Fenwick tree of the ranks in `second` that came before, then all put into it.
    """
    n = len(order)
    tree = np.zeros(distinct + 1, dtype=np.int64)
    seen = np.zeros(distinct, dtype=np.int64)
    surplus = 0
    begin = 0
    while begin < n:
        end = begin
        while end < n and first[order[end]] == first[order[begin]]:
            there = second[order[end]]
            below = 0
            k = there
            while k > 0:  # ranks 0 ... there - 1
                below += tree[k]
                k -= k & -k
            above = begin - below - seen[there]
            surplus += below - above
            end += 1
        for i in range(begin, end):
            there = second[order[i]]
            seen[there] += 1
            k = there + 1
            while k <= distinct:
                tree[k] += 1
                k += k & -k
        begin = end
    return surplus


@jit
def _surpluses(
    orders: IntArray, ranks: IntArray, distinct: IntArray, low: int, high: int, gram: IntArray
) -> None:
    """The entries (a, b), low <= a < high and b > a, pair by pair."""
    times = ranks.shape[0]
    for a in range(low, high):
        for b in range(a + 1, times):
            gram[a, b] = _surplus(orders[a], ranks[a], ranks[b], distinct[b])


def kendall_matrix(
    sequences: npt.ArrayLike, *, threads: int | None = None
) -> npt.NDArray[np.float64]:
    """Kendall's tau-b of every two rows.

    With s_t the vector of the signs of all differences between two neurons of row t, the numerator
    of tau-b is the product s_t . s_u and its denominator sqrt(s_t . s_t) sqrt(s_u . s_u): a pair
    tied in t has sign 0. So all of them are one Gram product. With many rows, signs are two bits
    each and a product is a count of bits, in chunks of pairs. With few rows of many neurons, whose
    pairs would be too many, each product is counted in O(N log N) from the rows in order (as Knight
    does). Both are whole numbers, exact, and so the same; `bits_are_faster` says which is taken.

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
    M. G. Kendall, "The treatment of ties in ranking problems", Biometrika 33 (1945); W. R.
    Knight, "A computer method for calculating Kendall's tau with ungrouped data", Journal of the
    American Statistical Association 61 (1966).

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
    workers = max(1, min(threads or os.cpu_count() or 1, times))
    gram = _by_bits(values, workers) if bits_are_faster(times, n) else _by_trees(values, workers)
    gram += np.triu(gram, 1).T
    untied_pairs = np.diag(gram).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        tau = gram / (np.sqrt(untied_pairs)[:, None] * np.sqrt(untied_pairs)[None, :])
    np.fill_diagonal(tau, np.where(untied_pairs > 0, 1.0, np.nan))
    return np.asarray(np.clip(tau, -1.0, 1.0))


def bits_are_faster(times: int, neurons: int) -> bool:
    """Whether all pairs of neurons as bits take less than a sorted count for each pair of rows.

    A rule of the shape alone, so that the same matrix always goes the same way; either way gives
    the same numbers.

    Parameters
    ----------
    times, neurons : int
        Rows and columns.

    Examples
    --------
    >>> bits_are_faster(260, 1536), bits_are_faster(2, 100_000)
    (True, False)
    """
    pairs_of_neurons = neurons * (neurons - 1) / 2
    pairs_of_rows = times * (times - 1) / 2
    bits = pairs_of_neurons * (SIGN * times + pairs_of_rows / 64)
    return bits < STEP * pairs_of_rows * neurons * math.log2(neurons)


def _by_bits(values: npt.NDArray[Any], workers: int) -> IntArray:
    """Numerators above and on the diagonal: signs of all pairs of neurons, 64 at a time."""
    times, n = values.shape
    ranks = np.empty((times, n), dtype=np.int64)
    for t in range(times):
        ranks[t] = np.unique(values[t], return_inverse=True)[1]
    gram = np.zeros((times, times), dtype=np.int64)
    by_time = [part for part in np.array_split(np.arange(times), workers) if len(part)]
    cuts = _equal_shares(times, workers)
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
                pool.submit(_products, untied, up, cuts[i], cuts[i + 1], gram)
                for i in range(workers)
            ]:
                job.result()
            first = last
    return gram


def _by_trees(values: npt.NDArray[Any], workers: int) -> IntArray:
    """Numerators above and on the diagonal: rows sorted once, then a count for each pair."""
    times, n = values.shape
    orders = np.empty((times, n), dtype=np.int64)
    ranks = np.empty((times, n), dtype=np.int64)
    gram = np.zeros((times, times), dtype=np.int64)
    for t in range(times):
        orders[t] = np.argsort(values[t])
        in_order = values[t, orders[t]]
        ranks[t, orders[t]] = np.cumsum(np.concatenate([[False], in_order[1:] != in_order[:-1]]))
        tied = np.bincount(ranks[t])
        gram[t, t] = (n * (n - 1) - (tied * (tied - 1)).sum()) // 2
    distinct = ranks.max(axis=1) + 1
    cuts = _equal_shares(times, workers)
    with ThreadPoolExecutor(workers) as pool:
        jobs = [
            pool.submit(_surpluses, orders, ranks, distinct, cuts[i], cuts[i + 1], gram)
            for i in range(workers)
        ]
        for job in jobs:
            job.result()
    return gram


def _equal_shares(times: int, workers: int) -> list[int]:
    """Where to cut the rows: row a has times - a products, and the shares are of one size."""
    shares = 1 - np.sqrt(1 - np.arange(workers + 1) / workers)
    return [int(cut) for cut in np.round(times * shares)]
