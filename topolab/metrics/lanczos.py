"""The largest eigenvalue of a symmetric operator beside one that is known, by Lanczos's method."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh_tridiagonal

__all__ = ["largest_beside"]

FloatArray = npt.NDArray[np.float64]

# Steps before the first look, between two looks, and before it begins again from what it has.
_FIRST, _BETWEEN, _MOST = 16, 4, 256
_RESTARTS = 40
# An eigenvalue is found when its error is known to be below this part of it.
_EXACT = 1e-14


def largest_beside(
    known: FloatArray, product: Callable[[FloatArray], FloatArray], start: FloatArray
) -> FloatArray | None:
    """An eigenvector of the largest eigenvalue among those orthogonal to a known one.

    Parameters
    ----------
    known : ndarray, shape (n,)
        An eigenvector, of norm 1.
    product : callable
        The operator times a vector: symmetric, without negative eigenvalues.
    start : ndarray, shape (n,)
        What the iteration begins with.

    Returns
    -------
    ndarray of shape (n,), or None
        Of norm 1; its Rayleigh quotient is the eigenvalue to rounding. None where the iteration
        does not converge.

    Notes
    -----
    Every vector is held orthogonal to all before it, so that no eigenvalue is found twice, and
    nothing is thrown away before `_MOST` steps: half the products that a restarted iteration of 20
    vectors takes. The error of a Ritz value is at most its residual r, and r^2 / gap where the
    next one is further away than that.

    References
    ----------
    B. N. Parlett, "The Symmetric Eigenvalue Problem" (1980), chapters 11 and 13.

    Examples
    --------
    >>> values = np.array([5.0, 3.0, 2.0, 1.0])
    >>> found = largest_beside(np.eye(4)[0], lambda x: values * x, np.ones(4))
    >>> np.abs(found).round(9).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    vector = start
    for _ in range(_RESTARTS):
        vector, found = _run(known, product, vector)
        if found:
            return vector
    return None


def _run(
    known: FloatArray, product: Callable[[FloatArray], FloatArray], start: FloatArray
) -> tuple[FloatArray, bool]:
    """The best vector of one Krylov space, and whether it is good enough."""
    n = len(known)
    most = min(_MOST, n - 1)
    basis = np.empty((most + 1, n))  # the known vector first
    basis[0] = known
    basis[1], _ = _orthogonal(start, basis[:1])
    diagonal, beside = np.empty(most), np.empty(most)
    largest = 0.0
    for j in range(most):
        image = product(basis[j + 1])
        diagonal[j] = image @ basis[j + 1]
        image -= diagonal[j] * basis[j + 1]
        if j:
            image -= beside[j - 1] * basis[j]
        rest, beside[j] = _orthogonal(image, basis[: j + 2])
        largest = max(largest, abs(diagonal[j]) + beside[j])
        ended = j + 1 == most or not beside[j] > 1e-15 * largest
        if ended or (j + 1 >= _FIRST and (j + 1 - _FIRST) % _BETWEEN == 0):
            weights, good = _ritz(diagonal[: j + 1], beside[: j + 1])
            # A space that the operator does not leave holds the eigenvector.
            good = good or not beside[j] > 1e-15 * largest or j + 1 == n - 1
            if good or ended:
                vector = weights @ basis[1 : j + 2]
                return vector / np.linalg.norm(vector), good
        basis[j + 2] = rest
    raise AssertionError("the last step ends the loop")  # pragma: no cover


def _orthogonal(vector: FloatArray, basis: FloatArray) -> tuple[FloatArray, float]:
    """What of a vector is orthogonal to a basis, of norm 1, and its norm before that."""
    before = math.sqrt(vector @ vector)
    for _ in range(3):  # again where much cancels, whose rounding is left (Kahan)
        vector = vector - (basis @ vector) @ basis
        norm = math.sqrt(vector @ vector)
        if norm > 0.7 * before:
            break
        before = norm
    return (np.asarray(vector / norm) if norm > 0 else vector), norm


def _ritz(diagonal: FloatArray, beside: FloatArray) -> tuple[FloatArray, bool]:
    """The first Ritz vector in terms of the basis, and whether its value is exact."""
    m = len(diagonal)
    if m == 1:
        return np.ones(1), False
    values, vectors = eigh_tridiagonal(
        diagonal, beside[:-1], select="i", select_range=(m - 2, m - 1)
    )
    residual = abs(float(beside[-1] * vectors[-1, 1]))
    gap = float(values[1] - values[0]) - residual
    error = min(residual, residual**2 / gap) if gap > 0 else residual
    return np.asarray(vectors[:, 1], dtype=np.float64), error <= _EXACT * float(values[1])
