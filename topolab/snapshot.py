"""A snapshot: the masks of every layer at one topology update, and what was measured there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.errors import UnknownLayerError
from topolab.layers import LayerSpec
from topolab.metrics.bits import csr_of_bits

__all__ = ["ACCURACY", "Snapshot", "pack_mask", "unpack_mask", "weighted_biadjacency"]

BoolArray = npt.NDArray[np.bool_]
ByteArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

Value = TypeVar("Value")

#: The metric that lists and comparisons show first, where a training measured it.
ACCURACY = "test_accuracy"


def pack_mask(mask: BoolArray) -> ByteArray:
    """Eight mask entries to a byte: row-major, lowest bit first, padded with zeros.

    Examples
    --------
    >>> pack_mask(np.array([[True, False, True], [False, False, True]]))
    array([37], dtype=uint8)
    """
    return np.packbits(np.ascontiguousarray(mask).reshape(-1), bitorder="little")


def unpack_mask(packed: ByteArray, shape: tuple[int, ...]) -> BoolArray:
    """Undo `pack_mask` for a mask of this shape.

    Examples
    --------
    >>> unpack_mask(np.array([37], dtype=np.uint8), (2, 3))
    array([[ True, False,  True],
           [False, False,  True]])
    """
    bits = np.unpackbits(packed, count=math.prod(shape), bitorder="little")
    return bits.view(np.bool_).reshape(shape)


class ByLayer(Mapping[str, Value], Generic[Value]):
    """A read-only mapping from layer name to a value made when it is asked for."""

    def __init__(self, layers: tuple[LayerSpec, ...], make: Callable[[LayerSpec], Value]) -> None:
        self._layers = {layer.name: layer for layer in layers}
        self._make = make

    def __getitem__(self, name: str) -> Value:
        if name not in self._layers:
            raise UnknownLayerError(f"no layer {name!r}; this run has {', '.join(self._layers)}")
        return self._make(self._layers[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __contains__(self, name: object) -> bool:
        return name in self._layers


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state of the wiring at one step.

    Attributes
    ----------
    index : int
        Position in the run, from 0.
    step : int
        Optimiser steps done when it was taken.
    epoch : float
        The same in passes over the training data; NaN where it is not known.
    layers : tuple of LayerSpec
    packed : mapping of str to ndarray of uint8
        The masks as stored: see `pack_mask`.
    metrics : mapping of str to float
        Whatever the training measured there (``test_accuracy``, ``train_loss``, ...).
    digest : str
        SHA-256 of the file it was read from; empty for one that was not stored.
    """

    index: int
    step: int
    epoch: float
    layers: tuple[LayerSpec, ...]
    packed: Mapping[str, ByteArray]
    metrics: Mapping[str, float] = field(default_factory=dict)
    digest: str = ""
    stored_weights: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)
    stored_activity: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)
    stored_gradient: Mapping[str, FloatArray] = field(default_factory=dict, repr=False)

    @property
    def masks(self) -> Mapping[str, BoolArray]:
        """Per layer the mask: ndarray of bool of the layer's shape, row = output neuron."""
        return ByLayer(self.layers, lambda layer: unpack_mask(self.packed[layer.name], layer.shape))

    @property
    def weights(self) -> Mapping[str, FloatArray | None]:
        """Per layer the active weights, float32, row-major; None where they were not recorded."""
        return ByLayer(self.layers, lambda layer: self.stored_weights.get(layer.name))

    @property
    def activity(self) -> Mapping[str, FloatArray | None]:
        """Per layer the mean absolute activation of each output neuron, or None."""
        return ByLayer(self.layers, lambda layer: self.stored_activity.get(layer.name))

    @property
    def gradient(self) -> Mapping[str, FloatArray | None]:
        """Per layer the mean absolute gradient of each output neuron, or None."""
        return ByLayer(self.layers, lambda layer: self.stored_gradient.get(layer.name))

    def layer(self, name: str) -> LayerSpec:
        """The layer of this name.

        Raises
        ------
        UnknownLayerError
            If there is none.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise UnknownLayerError(
            f"no layer {name!r}; this run has {', '.join(k.name for k in self.layers)}"
        )

    def nnz(self, name: str) -> int:
        """Number of active weights of a layer."""
        return int(np.bitwise_count(self.packed[self.layer(name).name]).sum())

    def edges(self, name: str) -> npt.NDArray[np.int64]:
        """Active weights per edge, shape (n_out, n_in): see `LayerSpec.edges`."""
        return self.layer(name).edges(self.masks[name])

    def biadjacency(self, name: str) -> sp.csr_array:
        """The layer as a sparse matrix, shape (n_out, n_in), values as `edges`.

        Made from the packed mask without ever holding more than its bits and its edges.

        Returns
        -------
        scipy.sparse.csr_array of int32
            Rows sorted, no stored zeros.
        """
        layer = self.layer(name)
        if layer.kind == "linear":
            indptr, cols = csr_of_bits(self.packed[name], layer.n_out, layer.n_in)
            values = np.ones(len(cols), dtype=np.int32)
        else:
            flat = active_positions(self.packed[name], layer.size)
            kernel = layer.shape[2] * layer.shape[3]
            edge, count = np.unique(flat // kernel, return_counts=True)
            rows, cols = np.divmod(edge, layer.shape[1])
            cols = cols + rows // (layer.n_out // layer.groups) * layer.shape[1]
            values = count.astype(np.int32)
            indptr = np.zeros(layer.n_out + 1, dtype=np.int64)
            np.cumsum(np.bincount(rows, minlength=layer.n_out), out=indptr[1:])
        matrix = sp.csr_array((values, cols, indptr), shape=(layer.n_out, layer.n_in))
        matrix.has_sorted_indices = True
        return matrix


def weighted_biadjacency(snapshot: Snapshot, name: str) -> sp.csr_array | None:
    """The layer as a sparse matrix of the sums of abs(w) on each edge.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (n_out, n_in), or None
        None where the weights were not recorded. An edge whose weights are all 0, as a new one
        is, is a stored 0.
    """
    weights = snapshot.weights[name]
    if weights is None:
        return None
    block = snapshot.biadjacency(name)
    layer = snapshot.layer(name)
    size = np.abs(weights.astype(np.float64))
    if layer.kind == "conv":
        flat = active_positions(snapshot.packed[name], layer.size)
        starts = np.flatnonzero(np.diff(flat // (layer.shape[2] * layer.shape[3]), prepend=-1))
        size = np.add.reduceat(size, starts) if len(starts) else size
    out = sp.csr_array((size, block.indices, block.indptr), shape=block.shape)
    out.has_sorted_indices = True
    return out


def active_positions(packed: ByteArray, size: int) -> npt.NDArray[np.int64]:
    """Row-major positions of the active weights in a packed mask.

    Examples
    --------
    >>> active_positions(np.array([37], dtype=np.uint8), 6)
    array([0, 2, 5])
    """
    bits = np.unpackbits(packed, count=size, bitorder="little")
    return np.flatnonzero(bits.view(np.bool_)).astype(np.int64, copy=False)
