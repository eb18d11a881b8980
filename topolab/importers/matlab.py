"""MATLAB adjacency matrices, one for each layer and epoch: CHT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from topolab.importers.arrays import as_array, as_mask, binary, from_sparse, is_sparse
from topolab.importers.base import CheckpointContent, CheckpointError, FoundLayer, Importer, Reading

__all__ = ["Matlab"]


class Matlab(Importer):
    """Masks of 0 and 1, or weights; usually (in, out)."""

    name = "matlab"
    summary = "A .mat of an adjacency matrix per layer and epoch (CHT)."
    rank = 30
    order = "in-out"
    chain = True

    def detect(self, content: CheckpointContent) -> bool:
        """Whether these are MATLAB's matrices."""
        return content.kind == "matlab" and isinstance(content.value, Mapping)

    def read(self, content: CheckpointContent, order: Sequence[str] | None = None) -> Reading:
        """A matrix of 0 and 1 is a mask; any other is weights, absent where 0."""
        layers = []
        remarks = []
        for name, value in content.value.items():
            if is_sparse(value):
                layer = from_sparse(name, value, content)
                array = layer.weight
                assert array is not None
            else:
                array = as_array(value, content, name)
            if binary(array, content):
                layers.append(FoundLayer(name, as_mask(array, content, name)))
                continue
            if np.isnan(array).any():
                raise CheckpointError(f"{content.label}: the matrix of layer {name} holds NaN")
            remarks.append("the matrices hold weights: one that is exactly 0 is taken as absent")
            layers.append(FoundLayer(name, array != 0, array))
        return Reading(tuple(layers), tuple(dict.fromkeys(remarks)))
