"""What is measured besides the masks: on the probe batch, and NIST's measures of a whole run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from topolab.layers import LayerSpec
from topolab.metrics.hierarchy import READINGS, gradient_ratio
from topolab_trainers.storage import Storage
from topolab_trainers.update import count

__all__ = [
    "PROBE",
    "epochs_to",
    "probe_activity",
    "probe_gradient",
    "summarise",
    "training_flops",
]

#: Samples of the fixed batch that activity and gradients are measured on.
PROBE = 512


@torch.no_grad()
def probe_activity(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Mean absolute activation of every output neuron (or channel) of every layer.

    After norm and ReLU, over the samples and, for a convolution, over the places of the map. The
    last layer's are its logits.

    Parameters
    ----------
    model : Module
        With an attribute ``activation_of``.
    x : Tensor, shape (samples, inputs)

    Returns
    -------
    dict of str to Tensor, shape (n_out,)
    """
    seen: dict[str, Tensor] = {}
    handles = []
    where: Mapping[str, str] = model.activation_of  # type: ignore[assignment]
    for layer, module in where.items():

        def keep(_module: nn.Module, _args: object, out: Tensor, layer: str = layer) -> None:
            other = [0, *range(2, out.ndim)]
            seen[layer] = out.abs().mean(dim=other)

        handles.append(model.get_submodule(module).register_forward_hook(keep))
    before = model.training
    try:
        model.eval()
        model(x)
    finally:
        model.train(before)
        for handle in handles:
            handle.remove()
    return seen


def probe_gradient(
    model: nn.Module, storages: Mapping[str, Storage], x: Tensor, y: Tensor
) -> tuple[dict[str, Tensor], dict[str, dict[str, float]]]:
    """Mean absolute gradient over each neuron's active weights, and the ratios hub to specialist.

    One forward and backward pass of the mean cross-entropy; gradients are cleared afterwards.

    Returns
    -------
    gradient : dict of str to Tensor, shape (n_out,)
    ratio : dict of str to dict of str to float
        Of every maskable layer, by reading: see `topolab.metrics.hierarchy.gradient_ratio`.
    """
    before = model.training
    model.eval()
    model.zero_grad(set_to_none=True)
    try:
        nn.functional.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
        gradient = {name: s.per_neuron_gradient() for name, s in storages.items()}
    finally:
        model.zero_grad(set_to_none=True)
        model.train(before)
    ratio = {}
    for name, storage in storages.items():
        if storage.layer.maskable:
            fan_in = storage.mask.reshape(len(storage.mask), -1).sum(1).cpu().numpy()
            values = gradient[name].cpu().numpy()
            ratio[name] = {r: gradient_ratio(values, fan_in, reading=r) for r in READINGS}
    return gradient, ratio


def epochs_to(history: Sequence[float], share: float = 0.95) -> int:
    """The first epoch, from 1, whose value reaches a share of the last one's (NIST).

    Examples
    --------
    >>> epochs_to([0.5, 0.84, 0.86, 0.9])
    3
    """
    return next(i for i, value in enumerate(history, start=1) if value >= share * history[-1])


def training_flops(spent: int) -> int:
    """NIST's count, 4 x active weights x samples x epochs, where their number may change.

    Parameters
    ----------
    spent : int
        Active weights, summed over all training samples seen.

    Examples
    --------
    Ten weights, a hundred samples, two epochs:

    >>> training_flops(10 * 100 * 2)
    8000
    """
    return 4 * spent


def summarise(
    layers: Sequence[LayerSpec],
    masks: Mapping[str, Tensor],
    *,
    steps: int,
    spent: int,
    metrics: Mapping[str, float],
    history: Sequence[float],
) -> dict[str, Any]:
    """What a finished run says of itself, NIST's measures among it.

    Parameters
    ----------
    layers : sequence of LayerSpec
    masks : mapping of str to Tensor of bool
        The last ones.
    steps : int
        Optimiser steps.
    spent : int
        Active weights, summed over all training samples seen.
    metrics : mapping of str to float
        Of the last snapshot.
    history : sequence of float
        Test accuracy after every epoch.
    """
    active = sum(count(masks[layer.name]) for layer in layers)
    dense = sum(layer.size for layer in layers)
    kept = sum(count(masks[layer.name]) for layer in layers if layer.maskable)
    maskable = sum(layer.size for layer in layers if layer.maskable)
    return {
        "steps": steps,
        "test_accuracy": metrics["test_accuracy"],
        "test_loss": metrics["test_loss"],
        "test_accuracy_per_epoch": list(history),
        "epochs_to_95": epochs_to(history),
        "active_weights": active,
        "dense_weights": dense,
        "compression": dense / active,
        "realised_sparsity": 1 - kept / maskable,
        "training_flops": training_flops(spent),
    }
