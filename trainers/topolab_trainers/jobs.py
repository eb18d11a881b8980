"""What is to be trained, and what of it can be trained together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from topolab.errors import ConfigError

if TYPE_CHECKING:
    from topolab_trainers.config import TrainConfig
    from topolab_trainers.method import Method

__all__ = ["Job", "check_batched", "groups"]


@dataclass(frozen=True)
class Job:
    """One training: a method, its configuration, and where its run goes."""

    method: Method
    config: TrainConfig
    out: Path


def check_batched(job: Job) -> None:
    """Refuse what cannot be one replica of many.

    Raises
    ------
    ConfigError
        Naming the run and the setting that stands in the way.
    """
    config, name = job.config, job.out.name
    wrong = None
    if config.model != "mlp":
        wrong = f"model {config.model}"
    elif job.method.rewinds or "momentum" in job.method.needs(config):
        wrong = f"method {config.method} with these options"
    elif config.optimizer == "adam-sgd":
        wrong = "optimizer adam-sgd"
    elif config.engine == "csr":
        wrong = "engine csr"
    elif set(config.record) - {"weights"}:
        wrong = "recording activity or gradients"
    if wrong:
        raise ConfigError(f"{name}: {wrong} cannot be trained batched; leave --batched away")


def groups(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs that can train together: one architecture, one optimiser, one length.

    Methods whose update takes the place of a step are together only if they update at the same
    steps, since the optimiser counts its steps for all of a group.
    """
    found: dict[Hashable, list[Job]] = {}
    for job in jobs:
        c = job.config
        replaced = (c.update_every, c.t_end) if job.method.replaces_step else None
        key = (*c.alike(), job.method.epochs(c), replaced)
        found.setdefault(key, []).append(job)
    return list(found.values())
