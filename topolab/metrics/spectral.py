"""Singular values of the biadjacency matrices: how well a layer mixes what it is given."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackError, svds

__all__ = ["Spectrum", "spectrum"]

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
    present = block.astype(np.float64)
    present.data = (present.data != 0).astype(np.float64)
    rows = np.asarray(present.sum(1)).ravel()
    cols = np.asarray(present.sum(0)).ravel()
    inner = present[rows > 0][:, cols > 0]

    def none(reason: str) -> Spectrum:
        return Spectrum(nan, nan, nan, nan, nan, nan, False, reason)

    if not present.nnz:
        return none("the layer has no edges")
    if min(inner.shape) < 2:
        return none("one side has a single neuron with edges: there is no second singular value")
    d_in, d_out = rows[rows > 0], cols[cols > 0]
    try:
        sigma1, sigma2 = _top_two(inner, seed)
        scaled = sp.diags_array(d_in**-0.5) @ inner @ sp.diags_array(d_out**-0.5)
        _, normalised2 = _top_two(sp.csr_array(scaled), seed)
    except ArpackError as error:  # pragma: no cover - no matrix is known to do this
        return none(f"the iteration did not converge ({error})")
    bound = math.sqrt(d_in.mean() - 1) + math.sqrt(d_out.mean() - 1)
    return Spectrum(
        sigma1,
        sigma2,
        sigma1 - sigma2,
        bound,
        (bound - sigma2) / bound if bound > 0 else nan,
        min(normalised2, 1.0),
        bool(d_in.min() >= 2 and d_out.min() >= 2),
        "" if bound > 0 else "every neuron has one edge: the bound is 0",
    )


def _top_two(matrix: sp.csr_array, seed: int) -> tuple[float, float]:
    if min(matrix.shape) <= _DENSE:
        values = np.linalg.svd(matrix.toarray(), compute_uv=False)
        return float(values[0]), float(values[1])
    start = np.random.default_rng(seed).normal(size=min(matrix.shape))
    values = np.sort(svds(matrix, k=2, v0=start, return_singular_vectors=False))
    return float(values[1]), float(values[0])
