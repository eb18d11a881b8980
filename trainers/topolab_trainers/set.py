"""SET: drop the weights nearest zero of each sign, grow at random, after every epoch."""

from __future__ import annotations

from typing import Any, ClassVar

from topolab_trainers.dynamic import DropAndGrow, with_options

__all__ = ["SET"]


class SET(DropAndGrow):
    """Sparse Evolutionary Training.

    References
    ----------
    D. C. Mocanu et al., "Scalable training of artificial neural networks with adaptive sparse
    connectivity inspired by network science", Nature Communications 9:2383 (2018).
    """

    name = "set"
    summary = "SET: drop the weights nearest 0 of each sign, grow at random, every epoch"
    options = with_options(drop="sign", grow="random", decay="constant")
    defaults: ClassVar[dict[str, Any]] = {
        "update_every": "epoch",
        "drop_fraction": 0.3,
        "init": "er",
    }
