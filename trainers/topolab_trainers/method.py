"""What a training method says of itself: only what differs from the others.

The loop knows methods through this class; `topolab_trainers.backend` makes them trainable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab.options import Option
from topolab.registry import find
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import LayerView, Moment
from topolab_trainers.inits.base import Context, Init
from topolab_trainers.schedules import UpdateTimes
from topolab_trainers.update import Update

__all__ = ["Draw", "Method", "Progress"]

Progress = Callable[[int, int, Mapping[str, float]], None]
#: From a layer's name to the generator of its update at this step.
Draw = Callable[[str], torch.Generator]


class Method:
    """The hooks of a method; by themselves those of a static one.

    It holds no state: the same object can serve any number of networks.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]] = {}
    options: ClassVar[tuple[Option, ...]] = ()
    #: Whether a topology update takes the place of that step's optimiser step.
    replaces_step: ClassVar[bool] = False
    #: Whether all weights go back to saved ones after an update (lottery ticket).
    rewinds: ClassVar[bool] = False
    #: What an update leaves as it is: each layer's edge count, only their sum, or neither.
    conserves: ClassVar[Literal["layer", "network", "nothing"]] = "layer"

    def check(self, config: TrainConfig) -> TrainConfig:
        """Refuse settings that this method cannot honour; return the configuration."""
        return config

    def initial_masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, context: Context
    ) -> dict[str, Tensor]:
        """The first masks: by the configured initialisation."""
        init: Init = find("inits", config.init)
        return init.masks(layers, config, context)

    def masked_by_default(self, head: Sequence[str], every: Sequence[str]) -> Sequence[str]:
        """Which layers are masked unless the user says so: every one."""
        return every

    def epochs(self, config: TrainConfig) -> int:
        """Passes over the data in all."""
        return config.epochs

    def times(self, config: TrainConfig, t_end: int, steps_per_epoch: int) -> UpdateTimes:
        """At which steps the topology is updated."""
        return UpdateTimes(config.update_every, t_end, steps_per_epoch)

    def needs(self, config: TrainConfig) -> frozenset[str]:
        """Which of "gradient" and "momentum" any of its updates looks at."""
        return frozenset()

    def moment(
        self, step: int, total: int, t_end: int, config: TrainConfig, *, nth: int = 0
    ) -> Moment:
        """How much is dropped at this step and by which criteria; `nth` counts updates from 0."""
        return Moment(step, config.drop_fraction, candidates=config.candidates)

    def update(
        self, view: LayerView, moment: Moment, config: TrainConfig, generator: torch.Generator
    ) -> Update:
        """One layer's topology update; changes none of its arguments."""
        raise ConfigError(f"method {self.name} never updates the topology")

    def updates(
        self, views: Sequence[LayerView], moment: Moment, config: TrainConfig, draw: Draw
    ) -> dict[str, Update]:
        """All layers' updates, by layer name: by default each layer on its own."""
        return {view.name: self.update(view, moment, config, draw(view.name)) for view in views}

    def new_weights(self, config: TrainConfig) -> float:
        """Standard deviation of the weights that newly grown edges start with; 0 for none."""
        return 0.0
