"""``torch.nn.utils.parametrize``: the weight's original with a mask among its parametrisations."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from topolab.importers.arrays import as_array, as_mask, dense_layer
from topolab.importers.base import CheckpointContent, CheckpointError, FoundLayer, Importer, Reading
from topolab.importers.names import layer_name, strip, unique
from topolab.importers.state_dict import state_dict, weights_of

__all__ = ["Parametrized"]

_ORIGINAL = re.compile(r"(?:(.*)\.)?parametrizations\.weight\.original")
_MASK = re.compile(r"((?:.*\.)?parametrizations\.weight)\.\d+\.mask")


class Parametrized(Importer):
    """``<layer>.parametrizations.weight.original`` with ``.0.mask`` (and ``.0.dense_grad``)."""

    name = "parametrized"
    summary = "parametrizations.weight.original with a parametrisation's mask."
    rank = 70

    def detect(self, content: CheckpointContent) -> bool:
        """Whether a parametrised weight has a mask."""
        state = state_dict(content.value)
        return any(
            (match := _MASK.fullmatch(key)) is not None and f"{match[1]}.original" in state
            for key in state
        )

    def read(self, content: CheckpointContent, order: Sequence[str] | None = None) -> Reading:
        """Masks, originals, and the layers that have no mask."""
        state = state_dict(content.value)
        masks: dict[str, list[str]] = {}
        for key in state:
            if (match := _MASK.fullmatch(key)) is not None:
                masks.setdefault(match[1], []).append(key)
        plain = {name for name, _ in weights_of(state)}
        layers: list[FoundLayer] = []
        for key, value in state.items():
            match = _ORIGINAL.fullmatch(strip(key))
            if match is not None:
                name = match[1] or "layer"
                weight = as_array(value, content, name)
                beside = masks.get(key.removesuffix(".original"))
                if beside is None:
                    if weight.ndim in (2, 3, 4):
                        layers.append(FoundLayer(name, None, weight))
                    continue
                mask = np.ones(weight.shape, dtype=np.bool_)
                for one in beside:  # what all leave is active
                    part = as_mask(state[one], content, name)
                    if part.shape != weight.shape:
                        raise CheckpointError(
                            f"{content.label}: layer {name} has a mask of shape {part.shape} "
                            f"and an original of shape {weight.shape}"
                        )
                    mask &= part
                layers.append(FoundLayer(name, mask, weight))
            elif (key == "weight" or key.endswith(".weight")) and layer_name(key) in plain:
                layers.append(dense_layer(layer_name(key), value, content))
        unique([layer.name for layer in layers], content)
        return Reading(tuple(layers))
