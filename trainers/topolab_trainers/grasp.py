"""GraSP: pruned once before training, preserving the gradient's flow."""

from __future__ import annotations

from typing import Any, ClassVar

from topolab.errors import ConfigError
from topolab_trainers.config import TrainConfig
from topolab_trainers.static import Static

__all__ = ["GraSP"]


class GraSP(Static):
    """Gradient signal preservation, then static training.

    The masks come from the initialisation of the same name, which serves every other method too.

    References
    ----------
    C. Wang, G. Zhang, R. Grosse, "Picking Winning Tickets Before Training by Preserving Gradient
    Flow", ICLR 2020.
    """

    name = "grasp"
    summary = "GraSP: static masks that preserve the gradient flow before training"
    defaults: ClassVar[dict[str, Any]] = {"init": "grasp"}

    def check(self, config: TrainConfig) -> TrainConfig:
        """Its own masks only."""
        if config.init != self.name:
            raise ConfigError(f"method {self.name} is its masks; leave --init away, or use static")
        return super().check(config)
