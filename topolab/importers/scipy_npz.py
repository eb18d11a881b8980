"""A folder per epoch with a scipy sparse ``.npz`` per layer: implementations of SET."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from topolab.importers.arrays import from_sparse, is_sparse
from topolab.importers.base import CheckpointContent, Importer, Reading

__all__ = ["ScipyNpz"]


class ScipyNpz(Importer):
    """What is stored is active; usually (in, out)."""

    name = "scipy-npz"
    summary = "One scipy sparse .npz per layer, a folder per epoch (SET, Sparse Topology Distance)."
    rank = 30
    order = "in-out"
    chain = True

    def detect(self, content: CheckpointContent) -> bool:
        """Whether these are scipy's files."""
        return content.kind == "scipy" and isinstance(content.value, Mapping) and all(
            is_sparse(value) for value in content.value.values()
        )  # fmt: skip

    def read(self, content: CheckpointContent, order: Sequence[str] | None = None) -> Reading:
        """Structure and values."""
        layers = tuple(from_sparse(name, value, content) for name, value in content.value.items())
        zeros = sum(
            int(np.count_nonzero(layer.mask & (layer.weight == 0)))
            for layer in layers
            if layer.mask is not None and layer.weight is not None
        )
        remarks = ("stored entries of value 0 are taken as active",) if zeros else ()
        return Reading(layers, remarks)
