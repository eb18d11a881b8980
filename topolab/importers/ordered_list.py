"""Masks in a list, None for a dense layer: rigl-torch, condensed-sparsity, CHT's scheduler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from topolab.importers.arrays import as_array, as_mask, is_array
from topolab.importers.base import CheckpointContent, CheckpointError, FoundLayer, Importer, Reading
from topolab.importers.names import layer_name, unique
from topolab.importers.state_dict import find_key, state_dict, weights_of

__all__ = ["OrderedList"]

_KEY = "backward_masks"


class OrderedList(Importer):
    """``backward_masks`` in the state of a pruner or scheduler; the order is the model's."""

    name = "ordered-list"
    summary = "backward_masks, a list in the model's order (rigl-torch, condensed-sparsity, CHT)."
    rank = 65

    def detect(self, content: CheckpointContent) -> bool:
        """Whether there is a list of arrays, or None, under backward_masks."""
        return _masks(content) is not None

    def read(self, content: CheckpointContent, order: Sequence[str] | None = None) -> Reading:
        """Masks in order; names from the user, the list's own, or the model's state dict."""
        masks = _masks(content) or []
        remarks: list[str] = []
        weights = [
            (name, value)
            for name, value in weights_of(state_dict(content.value))
            if value is not None
        ]
        beside = _align(masks, weights, content)
        names = _names(masks, beside, content, order, remarks)
        explored = find_key(content.value, "explored_params")
        layers: list[FoundLayer] = []
        for index, (name, value) in enumerate(zip(names, masks, strict=True)):
            weight = None if beside is None else as_array(beside[index][1], content, name)
            if value is not None:
                layers.append(FoundLayer(name, as_mask(value, content, name), weight))
            elif weight is not None:
                layers.append(FoundLayer(name, None, weight))
            elif _has_shape(explored, index, len(masks)):
                shape = as_array(explored[index], content, name).shape
                layers.append(FoundLayer(name, np.ones(shape, dtype=np.bool_)))
            else:
                remarks.append(
                    f"layer {name} is dense, and nothing in the file gives its shape: left out"
                )
        unique([layer.name for layer in layers], content)
        return Reading(tuple(layers), tuple(remarks))


def _masks(content: CheckpointContent) -> Sequence[Any] | None:
    if content.kind != "torch":
        return None
    for value in (find_key(content.value, _KEY), find_key(content.value, "masks")):
        if not isinstance(value, (list, tuple)):
            continue
        good = all(item is None or is_array(item) for item in value)
        if good and any(item is not None and len(item.shape) >= 2 for item in value):
            return value
    return None


def _align(
    masks: Sequence[Any], weights: list[tuple[str, Any]], content: CheckpointContent
) -> list[tuple[str, Any]] | None:
    """The model's layers, where they are as many as the masks and of their shapes."""
    if len(weights) != len(masks) or not weights:
        return None
    for mask, (name, value) in zip(masks, weights, strict=True):
        if mask is not None and tuple(mask.shape) != tuple(value.shape):
            raise CheckpointError(
                f"{content.label}: layer {name} has a mask of shape {tuple(mask.shape)} and a "
                f"weight of shape {tuple(value.shape)}; the list is not in the model's order"
            )
    return weights


def _names(
    masks: Sequence[Any],
    beside: list[tuple[str, Any]] | None,
    content: CheckpointContent,
    order: Sequence[str] | None,
    remarks: list[str],
) -> list[str]:
    own = find_key(content.value, "module_names")
    if beside is not None:
        return [name for name, _ in beside]
    if isinstance(own, (list, tuple)) and len(own) == len(masks):
        return [layer_name(str(name)) for name in own]
    if order is not None:
        if len(order) != len(masks):
            raise CheckpointError(
                f"{content.label}: {len(masks)} masks are in the list, "
                f"but {len(order)} names were given"
            )
        return list(order)
    remarks.append(
        "the list has no names: its layers are called layer1, layer2, ... "
        "(give theirs, in the model's order, in a file: model_order)"
    )
    return [f"layer{index + 1}" for index in range(len(masks))]


def _has_shape(explored: Any, index: int, count: int) -> bool:
    return (
        isinstance(explored, (list, tuple))
        and len(explored) == count
        and is_array(explored[index])
        and len(explored[index].shape) in (2, 3, 4)
    )
