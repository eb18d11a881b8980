"""SET: drop the weights nearest zero of each sign, grow at random, after every epoch."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from topolab_trainers.backend import Backend
from topolab_trainers.config import TrainConfig
from topolab_trainers.update import keep_by_sign, room_to_drop

__all__ = ["SET"]


class SET(Backend):
    """Sparse Evolutionary Training.

    References
    ----------
    D. C. Mocanu et al., "Scalable training of artificial neural networks with adaptive sparse
    connectivity inspired by network science", Nature Communications 9:2383 (2018).
    """

    name = "set"
    summary = "SET: drop the weights nearest 0 of each sign, grow at random, every epoch"
    defaults: ClassVar[dict[str, Any]] = {
        "update_every": "epoch",
        "drop_fraction": 0.3,
        "distribution": "er",
    }

    def keep(
        self, mask: Tensor, weight: Tensor, fraction: float, config: TrainConfig,
        generator: torch.Generator,
    ) -> Tensor:  # fmt: skip
        """All but the share nearest zero among the positive, and among the negative weights."""
        active = int(mask.sum())
        room = room_to_drop(mask, int(fraction * active), config.candidates)
        return keep_by_sign(mask, weight, min(fraction, room / max(active, 1)), generator)
