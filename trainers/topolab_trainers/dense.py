"""Dense: the baseline. Every weight is there, always."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from topolab.errors import ConfigError
from topolab_trainers.config import TrainConfig
from topolab_trainers.method import Method, without_updates

__all__ = ["Dense"]


class Dense(Method):
    """The dense network, trained by the same loop: no masks, no updates.

    Its snapshots, one at each epoch's end, show the accuracy to compare with.
    """

    name = "dense"
    summary = "The dense baseline: every weight, no updates"
    defaults: ClassVar[dict[str, Any]] = {"sparsity": 0.0}

    def check(self, config: TrainConfig) -> TrainConfig:
        """Refuse a sparsity other than 0."""
        if config.sparsity != 0:
            raise ConfigError(
                f"method dense has sparsity 0, not {config.sparsity}; leave --sparsity away"
            )
        return replace(without_updates(config), init="uniform")
