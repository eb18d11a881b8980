"""Rank correlation between the states of a network at all pairs of times."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError

__all__ = ["kendall_matrix"]

# Sums of products of signs stay below 2**24, so that float32 adds them exactly.
CHUNK = 2**17


def kendall_matrix(sequences: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Kendall's tau-b of every two rows.

    With s_t the vector of the signs of all differences between two neurons of row t, the numerator
    of tau-b is the product s_t . s_u and its denominator sqrt(s_t . s_t) sqrt(s_u . s_u): a pair
    tied in t has sign 0. So all of them are one Gram product, made in chunks of pairs, each exact.

    Parameters
    ----------
    sequences : array_like, shape (T, N)
        A row per time, a column per neuron.

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
    values = np.asarray(sequences, dtype=np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise AnalysisError("rank correlation needs a matrix of finite numbers, a row per time")
    # Ranks without gaps: differences of small integers are exact, and signs need nothing else.
    times, n = values.shape
    ranks = np.empty((times, n), dtype=np.float32)
    for t in range(times):
        ranks[t] = np.unique(values[t], return_inverse=True)[1]
    gram = np.zeros((times, times))
    first, second = np.triu_indices(n, 1)
    for start in range(0, len(first), CHUNK):
        part = slice(start, start + CHUNK)
        signs = np.sign(ranks[:, first[part]] - ranks[:, second[part]])
        gram += signs @ signs.T
    untied = np.diag(gram)
    with np.errstate(invalid="ignore", divide="ignore"):
        tau = gram / np.sqrt(np.outer(untied, untied))
    np.fill_diagonal(tau, np.where(untied > 0, 1.0, np.nan))
    return np.clip(tau, -1.0, 1.0)
