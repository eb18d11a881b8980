"""Random regrowth: drop the smallest weights, grow anywhere (NSH)."""

from __future__ import annotations

from typing import Any, ClassVar

from topolab_trainers.dynamic import DropAndGrow, with_options

__all__ = ["RandomRegrowth"]


class RandomRegrowth(DropAndGrow):
    """Magnitude pruning with random regrowth.

    References
    ----------
    D. Matab, E. Mocanu, B. Wu, "Survival of the Most Connected" (NSH).
    """

    name = "random"
    summary = "drop the smallest weights, grow at random, every 400 steps, cosine (NSH)"
    options = with_options(drop="magnitude", grow="random", decay="cosine")
    defaults: ClassVar[dict[str, Any]] = {
        "update_every": 400,
        "drop_fraction": 0.5,
        "init": "erk",
    }
