"""A training method: only what differs from the others. The loop knows methods through this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor

from topolab.errors import ConfigError
from topolab.registry import find
from topolab_trainers.config import TrainConfig, resolve
from topolab_trainers.criteria import UpdatePlan
from topolab_trainers.schedules import UpdateTimes

if TYPE_CHECKING:
    from topolab.layers import LayerSpec
    from topolab.options import Option
    from topolab_trainers.criteria import LayerView
    from topolab_trainers.inits.base import Init, InitInputs
    from topolab_trainers.update import LayerUpdate

__all__ = ["LayerGenerator", "Method", "without_updates"]

#: From a layer's name to the generator of its update at this step.
LayerGenerator = Callable[[str], torch.Generator]


class Method:
    """The base of every method; by its hooks alone a static one.

    A subclass sets ``name``, ``summary`` and ``defaults`` and overrides the hooks in which it
    differs. It holds no state: the same object can serve any number of networks. What trains it
    is `topolab_trainers.loop.train`.
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

    # -- configuration -----------------------------------------------------------------------

    def options_with(self, init: str) -> tuple[Option, ...]:
        """The method's own options, then those of an initialisation."""
        found: Init = find("inits", init)
        own = {option.name for option in self.options}
        return (*self.options, *(o for o in found.options if o.name not in own))

    def configure(self, **settings: Any) -> TrainConfig:
        """Resolve settings against this method's defaults and check them.

        Raises
        ------
        ConfigError
            For an unknown setting or a value that cannot be.

        Examples
        --------
        >>> from topolab_trainers.rigl import RigL
        >>> config = RigL().configure(sparsity=0.95, init="lognormal", ccv=2.5)
        >>> config.update_every, config.t_end, config.options["ccv"]
        (100, 0.75, 2.5)
        """
        init = settings.get("init") or self.defaults.get("init", "uniform")
        config = resolve(self.name, self.defaults, settings, self.options_with(init))
        return self.check(config)

    def check(self, config: TrainConfig) -> TrainConfig:
        """Refuse settings that this method cannot honour; return the configuration."""
        return config

    # -- the first masks ---------------------------------------------------------------------

    def initial_masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """The first masks: by the configured initialisation."""
        init: Init = find("inits", config.init)
        return init.masks(layers, config, inputs)

    def masked_by_default(self, head: Sequence[str], every: Sequence[str]) -> Sequence[str]:
        """Which layers are masked unless the user says so: every one."""
        return every

    # -- when the topology is updated, and how -----------------------------------------------

    def epochs(self, config: TrainConfig) -> int:
        """Passes over the data in all."""
        return config.epochs

    def times(self, config: TrainConfig, t_end: int, steps_per_epoch: int) -> UpdateTimes:
        """At which steps the topology is updated."""
        return UpdateTimes(config.update_every, t_end, steps_per_epoch)

    def needs(self, config: TrainConfig) -> frozenset[str]:
        """Which of "gradient" and "momentum" any of its updates looks at."""
        return frozenset()

    def plan_update(
        self, step: int, total: int, t_end: int, config: TrainConfig, *, nth: int = 0
    ) -> UpdatePlan:
        """How much is dropped at this step and by which criteria; `nth` counts updates from 0."""
        return UpdatePlan(step, config.drop_fraction, candidates=config.candidates)

    def update_layer(
        self, view: LayerView, plan: UpdatePlan, config: TrainConfig, generator: torch.Generator
    ) -> LayerUpdate:
        """One layer's topology update; changes none of its arguments."""
        raise ConfigError(f"method {self.name} never updates the topology")

    def update_network(
        self,
        views: Sequence[LayerView],
        plan: UpdatePlan,
        config: TrainConfig,
        draw: LayerGenerator,
    ) -> dict[str, LayerUpdate]:
        """All layers' updates, by layer name: by default each layer on its own."""
        return {view.name: self.update_layer(view, plan, config, draw(view.name)) for view in views}

    def new_weights(self, config: TrainConfig) -> float:
        """Standard deviation of the weights that newly grown edges start with; 0 for none."""
        return 0.0


def without_updates(config: TrainConfig) -> TrainConfig:
    """The configuration of a method that never updates."""
    return replace(config, update_every=None, drop_fraction=0.0, t_end=0.0)
