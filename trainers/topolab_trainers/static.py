"""Static: masks that never change, from any initialisation."""

from __future__ import annotations

from typing import Any, ClassVar

from topolab_trainers.config import TrainConfig
from topolab_trainers.method import Method, without_updates

__all__ = ["Static"]


class Static(Method):
    """A fixed mask: uniform, ER, ERK, a profile, or any other initialisation.

    Its snapshots, one at each epoch's end, show the accuracy.
    """

    name = "static"
    summary = "masks that never change: uniform, ER, ERK, or any other initialisation"
    defaults: ClassVar[dict[str, Any]] = {"init": "erk"}

    def check(self, config: TrainConfig) -> TrainConfig:
        """No updates."""
        return without_updates(config)
