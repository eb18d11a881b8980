"""Masks, weights and numbers of a training, as arrays or tensors, into a snapshot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.errors import LayerError
from topolab.layers import LayerSpec
from topolab.snapshot import Snapshot, pack_mask
from topolab.store.format import metrics_of, number_of

__all__ = ["make_snapshot"]


def make_snapshot(
    layers: Sequence[LayerSpec],
    index: int,
    step: int,
    masks: Mapping[str, Any],
    *,
    epoch: float | None = None,
    weights: Mapping[str, Any] | None = None,
    activity: Mapping[str, Any] | None = None,
    gradient: Mapping[str, Any] | None = None,
    metrics: Mapping[str, float] | None = None,
) -> Snapshot:
    """A snapshot of what `Recorder.record` was given; tensors are only read.

    Parameters
    ----------
    layers : sequence of LayerSpec
    index, step : int
    masks, epoch, weights, activity, gradient, metrics
        As for `Recorder.record`.

    Raises
    ------
    LayerError
        If a layer is missing or unknown, or an array does not fit it.
    ConfigError
        If a metric or the epoch is no number.
    """
    names = {layer.name for layer in layers}
    for what, given in (
        ("masks", masks), ("weights", weights), ("activity", activity), ("gradient", gradient)
    ):  # fmt: skip
        unknown = sorted(set(given or ()) - names)
        if unknown:
            raise LayerError(f"{what} for unknown layers {unknown}; the run has {sorted(names)}")
    packed: dict[str, npt.NDArray[np.uint8]] = {}
    active_weights: dict[str, npt.NDArray[np.float32]] = {}
    for layer in layers:
        mask = _mask(layer, masks)
        packed[layer.name] = pack_mask(mask)
        if weights is not None and layer.name in weights:
            values = _array(weights[layer.name])
            if values.shape != layer.shape:
                raise LayerError(
                    f"layer {layer.name}: weights of shape {values.shape} where "
                    f"{layer.shape} was expected"
                )
            active_weights[layer.name] = values[mask].astype(np.float32, copy=False)
    return Snapshot(
        index=index,
        step=step,
        epoch=math.nan if epoch is None else number_of(epoch, "epoch"),
        layers=tuple(layers),
        packed=packed,
        metrics=metrics_of(metrics),
        stored_weights=active_weights,
        stored_activity=_per_neuron(layers, "activity", activity),
        stored_gradient=_per_neuron(layers, "gradient", gradient),
    )


def _per_neuron(
    layers: Sequence[LayerSpec], what: str, given: Mapping[str, Any] | None
) -> dict[str, npt.NDArray[np.float32]]:
    out = {}
    for layer in layers:
        if given is None or layer.name not in given:
            continue
        values = _array(given[layer.name])
        if values.shape != (layer.n_out,):
            raise LayerError(
                f"layer {layer.name}: {what} of shape {values.shape} where one value for each "
                f"of its {layer.n_out} outputs was expected"
            )
        out[layer.name] = values.astype(np.float32)
    return out


def _mask(layer: LayerSpec, masks: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    if layer.name not in masks:
        if not layer.maskable:
            return np.ones(layer.shape, dtype=np.bool_)
        raise LayerError(f"no mask was given for layer {layer.name}")
    values = _array(masks[layer.name])
    if values.shape != layer.shape:
        raise LayerError(
            f"layer {layer.name}: a mask of shape {values.shape} where {layer.shape} was expected"
        )
    if values.dtype == np.bool_:
        return values
    mask = values != 0
    if not np.array_equal(mask, values):
        raise LayerError(f"layer {layer.name}: a mask holds only 0 and 1, this one has others")
    return np.asarray(mask, dtype=np.bool_)


def _array(values: Any) -> npt.NDArray[Any]:
    if hasattr(values, "detach"):  # a torch tensor, without importing torch
        values = values.detach().cpu().numpy()
    return np.asarray(values)
