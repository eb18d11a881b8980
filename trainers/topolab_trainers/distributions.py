"""How many edges each layer gets, and initial masks with exactly that many."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from topolab.errors import ConfigError
from topolab.layers import LayerSpec

__all__ = ["DISTRIBUTIONS", "edge_counts", "random_masks", "round_to"]

DISTRIBUTIONS = ("uniform", "er", "erk")


def edge_counts(layers: Sequence[LayerSpec], sparsity: float, distribution: str) -> dict[str, int]:
    """Active weights per layer at a total sparsity over the maskable layers.

    Parameters
    ----------
    layers : sequence of LayerSpec
        Those that are not maskable get all their weights and do not count.
    sparsity : float
        Share of absent weights over all maskable layers together, in [0, 1).
    distribution : {"uniform", "er", "erk"}
        uniform: the same sparsity everywhere. er: density proportional to (n + m) / (n m).
        erk: for a convolution (n + m + w + h) / (n m w h). A layer whose density would pass 1 is
        dense, and the others share what is left.

    Returns
    -------
    dict of str to int
        The total over the maskable layers is ``round((1 - sparsity) * size)`` exactly.

    Raises
    ------
    ConfigError
        For a sparsity outside [0, 1), an unknown distribution, or so few edges that a layer
        would have none.

    References
    ----------
    U. Evci et al., "Rigging the Lottery", ICML 2020 (ERK); D. C. Mocanu et al., Nature
    Communications 9 (2018) (ER).

    Examples
    --------
    >>> layers = [LayerSpec("a", "linear", (4, 6)), LayerSpec("b", "linear", (2, 4))]
    >>> edge_counts(layers, 0.5, "uniform")
    {'a': 12, 'b': 4}
    >>> edge_counts(layers, 0.5, "er")
    {'a': 10, 'b': 6}
    """
    if not 0 <= sparsity < 1:
        raise ConfigError(f"sparsity {sparsity} is outside [0, 1)")
    if distribution not in DISTRIBUTIONS:
        raise ConfigError(
            f"unknown distribution {distribution!r}; there is {', '.join(DISTRIBUTIONS)}"
        )
    counts = {layer.name: layer.size for layer in layers}
    maskable = [layer for layer in layers if layer.maskable]
    if not maskable or sparsity == 0:
        return counts
    total = round((1 - sparsity) * sum(layer.size for layer in maskable))
    if distribution == "uniform":
        shares = {layer.name: (1 - sparsity) * layer.size for layer in maskable}
    else:
        shares = _er_shares(maskable, total, kernel=distribution == "erk")
    counts.update(round_to(shares, total, {layer.name: layer.size for layer in maskable}))
    bare = [layer.name for layer in maskable if counts[layer.name] == 0]
    if bare:
        raise ConfigError(
            f"sparsity {sparsity} leaves layer {bare[0]} without a single edge; use a lower one"
        )
    return counts


def _er_shares(layers: Sequence[LayerSpec], total: int, *, kernel: bool) -> dict[str, float]:
    dense: set[str] = set()
    while True:
        raw = {}
        for layer in layers:
            m, n = layer.shape[:2]
            extra = sum(layer.shape[2:]) if kernel else 0
            # size times density: (n + m [+ h + w]) for ER(K), times the kernel's size for plain ER
            volume = 1 if kernel else math.prod(layer.shape[2:])
            raw[layer.name] = float((m + n + extra) * volume)
        left = total - sum(layer.size for layer in layers if layer.name in dense)
        free = [layer for layer in layers if layer.name not in dense]
        if not free:
            return {layer.name: float(layer.size) for layer in layers}
        epsilon = max(left, 0) / sum(raw[layer.name] for layer in free)
        over = {layer.name for layer in free if epsilon * raw[layer.name] > layer.size}
        if not over:
            return {
                layer.name: float(layer.size) if layer.name in dense else epsilon * raw[layer.name]
                for layer in layers
            }
        dense |= over


def round_to(
    shares: Mapping[str, float], total: int, ceilings: Mapping[str, int]
) -> dict[str, int]:
    """Whole numbers with this total, by largest remainder, none above its ceiling."""
    counts = {name: min(math.floor(share), ceilings[name]) for name, share in shares.items()}
    by_remainder = sorted(shares, key=lambda name: (counts[name] - shares[name], name))
    missing = total - sum(counts.values())
    while missing > 0:
        for name in by_remainder:
            if missing and counts[name] < ceilings[name]:
                counts[name] += 1
                missing -= 1
    return counts


def random_masks(
    layers: Sequence[LayerSpec], counts: Mapping[str, int], generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """Masks with exactly the given number of edges, every such mask equally likely.

    Returns
    -------
    dict of str to Tensor of bool, on the CPU

    Examples
    --------
    >>> layer = LayerSpec("a", "linear", (4, 6))
    >>> mask = random_masks([layer], {"a": 7}, torch.Generator().manual_seed(0))["a"]
    >>> mask.shape, int(mask.sum())
    (torch.Size([4, 6]), 7)
    """
    masks = {}
    for layer in layers:
        count = counts[layer.name]
        mask = torch.ones(layer.size, dtype=torch.bool)
        if count < layer.size:
            mask.zero_()
            mask[torch.randperm(layer.size, generator=generator)[:count]] = True
        masks[layer.name] = mask.reshape(layer.shape)
    return masks
