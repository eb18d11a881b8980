"""What each run of a training has of its own: its updates, its counts, what it reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from topolab_trainers.averaged import AveragedGradient
from topolab_trainers.criteria import LayerView
from topolab_trainers.measures import PROBE
from topolab_trainers.seeds import generator
from topolab_trainers.update import LayerUpdate, count

if TYPE_CHECKING:
    from topolab.errors import TopolabError
    from topolab_trainers.config import TrainConfig
    from topolab_trainers.jobs import Job
    from topolab_trainers.method import Method
    from topolab_trainers.schedules import UpdateTimes
    from topolab_trainers.storage import Storage

__all__ = ["Replica"]


@dataclass
class Replica:
    """One of the R networks that are trained in step; R = 1 is the usual.

    Attributes
    ----------
    job : Job
    index : int
        Which of the engine's networks it is.
    storages : mapping of str to Storage
        Per layer how it is kept.
    times : UpdateTimes
    t_end : int
    probe : Tensor of int64
        The samples that activity and gradients are measured on.
    averaged : AveragedGradient or None
        Where growth looks at it.
    update_metrics : dict of str to float
        What the updates since the last snapshot did.
    batches, samples : int
        Seen since the last snapshot.
    metrics : dict of str to float
        Of the last snapshot.
    history : list of float
        Test accuracy after every epoch.
    active, spent : int
        Active weights now, and summed over all samples seen: NIST's FLOPs are 4 times that.
    failure : TopolabError or None
        Why it stopped before the others.
    """

    job: Job
    index: int
    storages: Mapping[str, Storage]
    times: UpdateTimes
    t_end: int
    probe: Tensor
    averaged: AveragedGradient | None = None
    update_metrics: dict[str, float] = field(default_factory=dict)
    batches: int = 0
    samples: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[float] = field(default_factory=list)
    active: int = 0
    spent: int = 0
    failure: TopolabError | None = None

    @classmethod
    def of(
        cls, job: Job, index: int, storages: Mapping[str, Storage], *,
        total: int, steps_per_epoch: int, samples: int, device: torch.device,
    ) -> Replica:  # fmt: skip
        """A replica at its start, of a training of so many steps over so many samples."""
        config = job.config
        t_end = int(config.t_end * total)
        order = torch.randperm(samples, generator=generator(config.seed, "probe"))
        made = cls(
            job, index, storages, job.method.times(config, t_end, steps_per_epoch), t_end,
            order[:PROBE].to(device),
        )  # fmt: skip
        if "momentum" in made.needs:
            made.averaged = AveragedGradient(
                made.maskable, config.options["momentum_beta"],
                normalised=config.optimizer != "sgd",
            )  # fmt: skip
        made.count_active()
        return made

    @property
    def config(self) -> TrainConfig:
        """Its configuration."""
        return self.job.config

    @property
    def method(self) -> Method:
        """Its method."""
        return self.job.method

    @cached_property
    def needs(self) -> frozenset[str]:
        """Which of "gradient" and "momentum" its updates look at."""
        return self.method.needs(self.config)

    @property
    def maskable(self) -> list[Storage]:
        """The layers that an update may change."""
        return [s for s in self.storages.values() if s.layer.maskable]

    @property
    def masks(self) -> dict[str, Tensor]:
        """Per layer its mask, on the device."""
        return {name: storage.mask for name, storage in self.storages.items()}

    @property
    def weights(self) -> dict[str, Tensor]:
        """Per layer its dense weight, 0 where there is no edge."""
        return {name: storage.weight for name, storage in self.storages.items()}

    def want_gradients(self, wanted: bool) -> None:
        """Whether the next backward pass has to leave the gradients of absent weights too."""
        for storage in self.maskable:
            storage.want_gradient(wanted)

    def gradients(self, *, copied: bool) -> dict[str, Tensor]:
        """The dense gradients of the last backward pass, before they are masked."""
        found = {s.layer.name: s.gradient() for s in self.maskable}
        return {name: g.clone() for name, g in found.items()} if copied else found

    def views(self, gradients: Mapping[str, Tensor]) -> list[LayerView]:
        """What an update may look at."""
        return [
            LayerView(
                s.layer.name, s.mask, lambda s=s: s.weight, gradients.get(s.layer.name),  # type: ignore[misc]
                None if self.averaged is None else self.averaged.score(s.layer.name), s.budget,
                s.active, s.values,
            )
            for s in self.maskable
            # Dropping from a full layer that keeps its number of edges changes nothing.
            if self.method.conserves != "layer" or not s.full
        ]  # fmt: skip

    # -- counting ----------------------------------------------------------------------------

    def count_batch(self, samples: int) -> None:
        """One more batch was seen."""
        self.batches += 1
        self.samples += samples
        self.spent += self.active * samples

    def count_update(self, name: str, update: LayerUpdate) -> None:
        """One layer was updated."""
        self.update_metrics[f"dropped.{name}"] = count(update.dropped)
        self.update_metrics[f"grown.{name}"] = count(update.grown)
        self.update_metrics[f"regrown.{name}"] = update.regrown

    def count_active(self) -> None:
        """Count anew after masks changed."""
        self.active = sum(s.active.numel() for s in self.storages.values())

    def start_counting(self) -> None:
        """Anew, after a snapshot."""
        self.update_metrics, self.batches, self.samples = {}, 0, 0

    # -- the saved state ---------------------------------------------------------------------

    def values(self, loss: Tensor, right: Tensor) -> dict[str, Any]:
        """As JSON values, with its sums of losses and hits; a float32 comes back exactly."""
        return {
            "recent": {
                "loss": float(loss), "right": int(right), "batches": self.batches,
                "samples": self.samples, "updates": self.update_metrics,
            },
            "history": self.history, "metrics": self.metrics, "spent": self.spent,
        }  # fmt: skip

    def load(self, about: Mapping[str, Any]) -> tuple[float, int]:
        """Take back what `values` gave; the sums of losses and hits."""
        # States of several replicas had no part of its own for this in the beginning.
        recent = about.get("recent", about)
        self.batches, self.samples = recent["batches"], recent["samples"]
        self.update_metrics = dict(recent["updates"])
        self.history, self.metrics = list(about["history"]), dict(about["metrics"])
        self.spent = int(about["spent"])
        self.count_active()
        return recent["loss"], recent["right"]
