"""RigL: drop the smallest weights, grow where the dense gradient is largest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import torch

from topolab.errors import ConfigError
from topolab.options import Option
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import LayerView, UpdatePlan
from topolab_trainers.dynamic import DropAndGrow, with_options
from topolab_trainers.update import LayerUpdate, grow_in_memory_order

__all__ = ["RigL"]


class RigL(DropAndGrow):
    """The Rigged Lottery.

    References
    ----------
    U. Evci, T. Gale, J. Menick, P. S. Castro, E. Elsen, "Rigging the Lottery: Making All Tickets
    Winners", ICML 2020.
    """

    name = "rigl"
    summary = "RigL: drop the smallest weights, grow where the gradient is largest, every 100 steps"
    options = (
        *with_options(drop="magnitude", grow="gradient", decay="cosine"),
        Option("gradient", "str", "dense",
               "dense, or masked: the known mistake, kept to be studied.",
               choices=("dense", "masked")),
    )  # fmt: skip
    defaults: ClassVar[dict[str, Any]] = {
        "update_every": 100,
        "drop_fraction": 0.3,
        "t_end": 0.75,
        "init": "erk",
    }
    replaces_step = True

    def check(self, config: TrainConfig) -> TrainConfig:
        """The masked variant is for growth by the gradient among edges that were inactive."""
        config = super().check(config)
        if config.options["gradient"] == "masked":
            if config.options["grow"] != "gradient" or config.options["switch_grow"]:
                raise ConfigError("gradient masked is a variant of growth by the gradient only")
            # A just-dropped edge has a gradient still, so among not-kept ones all would come back.
            config = replace(config, candidates="inactive-before")
        return config

    def update_layer(
        self, view: LayerView, plan: UpdatePlan, config: TrainConfig, generator: torch.Generator
    ) -> LayerUpdate:
        """As defined, or with the gradient that the mask has zeroed."""
        if config.options["gradient"] == "dense":
            return super().update_layer(view, plan, config, generator)
        keep = plan.drop_criterion.keep(view, plan, generator)
        assert view.gradient is not None
        return grow_in_memory_order(view.mask, keep, (view.gradient * view.mask).abs())
