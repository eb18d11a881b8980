"""SynFlow: pruned before training without data, preserving synaptic flow."""

from __future__ import annotations

from typing import Any, ClassVar

from topolab.errors import ConfigError
from topolab_trainers.config import TrainConfig
from topolab_trainers.static import Static

__all__ = ["SynFlowMethod"]


class SynFlowMethod(Static):
    """Iterative synaptic flow pruning, then static training.

    The masks come from the initialisation of the same name, which serves every other method too.

    References
    ----------
    H. Tanaka, D. Kunin, D. L. K. Yamins, S. Ganguli, "Pruning neural networks without any data by
    iteratively conserving synaptic flow", NeurIPS 2020.
    """

    name = "synflow"
    summary = "SynFlow: static masks that preserve synaptic flow, found without data"
    defaults: ClassVar[dict[str, Any]] = {"init": "synflow"}

    def check(self, config: TrainConfig) -> TrainConfig:
        """Its own masks only."""
        if config.init != self.name:
            raise ConfigError(f"method {self.name} is its masks; leave --init away, or use static")
        return super().check(config)
