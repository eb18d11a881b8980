"""What the drop-and-grow methods share: criteria that combine freely and may switch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import torch

from topolab.errors import ConfigError
from topolab.options import Option
from topolab.registry import names
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import LayerView, UpdatePlan, grow_criterion
from topolab_trainers.method import Method
from topolab_trainers.schedules import cosine_fraction
from topolab_trainers.update import LayerUpdate, count, grow

__all__ = ["DYNAMIC_OPTIONS", "DropAndGrow"]

# Names only: a criterion is imported when it is used.
DROPS, GROWS = tuple(names("drop_criteria")), tuple(names("grow_criteria"))
DECAYS = ("cosine", "constant")
DYNAMIC_OPTIONS = (
    Option("drop", "str", "magnitude", "Pruning criterion.", choices=DROPS),
    Option("grow", "str", "random", "Growth criterion.", choices=GROWS),
    Option("decay", "str", "cosine", "Of the drop fraction, to 0 at t_end.", choices=DECAYS),
    Option("switch_at", "float", None, "Share of all steps after which criteria switch.",
           interval="(0, 1)"),
    Option("switch_drop", "str", None, "Pruning criterion from then on.", choices=DROPS),
    Option("switch_grow", "str", None, "Growth criterion from then on.", choices=GROWS),
    Option("momentum_beta", "float", 0.9, "Averaging of the dense gradient (grow momentum).",
           interval="[0, 1)"),
    Option("new_weights", "str", "zero", "What grown edges start with; normal has SD 0.1.",
           choices=("zero", "normal")),
)  # fmt: skip
NEW_WEIGHT_SD = 0.1


class DropAndGrow(Method):
    """Drops the worst edges by one criterion and grows as many by another.

    A method is a set of defaults for the two criteria and the schedule; every method takes every
    criterion (NSH's Fig. 13), and they may switch in mid-run (its appendix E).
    """

    options: ClassVar[tuple[Option, ...]] = DYNAMIC_OPTIONS

    def check(self, config: TrainConfig) -> TrainConfig:
        """Refuse half a switch, and updates that were switched off."""
        own = config.options
        switched = own["switch_drop"] or own["switch_grow"]
        if (own["switch_at"] is None) != (switched is None):
            raise ConfigError(
                "to switch in mid-run give both when and to what: --switch-at and --switch-drop "
                "or --switch-grow"
            )
        return config

    def needs(self, config: TrainConfig) -> frozenset[str]:
        """By the growth criteria before and after the switch."""
        used = {config.options["grow"], config.options["switch_grow"]} - {None}
        needs = {grow_criterion(name).needs for name in used}
        return frozenset(need for need in needs if need is not None)

    def plan_update(
        self, step: int, total: int, t_end: int, config: TrainConfig, *, nth: int = 0
    ) -> UpdatePlan:
        """Cosine decay from the drop fraction to 0 at `t_end`, or a constant one."""
        own = config.options
        fraction = config.drop_fraction
        if own["decay"] == "cosine":
            fraction = cosine_fraction(step, t_end, fraction)
        switched = own["switch_at"] is not None and step > own["switch_at"] * total
        drop = (switched and own["switch_drop"]) or own["drop"]
        grown = (switched and own["switch_grow"]) or own["grow"]
        return UpdatePlan(step, fraction, drop, grown, config.candidates)

    def update_layer(
        self, view: LayerView, plan: UpdatePlan, config: TrainConfig, generator: torch.Generator
    ) -> LayerUpdate:
        """Keep by the drop criterion, grow by the other."""
        keep = plan.drop_criterion.keep(view, plan, generator)
        score = plan.grow_criterion.score(view)
        number = view.active.numel() - count(keep)
        return grow(view.mask, keep, score, generator, candidates=plan.candidates, number=number)

    def new_weights(self, config: TrainConfig) -> float:
        """0, or what SET's own code draws."""
        return NEW_WEIGHT_SD if config.options["new_weights"] == "normal" else 0.0


def with_options(**changed: Any) -> tuple[Option, ...]:
    """The shared options with other defaults.

    Examples
    --------
    >>> {o.name: o.default for o in with_options(grow="gradient")}["grow"]
    'gradient'
    """
    return tuple(
        replace(option, default=changed.get(option.name, option.default))
        for option in DYNAMIC_OPTIONS
    )
