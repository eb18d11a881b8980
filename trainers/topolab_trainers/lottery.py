"""Lottery tickets: train, prune by magnitude, rewind the rest, and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from torch import Tensor

from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab.options import Option
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import LayerView, UpdatePlan
from topolab_trainers.distributions import round_to
from topolab_trainers.inits.base import InitInputs, dense_masks
from topolab_trainers.method import LayerGenerator, Method
from topolab_trainers.pruning import prune_to
from topolab_trainers.schedules import UpdateTimes
from topolab_trainers.update import LayerUpdate

__all__ = ["Lottery"]


class Lottery(Method):
    """Iterative magnitude pruning with rewinding.

    Starts dense. After every ``epochs`` passes the weights smallest in magnitude go, so that the
    density falls by the same factor each time; the rest returns to its value at ``rewind_step``
    (biases and normalisations too, the optimiser forgets), and training starts again.

    References
    ----------
    J. Frankle, M. Carbin, "The Lottery Ticket Hypothesis: Finding Sparse, Trainable Neural
    Networks", ICLR 2019; J. Frankle et al., "Linear Mode Connectivity and the Lottery Ticket
    Hypothesis", ICML 2020 (rewinding to a later step).
    """

    name = "lottery"
    summary = "lottery ticket: train, prune by magnitude, rewind; --epochs for each round"
    options = (
        Option("rounds", "int", 3, "How many times it is pruned.", interval="[1, inf)"),
        Option("rewind_step", "int", 0, "The step whose weights come back.", interval="[0, inf)"),
        Option("scope", "str", "layer", "Rank weights in each layer, or over all (global).",
               choices=("layer", "global")),
    )  # fmt: skip
    defaults: ClassVar[dict[str, Any]] = {"init": "uniform"}
    rewinds = True
    conserves = "nothing"

    def check(self, config: TrainConfig) -> TrainConfig:
        """It starts dense, whatever the sparsity at its end."""
        if config.init != "uniform":
            raise ConfigError("method lottery starts dense; leave --init away")
        if config.optimizer == "adam-sgd":
            raise ConfigError("method lottery trains every round alike; use adam or sgd")
        return replace(config, update_every=None, drop_fraction=0.0, t_end=1.0)

    def initial_masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """All ones."""
        return dense_masks(layers)

    def epochs(self, config: TrainConfig) -> int:
        """As many for each round, and for the ticket at the end."""
        return int(config.epochs * (config.options["rounds"] + 1))

    def times(self, config: TrainConfig, t_end: int, steps_per_epoch: int) -> UpdateTimes:
        """At the end of each round."""
        length = config.epochs * steps_per_epoch
        if config.options["rewind_step"] >= length:
            raise ConfigError(
                f"rewind_step {config.options['rewind_step']} is not within a round of "
                f"{length} steps"
            )
        rounds = range(1, config.options["rounds"] + 1)
        return UpdateTimes(None, t_end, steps_per_epoch, at=tuple(length * r for r in rounds))

    def plan_update(
        self, step: int, total: int, t_end: int, config: TrainConfig, *, nth: int = 0
    ) -> UpdatePlan:
        """``fraction`` is the share of all weights that is gone after this round."""
        assert config.sparsity is not None
        density = (1 - config.sparsity) ** ((nth + 1) / config.options["rounds"])
        return UpdatePlan(step, 1 - density)

    def update_network(
        self,
        views: Sequence[LayerView],
        plan: UpdatePlan,
        config: TrainConfig,
        draw: LayerGenerator,
    ) -> dict[str, LayerUpdate]:
        """Prune every layer to the round's sparsity, or all of them together."""
        sizes = {view.name: view.mask.numel() for view in views}
        total = round((1 - plan.fraction) * sum(sizes.values()))
        if config.options["scope"] == "global":
            return prune_to(views, total, draw)
        shares = {name: (1 - plan.fraction) * size for name, size in sizes.items()}
        counts = round_to(shares, total, sizes)
        updates: dict[str, LayerUpdate] = {}
        for view in views:
            updates |= prune_to([view], counts[view.name], draw)
        return updates
