"""Edges at random: the same sparsity for every layer, ER, ERK."""

from __future__ import annotations

from torch import Tensor

from topolab.layers import LayerSpec
from topolab_trainers.config import TrainConfig
from topolab_trainers.distributions import edge_counts, random_masks
from topolab_trainers.inits.base import Init, InitInputs, required_sparsity

__all__ = ["ER", "ERK", "UNIFORM", "AtRandom"]


class AtRandom(Init):
    """A number of edges per layer, every mask with that number equally likely.

    Parameters
    ----------
    name : {"uniform", "er", "erk"}
        How the edges are shared among the layers.
    summary : str
    """

    card_name = "at-random"

    def __init__(self, name: str, summary: str) -> None:
        self.name, self.summary = name, summary

    def masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """At random, with exact edge counts per layer."""
        counts = edge_counts(layers, required_sparsity(config), self.name)
        return random_masks(layers, counts, inputs.generator)


UNIFORM = AtRandom("uniform", "the same sparsity for every layer, edges at random")
ER = AtRandom("er", "density proportional to (n + m) / (n m), edges at random")
ERK = AtRandom("erk", "ER with the kernel's size for convolutions, edges at random")
