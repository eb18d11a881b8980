"""``torch.nn.utils.prune``, and buffers called weight_mask beside the weight."""

from __future__ import annotations

from collections.abc import Sequence

from topolab.importers.base import CheckpointError, Content, FoundLayer, Importer, Reading
from topolab.importers.common import (
    as_array,
    as_mask,
    dense_layer,
    layer_name,
    state_dict,
    strip,
    unique,
    weights_of,
)

__all__ = ["TorchPrune"]

_MASK = "weight_mask"


class TorchPrune(Importer):
    """``<layer>.weight_orig`` with ``<layer>.weight_mask``, or ``weight`` with ``weight_mask``."""

    name = "torch-prune"
    summary = "weight_mask beside weight_orig (torch.nn.utils.prune) or weight (SynFlow)."
    rank = 60

    def detect(self, content: Content) -> bool:
        """Whether a layer has a weight_mask."""
        state = state_dict(content.value)
        return any(
            key.rpartition(".")[2] == _MASK
            and any(key.removesuffix("_mask") + end in state for end in ("_orig", ""))
            for key in state
        )

    def read(self, content: Content, order: Sequence[str] | None = None) -> Reading:
        """Masks, weights, and the layers that have no mask."""
        state = state_dict(content.value)
        found: list[FoundLayer] = []
        remarks = []
        if any(key.rpartition(".")[2] == "bias_mask" for key in state):
            remarks.append("masks of biases are left out")
        plain = dict(weights_of(state))
        for key in state:
            base, _, last = strip(key).rpartition(".")
            name = base or "layer"
            if last in ("weight_orig", "weight"):
                beside = key.removesuffix("_orig") + "_mask"
                if beside in state:
                    mask = as_mask(state[beside], content, name)
                    weight = as_array(state[key], content, name)
                    if mask.shape != weight.shape:
                        raise CheckpointError(
                            f"{content.label}: layer {name} has a mask of shape {mask.shape} "
                            f"and a weight of shape {weight.shape}"
                        )
                    found.append(FoundLayer(name, mask, weight))
                elif last == "weight" and layer_name(key) in plain:
                    found.append(dense_layer(name, state[key], content))
        unique([layer.name for layer in found], content)
        return Reading(tuple(found), tuple(remarks))
