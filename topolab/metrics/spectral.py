"""Singular values of the biadjacency matrices: how well a layer mixes what it is given."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from topolab.metrics.jit import jit
from topolab.metrics.lanczos import largest_beside

__all__ = ["Spectrum", "second_normalised", "spectrum"]

FloatArray = npt.NDArray[np.float64]

# Below this width all singular values are computed; above it the two largest.
_DENSE = 64


@dataclass(frozen=True)
class Spectrum:
    """The two largest singular values of a layer, and what they are held against.

    Attributes
    ----------
    sigma1, sigma2 : float
        Of the 0/1 biadjacency: the largest two eigenvalues of the bipartite graph.
    gap : float
        sigma1 - sigma2.
    bound : float
        sqrt(d_in - 1) + sqrt(d_out - 1), of the mean fan-in and fan-out over the neurons that
        have edges: no bipartite graph that is large for its degrees has a second eigenvalue much
        below it, a Ramanujan graph none above.
    margin : float
        (bound - sigma2) / bound: above 0, the layer is Ramanujan in this sense.
    normalised2 : float
        Second singular value of D_out^-1/2 B D_in^-1/2, whose first is 1: 1 where the layer falls
        apart into pieces, small where it is an expander.
    proven : bool
        Whether every neuron with edges has two: the condition of the irregular bound.
    reason : str
    """

    sigma1: float
    sigma2: float
    gap: float
    bound: float
    margin: float
    normalised2: float
    proven: bool
    reason: str = ""


def spectrum(block: sp.csr_array, seed: int = 0) -> Spectrum:
    """The spectrum of one layer of weights.

    Parameters
    ----------
    block : csr_array, shape (n_out, n_in)
        Its non-zero entries are edges.
    seed : int
        Of the vector that the iteration begins with.

    Returns
    -------
    Spectrum
        NaN with a reason for a layer without edges, or with a single neuron on one side.

    References
    ----------
    S. Hoory, "A lower bound on the spectral radius of the universal cover of a graph", Journal of
    Combinatorial Theory B 93 (2005), for irregular graphs, by mean degree; D. N. M. Hoang et al.,
    "Revisiting pruning at initialization through the lens of Ramanujan graph", ICLR 2023.

    Examples
    --------
    The complete bipartite graph has one eigenvalue, sqrt(n_in n_out):

    >>> full = spectrum(sp.csr_array(np.ones((4, 9))))
    >>> round(full.sigma1, 9), round(full.sigma2, 6)
    (6.0, 0.0)
    """
    nan = math.nan

    def none(reason: str) -> Spectrum:
        return Spectrum(nan, nan, nan, nan, nan, nan, False, reason)

    inner, reason = _with_edges(block)
    if reason:
        return none(reason)
    d_in, d_out = _degrees(inner)
    try:
        sigma1, sigma2 = _top_two(inner, np.ones(len(d_in)), np.ones(len(d_out)), seed)
        normalised2 = _normalised(inner, seed)
    except ArpackError as error:  # pragma: no cover - no matrix is known to do this
        return none(f"the iteration did not converge ({error})")
    bound = math.sqrt(d_in.mean() - 1) + math.sqrt(d_out.mean() - 1)
    return Spectrum(
        sigma1,
        sigma2,
        sigma1 - sigma2,
        bound,
        (bound - sigma2) / bound if bound > 0 else nan,
        normalised2,
        bool(d_in.min() >= 2 and d_out.min() >= 2),
        "" if bound > 0 else "every neuron has one edge: the bound is 0",
    )


def second_normalised(block: sp.csr_array, seed: int = 0) -> float:
    """``normalised2`` of the `spectrum` of a layer, at half its cost.

    Parameters
    ----------
    block : csr_array, shape (n_out, n_in)
    seed : int

    Returns
    -------
    float
        NaN where `spectrum` gives a reason for it.

    Examples
    --------
    Two pieces:

    >>> round(second_normalised(sp.csr_array(np.kron(np.eye(2), np.ones((3, 4))))), 9)
    1.0
    """
    inner, reason = _with_edges(block)
    if reason:
        return math.nan
    try:
        return _normalised(inner, seed)
    except ArpackError:  # pragma: no cover - no matrix is known to do this
        return math.nan


def _with_edges(block: sp.csr_array) -> tuple[sp.csr_array, str]:
    """The layer's neurons that have edges, as a matrix of ones; why it has no spectrum, or ""."""
    present = sp.csr_array(
        ((block.data != 0).astype(np.float64), block.indices, block.indptr), shape=block.shape
    )
    if not present.data.all():
        present = present.copy()
        present.eliminate_zeros()
    if not present.nnz:
        return present, "the layer has no edges"
    d_in, d_out = _degrees(present)
    inner = present
    if not (d_in.all() and d_out.all()):
        inner = present[d_in > 0][:, d_out > 0]
    if min(inner.shape) < 2:
        return inner, ("one side has a single neuron with edges: there is no second singular value")
    return inner, ""


