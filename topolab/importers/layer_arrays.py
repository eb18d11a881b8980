"""Layers of one checkpoint as topolab has them: (out, in), in the order of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from topolab.importers.arrays import dense_layer
from topolab.importers.base import CheckpointContent, CheckpointError, FoundLayer, Importer, Reading
from topolab.importers.orientation import Orientation
from topolab.importers.state_dict import state_dict, weights_of

__all__ = ["LayerArrays", "in_order", "layer_arrays", "read_layers"]


@dataclass(frozen=True)
class LayerArrays:
    """A layer as topolab has it: (out, in), two or four sizes."""

    name: str
    mask: npt.NDArray[np.bool_]
    weight: npt.NDArray[np.float32] | None


def read_layers(
    importer: Importer, content: CheckpointContent, order: Sequence[str] | None, *, lenient: bool
) -> Reading:
    """Read a checkpoint; if the user named the convention, one without masks is dense."""
    if not lenient or importer.detect(content):
        return importer.read(content, order)
    weights = weights_of(state_dict(content.value))
    return Reading(
        tuple(dense_layer(name, value, content) for name, value in weights),
        (f"{content.label} holds no masks: its layers are dense",),
    )


def in_order(
    layers: Sequence[FoundLayer], order: Sequence[str] | None, content: CheckpointContent
) -> list[FoundLayer]:
    """The layers that the user named, in that order; all of them, as they lie, if none is named.

    Raises
    ------
    CheckpointError
        If one of them is not there.
    """
    if order is None:
        return list(layers)
    by_name = {layer.name: layer for layer in layers}
    missing = [name for name in order if name not in by_name]
    if missing:
        raise CheckpointError(
            f"{content.label}: has no layer {', '.join(missing)}; it has {', '.join(by_name)}"
        )
    return [by_name[name] for name in order]


def layer_arrays(layer: FoundLayer, orientation: Orientation) -> LayerArrays:
    """A layer as it lies in the file, turned and without its bias, its weights as float32."""
    mask, weight = layer.mask, layer.weight
    if weight is not None:
        weight = orientation.apply(weight)
    if mask is None:
        assert weight is not None
        mask = np.ones(weight.shape, dtype=np.bool_)
    else:
        mask = orientation.apply(mask)
    if mask.ndim == 3:  # a one-dimensional convolution
        mask = mask[..., None]
        weight = None if weight is None else weight[..., None]
    if weight is not None:
        with np.errstate(over="ignore"):  # what is too large is infinite, and said
            weight = weight.astype(np.float32, copy=False)
    return LayerArrays(layer.name, np.asarray(mask, dtype=np.bool_), weight)
