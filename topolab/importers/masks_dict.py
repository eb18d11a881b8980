"""A dictionary of masks by name: the family of sparse_learning, ITOP, rigl-reproducibility."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from topolab.importers.arrays import as_array, as_mask, binary, dense_layer, is_array
from topolab.importers.base import CheckpointContent, CheckpointError, FoundLayer, Importer, Reading
from topolab.importers.names import layer_name, unique
from topolab.importers.state_dict import find_key, state_dict, weights_of

__all__ = ["MasksDict"]


class MasksDict(Importer):
    """Name -> mask under ``masks``, ``mask`` or ``mask.masks``, or as the whole file."""

    name = "masks-dict"
    summary = "A dictionary of masks by name (sparse_learning, ITOP, rigl-reproducibility)."
    rank = 50

    def detect(self, content: CheckpointContent) -> bool:
        """Whether there is a dictionary of arrays under one of the usual names."""
        return _masks(content) is not None

    def read(self, content: CheckpointContent, order: Sequence[str] | None = None) -> Reading:
        """Masks, the weights beside them if there are any, and the layers that have no mask."""
        masks = _masks(content) or {}
        remarks = []
        named: dict[str, Any] = {}
        unique([layer_name(key) for key in masks], content)
        for key, value in masks.items():
            if not is_array(value):  # None for a dense layer, or a number that was kept there
                continue
            if len(value.shape) < 2:
                remarks.append("masks of biases and normalisations are left out")
                continue
            named[layer_name(key)] = value
        weights = {} if masks is content.value else dict(weights_of(state_dict(content.value)))
        named = _matched(named, weights, content, remarks)
        names = [*weights, *(name for name in named if name not in weights)]
        if weights and not set(named) <= set(weights):
            missing = sorted(set(named) - set(weights))
            remarks.append(f"no weights were found for {', '.join(missing)}")
            names = [*named, *(name for name in weights if name not in named)]
        layers: list[FoundLayer] = []
        for name in names:
            if name not in named:
                layers.append(dense_layer(name, weights[name], content))
                continue
            mask = as_mask(named[name], content, name)
            weight = as_array(weights[name], content, name) if name in weights else None
            if weight is not None and weight.shape != mask.shape:
                raise CheckpointError(
                    f"{content.label}: layer {name} has a mask of shape {mask.shape} "
                    f"and a weight of shape {weight.shape}"
                )
            layers.append(FoundLayer(name, mask, weight))
        return Reading(tuple(layers), tuple(dict.fromkeys(remarks)))


def _masks(content: CheckpointContent) -> Mapping[str, Any] | None:
    value = content.value
    if content.kind not in ("torch", "safetensors", "npz") or not isinstance(value, Mapping):
        return None
    mask = value.get("mask")
    for inside in (value.get("masks"), mask.get("masks") if isinstance(mask, Mapping) else None,
                   mask, find_key(value, "masks")):  # fmt: skip
        if _names_to_arrays(inside):
            return inside
    bare = _names_to_arrays(value) and all(_bare(v, content) for v in value.values())
    return value if bare else None


def _names_to_arrays(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether there are matrices by name; a number or None may stand among them."""
    return (
        isinstance(value, Mapping)
        and all(isinstance(k, str) and not isinstance(v, (Mapping, list)) for k, v in value.items())
        and any(is_array(v) and len(v.shape) >= 2 for v in value.values())
    )


def _bare(value: Any, content: CheckpointContent) -> bool:
    """Whether this may stand in a file of nothing but masks; those of biases are bool or absent."""
    if value is None or binary(value, content):
        return True
    return is_array(value) and len(value.shape) == 1 and "bool" in str(value.dtype)


def _prefix(named: Mapping[str, Any], weights: Mapping[str, Any]) -> str | None:
    """One prefix that makes weights of all masks; of two copies of a model not the averaged one."""
    first = next(iter(named))
    prefixes = [other.removesuffix(first) for other in weights if other.endswith("." + first)]
    whole = [
        prefix for prefix in prefixes
        if all(prefix + name in weights
               and tuple(weights[prefix + name].shape) == tuple(mask.shape)
               for name, mask in named.items())
    ]  # fmt: skip
    plain = [prefix for prefix in whole if "ema" not in prefix and "avg" not in prefix]
    whole = plain if len(whole) > 1 else whole
    return whole[0] if len(whole) == 1 else None


def _matched(
    named: Mapping[str, Any],
    weights: Mapping[str, Any],
    content: CheckpointContent,
    remarks: list[str],
) -> dict[str, Any]:
    """Masks by the names of the weights; one of the two may have a prefix more (``model.``)."""
    by_weight: dict[str, Any] = {}
    if weights and not set(named) <= set(weights):
        prefix = _prefix(named, weights)
        if prefix is not None:
            remarks.append(f"masks are of the weights whose names begin with {prefix}")
            return {prefix + name: mask for name, mask in named.items()}
    for name, mask in named.items():
        fitting = [name] if name in weights or not weights else [
            other for other, weight in weights.items()
            if (other.endswith("." + name) or name.endswith("." + other))
            and tuple(weight.shape) == tuple(mask.shape)
        ]  # fmt: skip
        if len(fitting) > 1 or (fitting and fitting[0] in by_weight):
            raise CheckpointError(
                f"{content.label}: the mask {name} fits several weights ({', '.join(fitting)}); "
                "name it as the model does"
            )
        if fitting and fitting[0] != name:
            remarks.append("masks and weights are matched by the ends of their names")
        by_weight[fitting[0] if fitting else name] = mask
    return by_weight
