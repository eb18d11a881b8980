"""Weights that are sparse tensors in a state dict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from topolab.importers.arrays import dense_layer, from_sparse, is_sparse
from topolab.importers.base import CheckpointContent, FoundLayer, Importer, Reading
from topolab.importers.names import layer_name, unique, weight_layer
from topolab.importers.state_dict import state_dict, weights_of

__all__ = ["SparseTensors"]


class SparseTensors(Importer):
    """COO, CSR or CSC tensors; what is stored is active."""

    name = "sparse-tensors"
    summary = "Sparse COO, CSR or CSC tensors in a state dict."
    rank = 40
    chain = True

    def detect(self, content: CheckpointContent) -> bool:
        """Whether a tensor of the state dict is sparse."""
        return content.kind == "torch" and any(
            is_sparse(value) and len(value.shape) in (2, 3, 4)
            for value in state_dict(content.value).values()
        )

    def read(self, content: CheckpointContent, order: Sequence[str] | None = None) -> Reading:
        """Structure and values of the sparse ones, and the dense weights."""
        state = state_dict(content.value)
        plain = dict(weights_of(state))
        layers: list[FoundLayer] = []
        zeros = 0
        for key, value in state.items():
            name = weight_layer(key) or layer_name(key)
            if is_sparse(value) and len(value.shape) in (2, 3, 4):
                layer = from_sparse(name, value, content)
                assert layer.mask is not None
                assert layer.weight is not None
                zeros += int(np.count_nonzero(layer.mask & (layer.weight == 0)))
                layers.append(layer)
            elif weight_layer(key) is not None and name in plain:
                layers.append(dense_layer(name, value, content))
        unique([layer.name for layer in layers], content)
        remarks = ("stored entries of value 0 are taken as active",) if zeros else ()
        return Reading(tuple(layers), remarks)
