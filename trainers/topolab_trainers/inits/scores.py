"""What pruning at initialisation shares: keep the weights with the highest scores anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab_trainers.inits.base import dense_masks
from topolab_trainers.update import highest

__all__ = ["evaluating", "keep_best", "total_edges", "weights_of"]


def weights_of(model: nn.Module, layers: tuple[LayerSpec, ...]) -> dict[str, nn.Parameter]:
    """The weight of every maskable layer."""
    return {
        layer.name: model.get_submodule(layer.name).weight  # type: ignore[misc]
        for layer in layers
        if layer.maskable
    }


def total_edges(layers: tuple[LayerSpec, ...], sparsity: float) -> int:
    """Active weights over all maskable layers together."""
    return round((1 - sparsity) * sum(layer.size for layer in layers if layer.maskable))


def keep_best(
    layers: tuple[LayerSpec, ...],
    scores: Mapping[str, Tensor],
    edges: int,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Masks of the `edges` highest scores over all layers together; ties at random.

    Raises
    ------
    ConfigError
        If a layer is left without a single edge (layer collapse).

    Examples
    --------
    >>> layers = (LayerSpec("a", "linear", (1, 2)), LayerSpec("b", "linear", (1, 2)))
    >>> scores = {"a": torch.tensor([[0.1, 0.9]]), "b": torch.tensor([[0.5, 0.2]])}
    >>> masks = keep_best(layers, scores, 2, torch.Generator())
    >>> masks["a"].int().tolist(), masks["b"].int().tolist()
    ([[0, 1]], [[1, 0]])
    """
    names = list(scores)
    flat = torch.cat([scores[name].detach().reshape(-1).cpu() for name in names])
    kept = torch.zeros(flat.numel(), dtype=torch.bool)
    kept[highest(flat, edges, generator)] = True
    masks = dense_masks(layers)
    start = 0
    for name in names:
        size = scores[name].numel()
        masks[name] = kept[start : start + size].reshape(scores[name].shape)
        start += size
        if not bool(masks[name].any()):
            raise ConfigError(
                f"layer {name} would lose every edge at this sparsity (layer collapse); use a "
                "lower one, or --init synflow, which avoids it"
            )
    return masks


@contextmanager
def evaluating(model: nn.Module):  # type: ignore[no-untyped-def]
    """Evaluation mode for a while: normalisation layers keep their statistics."""
    before = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(before)