def _degrees(ones: sp.csr_array) -> tuple[FloatArray, FloatArray]:
    fan_in = np.diff(ones.indptr).astype(np.float64)
    return fan_in, np.bincount(ones.indices, minlength=ones.shape[1]).astype(np.float64)


def _normalised(inner: sp.csr_array, seed: int) -> float:
    d_in, d_out = _degrees(inner)
    if min(inner.shape) <= _DENSE:
        return min(_top_two(inner, d_in**-0.5, d_out**-0.5, seed)[1], 1.0)
    if inner.shape[1] > inner.shape[0]:  # the Gram matrix of the smaller side
        inner, d_in, d_out = sp.csr_array(inner.T), d_out, d_in
    left, right = d_in**-0.5, d_out**-0.5
    # The first singular value is 1, and its vectors the roots of the degrees.
    known = np.sqrt(d_out / d_out.sum())
    start = np.random.default_rng(seed).normal(size=len(known))
    vector = largest_beside(known, _gram_product(inner, left, right), start)
    if vector is None:  # pragma: no cover - no matrix is known to do this
        raise ArpackError(-1)
    return min(float(np.linalg.norm(left * (inner @ (right * vector)))), 1.0)


@jit
def _gram(
    indptr: npt.NDArray[np.int64],
    indices: npt.NDArray[np.uint32],
    squares: FloatArray,
    x: FloatArray,
    out: FloatArray,
) -> None:
    """out = B' diag(squares) B x for a matrix B of zeros and ones, each row read once."""
    out[:] = 0.0
    for r in range(len(squares)):
        begin = indptr[r]
        end = indptr[r + 1]
        fours = begin + (end - begin) // 4 * 4
        # Four sums at once: one alone waits for each addition.
        a = 0.0
        b = 0.0
        c = 0.0
        d = 0.0
        for i in range(begin, fours, 4):
            a += x[indices[i]]
            b += x[indices[i + 1]]
            c += x[indices[i + 2]]
            d += x[indices[i + 3]]
        for i in range(fours, end):
            a += x[indices[i]]
        total = (a + b + c + d) * squares[r]
        for i in range(begin, end):
            out[indices[i]] += total


def _gram_product(
    ones: sp.csr_array, left: FloatArray, right: FloatArray
) -> Callable[[FloatArray], FloatArray]:
    """Multiply by M' M of M = diag(left) B diag(right)."""
    # Unsigned, so that compiled code need not ask whether an index counts from the end.
    indptr, indices = ones.indptr.astype(np.int64), ones.indices.astype(np.uint32)
    squares = left * left

    def product(x: FloatArray) -> FloatArray:
        out = np.empty(len(right))
        _gram(indptr, indices, squares, right * x.ravel(), out)
        out *= right
        return out

    return product


def _top_two(
    ones: sp.csr_array, left: FloatArray, right: FloatArray, seed: int
) -> tuple[float, float]:
    """The two largest singular values of diag(left) B diag(right), B of zeros and ones."""
    if min(ones.shape) <= _DENSE:
        dense = left[:, None] * ones.toarray() * right
        values = np.linalg.svd(dense, compute_uv=False)
        return float(values[0]), float(values[1])
    if ones.shape[1] > ones.shape[0]:  # the Gram matrix of the smaller side
        ones, left, right = sp.csr_array(ones.T), right, left
    # As scipy's svds does it: vectors first, since the roots of eigenvalues near 0 are inexact.
    start = np.random.default_rng(seed).normal(size=ones.shape[1])
    size, product = len(right), _gram_product(ones, left, right)
    gram = LinearOperator((size, size), matvec=product, dtype=np.dtype(np.float64))
    _, vectors = eigsh(gram, k=2, tol=0, v0=start)
    vectors, _ = np.linalg.qr(vectors)
    images = left[:, None] * (ones @ (right[:, None] * vectors))
    values = np.linalg.svd(images, compute_uv=False)
    return float(values[0]), float(values[1])
