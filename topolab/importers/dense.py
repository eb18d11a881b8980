"""Plain dense weights in which absent ones are exactly 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from topolab.importers.arrays import as_array, binary, is_array, is_sparse
from topolab.importers.base import CheckpointContent, FoundLayer, Importer, Reading
from topolab.importers.names import layer_name, unique
from topolab.importers.state_dict import state_dict, weights_of

__all__ = ["Dense"]


class Dense(Importer):
    """The last resort: a state dict, or any ``.npz`` of matrices."""

    name = "dense"
    summary = "Plain dense weights with exact zeros (any state dict)."
    rank = 0
    from_zeros = True
    remark = (
        "masks are taken from the weights that are not 0: one that was grown at the last update "
        "and is still 0 is missed"
    )

    def detect(self, content: CheckpointContent) -> bool:
        """Whether there is a weight of a layer."""
        return bool(_weights(content))

    def read(self, content: CheckpointContent, order: Sequence[str] | None = None) -> Reading:
        """What is not 0 is active; a layer without a 0 is dense."""
        layers = []
        for name, value in _weights(content):
            weight = as_array(value, content, name)
            layers.append(FoundLayer(name, weight != 0, weight))
        unique([layer.name for layer in layers], content)
        return Reading(tuple(layers))


def _weights(content: CheckpointContent) -> list[tuple[str, Any]]:
    if content.kind not in ("torch", "safetensors", "npz"):
        return []
    weights = [(name, v) for name, v in weights_of(state_dict(content.value)) if not is_sparse(v)]
    if not weights and content.kind == "npz" and isinstance(content.value, Mapping):
        weights = [
            (layer_name(key), value)
            for key, value in content.value.items()
            if is_array(value)
            and value.ndim in (2, 3, 4)
            and not ("mask" in key.lower() and binary(value, content))
        ]
    return weights
