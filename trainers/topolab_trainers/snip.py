"""SNIP: pruned once before training, by connection sensitivity."""

from __future__ import annotations

from typing import Any, ClassVar

from topolab.errors import ConfigError
from topolab_trainers.config import TrainConfig
from topolab_trainers.static import Static

__all__ = ["SNIP"]


class SNIP(Static):
    """Single-shot network pruning, then static training.

    The masks come from the initialisation of the same name, which serves every other method too.

    References
    ----------
    N. Lee, T. Ajanthan, P. H. S. Torr, "SNIP: Single-shot network pruning based on connection
    sensitivity", ICLR 2019.
    """

    name = "snip"
    summary = "SNIP: static masks of the largest connection sensitivity before training"
    defaults: ClassVar[dict[str, Any]] = {"init": "snip"}

    def check(self, config: TrainConfig) -> TrainConfig:
        """Its own masks only."""
        if config.init != self.name:
            raise ConfigError(f"method {self.name} is its masks; leave --init away, or use static")
        return super().check(config)
