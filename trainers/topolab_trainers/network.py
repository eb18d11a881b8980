"""A configured network with its first masks and weights, ready to be trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

import topolab
from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab.registry import find
from topolab_trainers.config import TrainConfig
from topolab_trainers.csr import CsrLinear
from topolab_trainers.data.dataset import Dataset
from topolab_trainers.inits.base import InitInputs
from topolab_trainers.models import build, initialise
from topolab_trainers.seeds import generator
from topolab_trainers.storage import CsrStorage, MaskedStorage, Storage, suits_csr

if TYPE_CHECKING:
    from topolab_trainers.method import Method

__all__ = ["SparseNetwork", "make_network"]


@dataclass
class SparseNetwork:
    """A model whose layers are masked.

    Attributes
    ----------
    model : Module
    layers : tuple of LayerSpec
    masks : dict of str to Tensor of bool
        The first masks, on the CPU.
    """

    model: nn.Module
    layers: tuple[LayerSpec, ...]
    masks: dict[str, Tensor]

    def stored(self, config: TrainConfig, needs: frozenset[str]) -> dict[str, Storage]:
        """Per layer how it is kept; CSR layers replace their modules in the model.

        Raises
        ------
        ConfigError
            If CSR was asked for where it cannot be.
        """
        if config.engine == "csr":
            if config.device != "cpu":
                raise ConfigError("engine csr is for the CPU; use --engine masked on a GPU")
            if "momentum" in needs:
                raise ConfigError(
                    "engine csr never computes the dense gradient that momentum averages at every "
                    "step; use --engine masked"
                )
        out: dict[str, Storage] = {}
        for layer in self.layers:
            mask = self.masks[layer.name]
            active = int(mask.sum())
            if config.engine == "csr":
                csr = layer.kind == "linear" and layer.maskable and active < layer.size
            else:
                csr = (
                    config.engine == "auto"
                    and config.device == "cpu"
                    and "momentum" not in needs
                    and suits_csr(layer, active)
                )
            module = self.model.get_submodule(layer.name)
            if csr:
                assert isinstance(module, nn.Linear)
                sparse = CsrLinear(module.weight, mask, module.bias)
                parent, _, name = layer.name.rpartition(".")
                setattr(self.model.get_submodule(parent), name, sparse)
                out[layer.name] = CsrStorage(layer, sparse, mask)
            else:
                weight: nn.Parameter = module.weight  # type: ignore[assignment]
                out[layer.name] = MaskedStorage(layer, weight, mask)
        return out


def make_network(method: Method, config: TrainConfig, dataset: Dataset) -> SparseNetwork:
    """Build the model, make its first masks and its first weights, all on the CPU.

    Raises
    ------
    ConfigError
        If model and data do not fit, a pattern matches no layer, or masks cannot be made.
    """
    model = build(
        config.model,
        n_in=dataset.x_train.shape[1],
        image_shape=dataset.image_shape,
        n_out=dataset.n_classes,
        hidden=config.hidden,
        norm=config.norm,
    )
    every = [layer.name for layer in topolab.layers_of(model)]
    masked = masked_layers(config, every, method.masked_by_default(model.head, every))  # type: ignore[arg-type]
    layers = topolab.layers_of(
        model,
        image_shape=dataset.image_shape,
        dense=[name for name in every if name not in masked],
    )

    def batch(n: int) -> tuple[Tensor, Tensor]:
        order = torch.randperm(len(dataset.x_train), generator=generator(config.seed, "saliency"))
        chosen = order[:n]
        x, y = (torch.from_numpy(a) for a in (dataset.x_train, dataset.y_train))
        return x[chosen], y[chosen]

    if find("inits", config.init).needs_weights:
        ones = {layer.name: torch.ones(layer.shape, dtype=torch.bool) for layer in layers}
        initialise(model, ones, generator(config.seed, "weights"), config.weight_init)
    inputs = InitInputs(model, batch, generator(config.seed, "masks"))
    masks = method.initial_masks(layers, config, inputs)
    initialise(model, masks, generator(config.seed, "weights"), config.weight_init)
    return SparseNetwork(model, layers, masks)


def masked_layers(config: TrainConfig, every: Sequence[str], default: Sequence[str]) -> list[str]:
    """Which layers are masked: by pattern, or the method's choice but a dense output."""
    if config.masked is None:
        last = every[-1]
        chosen = [name for name in default if not (config.dense_output and name == last)]
        if not chosen:
            raise ConfigError("no layer is left to be masked; use --sparse-output or --masked")
        return chosen
    for pattern in config.masked:
        if not any(fnmatchcase(name, pattern) for name in every):
            raise ConfigError(
                f"masked {pattern!r} matches no layer; the network has {', '.join(every)}"
            )
    return [name for name in every if any(fnmatchcase(name, p) for p in config.masked)]
