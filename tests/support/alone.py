"""A trainer of one network, with short names for what tests look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from topolab.layers import LayerSpec
from topolab_trainers.averaged import AveragedGradient
from topolab_trainers.config import TrainConfig
from topolab_trainers.data.dataset import Dataset
from topolab_trainers.jobs import Job
from topolab_trainers.method import Method
from topolab_trainers.storage import Storage
from topolab_trainers.trainer import Trainer


class Alone(Trainer):
    """R = 1: the first replica is the only one."""

    def __init__(self, method: Method, config: TrainConfig, data: Dataset) -> None:
        super().__init__([Job(method, config, Path())], data)
        (self.replica,) = self.replicas
        self.method = method

    def one_step(self, step: int, chosen: Tensor, *, update: bool) -> None:
        """A step on these samples."""
        self.step(step, chosen[None], [0] if update else [])

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        return self.engine.layers

    @property
    def model(self) -> nn.Module:
        return self.engine.module()

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        return self.engine.optimizer

    @property
    def storages(self) -> Mapping[str, Storage]:
        return self.replica.storages

    @property
    def masks(self) -> dict[str, Tensor]:
        return self.replica.masks

    @property
    def weights(self) -> dict[str, Tensor]:
        return self.replica.weights

    @property
    def averaged(self) -> AveragedGradient | None:
        return self.replica.averaged
