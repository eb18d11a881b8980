"""``torch.nn.utils.prune``, and buffers that hold the mask beside the weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from topolab.importers.arrays import as_array, as_mask, binary, dense_layer
from topolab.importers.base import CheckpointContent, CheckpointError, FoundLayer, Importer, Reading
from topolab.importers.names import layer_name, unique, weight_layer
from topolab.importers.state_dict import state_dict, weights_of

__all__ = ["TorchPrune"]


class TorchPrune(Importer):
    """``<layer>.weight_orig`` with ``<layer>.weight_mask``, or ``weight`` with its mask.

    Any parameter of two or more sizes may be pruned: those of an LSTM become layers of their own.
    """

    name = "torch-prune"
    summary = "weight_mask beside weight_orig (torch.nn.utils.prune), or a mask beside weight."
    rank = 60

    def detect(self, content: CheckpointContent) -> bool:
        """Whether a weight has a mask beside it."""
        if content.kind not in ("torch", "safetensors", "npz"):
            return False
        state = state_dict(content.value)
        return any(
            len(value.shape) >= 2 and _beside(key, state, content) is not None
            for key, value in state.items()
        )

    def read(self, content: CheckpointContent, order: Sequence[str] | None = None) -> Reading:
        """Masks, weights, and the layers that have no mask."""
        state = state_dict(content.value)
        layers: list[FoundLayer] = []
        remarks = []
        if any(key.rpartition(".")[2] == "bias_mask" for key in state):
            remarks.append("masks of biases are left out")
        plain = dict(weights_of(state))
        for key in state:
            if len(state[key].shape) < 2:
                continue
            name = weight_layer(key) or layer_name(key.removesuffix("_orig"))
            beside = _beside(key, state, content)
            if beside is not None:
                mask = as_mask(state[beside], content, name)
                weight = as_array(state[key], content, name)
                if mask.shape != weight.shape:
                    raise CheckpointError(
                        f"{content.label}: layer {name} has a mask of shape {mask.shape} "
                        f"and a weight of shape {weight.shape}"
                    )
                layers.append(FoundLayer(name, mask, weight))
            elif weight_layer(key) is not None and name in plain:
                layers.append(dense_layer(name, state[key], content))
        unique([layer.name for layer in layers], content)
        return Reading(tuple(layers), tuple(remarks))


def _beside(key: str, state: Mapping[str, Any], content: CheckpointContent) -> str | None:
    """The mask of a parameter: its own name with _mask; or one of its shape called mask."""
    base, _, last = key.rpartition(".")
    if last.endswith("_orig"):
        mask = key.removesuffix("_orig") + "_mask"
        return mask if mask in state else None
    if last != "weight":
        return None
    if key + "_mask" in state:
        return key + "_mask"
    shape = tuple(state[key].shape)
    for mask in (f"{base}.mask", f"{base}_mask") if base else ("mask",):
        value = state.get(mask)
        if value is not None and tuple(value.shape) == shape and binary(value, content):
            return mask
    return None
