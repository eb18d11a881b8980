"""What a training method is: only what differs from the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab.run import Run
from topolab_trainers.config import TrainConfig, resolve
from topolab_trainers.distributions import edge_counts, random_masks
from topolab_trainers.update import Update, grow, keep_highest, room_to_drop

__all__ = ["Backend"]

Progress = Callable[[int, int, Mapping[str, float]], None]


class Backend:
    """The base of every method.

    A subclass sets ``name``, ``summary`` and ``defaults`` and overrides the hooks in which it
    differs. It holds no state: the same object can train any number of networks.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    defaults: ClassVar[Mapping[str, Any]] = {}
    #: Whether a topology update takes the place of that step's optimiser step.
    replaces_step: ClassVar[bool] = False
    #: Whether growing looks at the dense gradient.
    uses_gradient: ClassVar[bool] = False

    # -- hooks: what differs -----------------------------------------------------------------

    def check(self, config: TrainConfig) -> TrainConfig:
        """Refuse settings that this method cannot honour; return the configuration."""
        return config

    def initial_masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """The first masks: at random, with exact edge counts per layer."""
        counts = edge_counts(layers, config.sparsity, config.distribution)
        return random_masks(layers, counts, generator)

    def fraction(self, step: int, t_end: int, config: TrainConfig) -> float:
        """Share of a layer's edges to drop at this step."""
        return config.drop_fraction

    def keep(
        self, mask: Tensor, weight: Tensor, fraction: float, config: TrainConfig,
        generator: torch.Generator,
    ) -> Tensor:  # fmt: skip
        """Which active edges stay: by default all but the smallest in magnitude."""
        n_drop = room_to_drop(mask, int(fraction * int(mask.sum())), config.candidates)
        return keep_highest(mask, weight.abs(), n_drop, generator)

    def grow_score(self, weight: Tensor, gradient: Tensor | None) -> Tensor | None:
        """What decides which absent edges come: by default nothing, they are drawn at random."""
        return None

    # -- shared ------------------------------------------------------------------------------

    def update(
        self,
        mask: Tensor,
        weight: Tensor,
        gradient: Tensor | None,
        fraction: float,
        config: TrainConfig,
        generator: torch.Generator,
    ) -> Update:
        """One layer's topology update; changes none of its arguments."""
        keep = self.keep(mask, weight, fraction, config, generator)
        score = self.grow_score(weight, gradient)
        return grow(mask, keep, score, generator, candidates=config.candidates)

    def configure(self, **settings: Any) -> TrainConfig:
        """Resolve settings against this method's defaults and check them.

        Raises
        ------
        ConfigError
            For an unknown setting or a value that cannot be.

        Examples
        --------
        >>> from topolab_trainers.rigl import RigL
        >>> config = RigL().configure(sparsity=0.95)
        >>> config.update_every, config.t_end
        (100, 0.75)
        """
        return self.check(resolve(self.name, dict(self.defaults), settings))

    def train(
        self,
        config: TrainConfig,
        out: str | Path,
        *,
        resume: bool = False,
        progress: Progress | None = None,
        command: str | None = None,
        save_every: float = 20.0,
    ) -> Run:
        """Train, recording every topology update.

        Parameters
        ----------
        config : TrainConfig
            From `configure`.
        out : path
            The folder of the new run.
        resume : bool
            Continue the run that is there; a finished one is returned as it is.
        progress : callable, optional
            Called with (step, steps in all, metrics of the last snapshot).
        command : str, optional
            Kept in the manifest.
        save_every : float
            Seconds between two savings of the training state, at the least.

        Returns
        -------
        Run

        Raises
        ------
        ConfigError, MissingDataError, RunError
        """
        from topolab_trainers.loop import train

        if config.method != self.name:
            raise ConfigError(f"a configuration for {config.method} was given to {self.name}")
        return train(
            self, config, Path(out), resume=resume, progress=progress, command=command,
            save_every=save_every,
        )  # fmt: skip

    @classmethod
    def card(cls) -> str:
        """The method's card, as Markdown.

        Raises
        ------
        ConfigError
            If it has none.
        """
        path = Path(__file__).parent / "cards" / f"{cls.name}.md"
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"method {cls.name} has no card") from error


def without_updates(config: TrainConfig) -> TrainConfig:
    """The configuration of a method that never updates."""
    return replace(config, update_every=None, drop_fraction=0.0, t_end=0.0)
