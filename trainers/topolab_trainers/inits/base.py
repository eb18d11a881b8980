"""What an initialisation of masks is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab.options import Option
from topolab_trainers.config import TrainConfig

__all__ = ["Init", "InitInputs", "required_sparsity"]


@dataclass(frozen=True)
class InitInputs:
    """What masks can be made from.

    Attributes
    ----------
    model : Module
        With dense initial weights, if the initialisation `needs_weights`. It may be used up to
        its parameters' gradients, but not changed.
    batch : callable
        ``batch(n)`` gives n training samples, drawn by the seed: (x, y).
    generator : torch.Generator
        On the CPU, for this purpose only.
    """

    model: nn.Module
    batch: Callable[[int], tuple[Tensor, Tensor]]
    generator: torch.Generator


class Init(ABC):
    """The base of every initialisation.

    A subclass (or instance) has a name, a summary of one line, its options, and `masks`.
    """

    name: str
    summary: str
    options: tuple[Option, ...] = ()
    #: Whether the masks depend on the dense initial weights (and on data).
    needs_weights: ClassVar[bool] = False
    #: Whether the setting `sparsity` decides the number of edges.
    uses_sparsity: ClassVar[bool] = True
    #: Which card describes it; several of one family share one.
    card_name: str = ""

    @abstractmethod
    def masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """One mask for each layer, bool, on the CPU; all ones where it is not maskable.

        Raises
        ------
        ConfigError
            If the settings cannot be honoured for these layers.
        """


def required_sparsity(config: TrainConfig) -> float:
    """The sparsity of the configuration, where there has to be one."""
    if config.sparsity is None:
        raise ConfigError(f"init {config.init} needs a sparsity: give one with --sparsity")
    return config.sparsity


def dense_masks(layers: tuple[LayerSpec, ...]) -> dict[str, Tensor]:
    """All ones for every layer."""
    return {layer.name: torch.ones(layer.shape, dtype=torch.bool) for layer in layers}
