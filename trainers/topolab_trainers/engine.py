"""What keeps and computes the networks of a training: the part of it that has several forms.

The loop (`topolab_trainers.loop`) is the same for all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from topolab.errors import ConfigError

if TYPE_CHECKING:
    from topolab.layers import LayerSpec
    from topolab_trainers.config import TrainConfig
    from topolab_trainers.data.dataset import Dataset
    from topolab_trainers.jobs import Job
    from topolab_trainers.storage import Storage

__all__ = ["SGD_RATE", "Engine", "make_optimizer"]

#: NIST: the learning rate of the SGD that follows Adam.
SGD_RATE = 0.01


class Engine(ABC):
    """R networks of one shape, their gradients, and the one optimiser that serves all.

    Parameters
    ----------
    jobs : sequence of Job
        One for each replica; they agree in everything that decides the shape and the optimiser.
    dataset : Dataset

    Attributes
    ----------
    layers : tuple of LayerSpec
    storages : sequence of mapping of str to Storage
        For each replica, per layer how it is kept.
    optimizer : torch.optim.Optimizer
    """

    layers: tuple[LayerSpec, ...]
    storages: Sequence[Mapping[str, Storage]]
    optimizer: torch.optim.Optimizer

    @abstractmethod
    def __init__(self, jobs: Sequence[Job], dataset: Dataset) -> None: ...

    @abstractmethod
    def parameters(self) -> dict[str, nn.Parameter]:
        """What the optimiser moves, by name."""

    @abstractmethod
    def backward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Leave every network's gradient of its mean loss on its own batch.

        Parameters
        ----------
        x : Tensor, shape (R, batch, n)
        y : Tensor of int64, shape (R, batch)

        Returns
        -------
        losses, hits : Tensor, shape (R,)
            Mean cross-entropy, and how many were right; on the device.
        """

    @abstractmethod
    def mask_gradients(self) -> None:
        """Set the gradient of absent weights to 0, in all networks."""

    @abstractmethod
    def evaluate(self, x: Tensor, y: Tensor) -> list[tuple[float, float]]:
        """For each network mean cross-entropy and accuracy (0 to 1) on the same samples."""

    @abstractmethod
    def dense_state(self, index: int) -> dict[str, Tensor]:
        """A network's state as a dense one's: what torch loads without topolab."""

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """What a finished run says of how it was computed."""

    def module(self) -> nn.Module:
        """The one network as a torch module, where it is one."""
        raise ConfigError("networks that are trained together are no modules of their own")

    # -- the saved state ---------------------------------------------------------------------

    @abstractmethod
    def own_state(self, index: int) -> dict[str, Tensor]:
        """A network's state as it is kept."""

    @abstractmethod
    def load_own_state(self, index: int, state: Mapping[str, Tensor]) -> None:
        """Take back what `own_state` gave; the masks are there already."""

    @abstractmethod
    def optimizer_entry(self, index: int, parameter: nn.Parameter, value: Tensor) -> Tensor:
        """What of an optimiser's value belongs to one network."""

    @abstractmethod
    def load_optimizer_entry(
        self, index: int, parameter: nn.Parameter, entry: str, value: Tensor
    ) -> None:
        """Take back what `optimizer_entry` gave."""

    def tensors(self, index: int) -> dict[str, Tensor]:
        """All that one network needs to go on: weights, masks, what the optimiser knows."""
        tensors = {f"model.{k}": v for k, v in self.own_state(index).items()}
        tensors |= {f"mask.{k}": s.mask for k, s in self.storages[index].items()}
        for name, parameter in self.parameters().items():
            for entry, value in self.optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    own = self.optimizer_entry(index, parameter, value)
                    tensors[f"optimizer.{name}|{entry}"] = own
        return tensors

    @torch.no_grad()
    def load(self, index: int, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` gave, into a new optimiser."""
        for name, storage in self.storages[index].items():
            storage.load_mask(tensors[f"mask.{name}"])
        self.load_own_state(index, part(tensors, "model."))
        parameters = self.parameters()
        for key, value in part(tensors, "optimizer.").items():
            name, _, entry = key.rpartition("|")
            self.load_optimizer_entry(index, parameters[name], entry, value)


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose name begins so, without the beginning."""
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}


def make_optimizer(
    engine: Engine, config: TrainConfig, *, switched: bool = False
) -> torch.optim.Optimizer:
    """A new optimiser that knows nothing yet.

    Parameters
    ----------
    engine : Engine
    config : TrainConfig
    switched : bool
        Whether the training is in its last part, the SGD of ``adam-sgd``.
    """
    parameters = list(engine.parameters().values())
    if config.optimizer == "sgd" or switched:
        return torch.optim.SGD(
            parameters, SGD_RATE if switched else config.lr, momentum=config.momentum,
            nesterov=config.momentum > 0, weight_decay=config.weight_decay, fused=True,
        )  # fmt: skip
    return torch.optim.Adam(parameters, config.lr, weight_decay=config.weight_decay, fused=True)
