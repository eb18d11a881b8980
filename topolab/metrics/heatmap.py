"""Where in the input image the network looks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

__all__ = ["first_hidden", "input_degree"]

IntArray = npt.NDArray[np.int64]


def input_degree(first: sp.csr_array) -> IntArray:
    """Edges of each input into the first layer, shape (n_in,).

    Parameters
    ----------
    first : csr_array, shape (n_hidden, n_in)
        Biadjacency of the first layer.

    Examples
    --------
    >>> input_degree(sp.csr_array(np.array([[1, 1, 0], [1, 0, 0]])))
    array([2, 1, 0])
    """
    return np.bincount(first.indices[first.data != 0], minlength=first.shape[1]).astype(np.int64)


def first_hidden(first: sp.csr_array, hidden_degrees: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The first hidden layer mapped back: each input gets the degrees of those it feeds, summed.

    Parameters
    ----------
    first : csr_array, shape (n_hidden, n_in)
        Biadjacency of the first layer.
    hidden_degrees : ndarray, shape (n_hidden,)
        Total degree of each hidden neuron, or its strength.

    Returns
    -------
    ndarray, shape (n_in,)
        Of the same type.

    Examples
    --------
    >>> first_hidden(sp.csr_array(np.array([[1, 1, 0], [1, 0, 0]])), np.array([5, 2]))
    array([7, 5, 0])
    """
    present = first.copy()
    present.data = (present.data != 0).astype(np.int64)
    return np.asarray(present.T @ hidden_degrees)
