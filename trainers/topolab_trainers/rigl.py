"""RigL: drop the smallest weights, grow where the dense gradient is largest."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from topolab_trainers.backend import Backend
from topolab_trainers.config import TrainConfig
from topolab_trainers.schedules import cosine_fraction

__all__ = ["RigL"]


class RigL(Backend):
    """The Rigged Lottery.

    References
    ----------
    U. Evci, T. Gale, J. Menick, P. S. Castro, E. Elsen, "Rigging the Lottery: Making All Tickets
    Winners", ICML 2020.
    """

    name = "rigl"
    summary = "RigL: drop the smallest weights, grow where the gradient is largest, every 100 steps"
    defaults: ClassVar[dict[str, Any]] = {
        "update_every": 100,
        "drop_fraction": 0.3,
        "t_end": 0.75,
        "distribution": "erk",
    }
    replaces_step = True
    uses_gradient = True

    def fraction(self, step: int, t_end: int, config: TrainConfig) -> float:
        """Cosine decay from the drop fraction to 0 at `t_end`."""
        return cosine_fraction(step, t_end, config.drop_fraction)

    def grow_score(self, weight: Tensor, gradient: Tensor | None) -> Tensor | None:
        """The magnitude of the gradient of every weight, absent ones included."""
        assert gradient is not None
        return gradient.abs()
