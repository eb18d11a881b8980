"""A training method: only what differs from the others."""

from __future__ import annotations

from typing import Any, ClassVar

from topolab_trainers.dynamic import DropAndGrow, with_options

__all__ = ["Richest"]


class Richest(DropAndGrow):
    """Magnitude pruning, and growth where the fan-in is largest."""

    name = "richest"
    summary = "drop the smallest weights, grow at the hubs: preferential attachment, planted"
    options = with_options(grow="hubs")
    defaults: ClassVar[dict[str, Any]] = {"update_every": 100, "drop_fraction": 0.3}
