"""The base of every training method: its hooks, and what makes it trainable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from topolab.errors import ConfigError
from topolab.options import Option
from topolab.registry import find
from topolab.run import Run
from topolab_trainers.batched import Job, train_many
from topolab_trainers.config import TrainConfig, resolve
from topolab_trainers.inits.base import Init
from topolab_trainers.loop import train
from topolab_trainers.method import Draw, Method, Progress

__all__ = ["Backend", "Draw", "Progress", "without_updates"]


class Backend(Method):
    """A method that can be configured and trained.

    A subclass sets ``name``, ``summary`` and ``defaults`` and overrides the hooks of `Method` in
    which it differs.
    """

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
        if config.method != self.name:
            raise ConfigError(f"a configuration for {config.method} was given to {self.name}")
        return train(
            self, config, Path(out), resume=resume, progress=progress, command=command,
            save_every=save_every,
        )  # fmt: skip

    @staticmethod
    def train_together(
        jobs: Sequence[tuple[Method, TrainConfig, Path]], *, command: str | None = None
    ) -> list[Run]:
        """Train several runs, those of one shape as one batched program.

        See `topolab_trainers.batched`.
        """
        return train_many([Job(*job) for job in jobs], command=command)

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
