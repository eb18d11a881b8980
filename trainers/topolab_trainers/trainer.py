"""R networks that are trained in step: their schedule, their steps, their topology updates.

Usually R = 1. Nothing is waited for between two topology updates: losses and hits stay on the
device. Every random draw has a generator of its own (`topolab_trainers.seeds`), so that a state
saved after any step is enough to go on exactly.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from topolab.errors import ConfigError, TopolabError
from topolab_trainers.engine import Engine, make_optimizer
from topolab_trainers.jobs import Job
from topolab_trainers.module_engine import ModuleEngine
from topolab_trainers.replica import Replica
from topolab_trainers.rewinding import Rewinding
from topolab_trainers.schedules import stepped_rate
from topolab_trainers.seeds import generator

if TYPE_CHECKING:
    from topolab_trainers.data.dataset import Dataset

__all__ = ["Seconds", "Trainer"]

#: NIST: SGD for this last share of the epochs.
SGD_SHARE = 0.2


@dataclass
class Seconds:
    """Where the time went, in seconds, for all replicas together."""

    training: float = 0.0
    updating: float = 0.0
    evaluating: float = 0.0


class Trainer:
    """R networks, their masks and their optimiser, on one device.

    Parameters
    ----------
    jobs : sequence of Job
        One for each replica.
    dataset : Dataset
    engine : Engine class

    Raises
    ------
    ConfigError
        If data, network and settings do not fit together.
    """

    def __init__(
        self, jobs: Sequence[Job], dataset: Dataset, engine: type[Engine] = ModuleEngine
    ) -> None:
        config = self.config = jobs[0].config
        self.device = torch.device(config.device)
        if config.batch_size > len(dataset.x_train):
            raise ConfigError(
                f"batch_size {config.batch_size} is larger than the {len(dataset.x_train)} "
                f"training samples of {config.data}"
            )
        self.engine = engine(jobs, dataset)
        self.x, self.x_test = (
            torch.from_numpy(a).to(self.device) for a in (dataset.x_train, dataset.x_test)
        )
        self.y, self.y_test = (
            torch.from_numpy(a).to(self.device) for a in (dataset.y_train, dataset.y_test)
        )
        self.steps_per_epoch = math.ceil(len(self.x) / config.batch_size)
        epochs = jobs[0].method.epochs(config)
        self.total = epochs * self.steps_per_epoch
        self.cycle = config.epochs * self.steps_per_epoch
        # NIST's protocol: another optimiser for the last epochs.
        last = math.ceil(SGD_SHARE * epochs) * self.steps_per_epoch
        self.sgd_from = self.total - last if config.optimizer == "adam-sgd" else None
        self.replicas = [
            Replica.of(
                job, i, self.engine.storages[i], total=self.total,
                steps_per_epoch=self.steps_per_epoch, samples=len(self.x), device=self.device,
            )
            for i, job in enumerate(jobs)
        ]  # fmt: skip
        self.rewinding: Rewinding | None = None
        if any(job.method.rewinds for job in jobs):
            assert isinstance(self.engine, ModuleEngine)
            self.rewinding = Rewinding(self.engine, config, self.device)
        # Sums since each replica's last snapshot.
        self.loss = torch.zeros(len(jobs), device=self.device)
        self.right = torch.zeros(len(jobs), dtype=torch.int64, device=self.device)
        self.seconds = Seconds()
        self.evaluated: tuple[int, list[tuple[float, float]]] | None = None

    @property
    def going(self) -> list[Replica]:
        """Those that have not failed."""
        return [replica for replica in self.replicas if replica.failure is None]

    def orders(self, epoch: int) -> Tensor:
        """The order of each replica's batches in an epoch, shape (R, samples)."""
        orders = [
            torch.randperm(len(self.x), generator=generator(r.config.seed, "batches", epoch))
            for r in self.replicas
        ]
        return torch.stack(orders).to(self.device)

    def step(self, step: int, chosen: Tensor, due: Sequence[int]) -> None:
        """One step of all replicas.

        Parameters
        ----------
        step : int
            From 1.
        chosen : Tensor of int64, shape (R, batch)
            Each replica's samples.
        due : sequence of int
            The replicas whose topology is updated.
        """
        self._set_optimizer(step)
        looking = [self.replicas[i] for i in due if "gradient" in self.replicas[i].needs]
        for replica in looking:
            replica.want_gradients(True)
        self.engine.optimizer.zero_grad(set_to_none=True)
        losses, hits = self.engine.backward(self.x[chosen], self.y[chosen])
        self.loss += losses
        self.right += hits
        for replica in self.replicas:
            replica.count_batch(chosen.shape[1])
            if replica.averaged is not None:
                replica.averaged.accumulate()
        if due:
            self.check_finite(step)
        # Those of a group that replace their steps are due at the same ones.
        replaced = bool(due) and self.replicas[due[0]].method.replaces_step
        # What growth looks at is the dense gradient: keep it before it is masked.
        gradients = {r.index: r.gradients(copied=not replaced) for r in looking}
        if not replaced:
            self.engine.mask_gradients()
            self.engine.optimizer.step()
        for i in due:
            if self.replicas[i].failure is None:
                self._update(step, self.replicas[i], gradients.get(i, {}))
        for replica in looking:
            replica.want_gradients(False)
        if self.rewinding is not None:
            self.rewinding.keep(step)

    def _set_optimizer(self, step: int) -> None:
        """The optimiser and the learning rate of this step."""
        if step - 1 == self.sgd_from:
            self.engine.optimizer = make_optimizer(self.engine, self.config, switched=True)
        if self.config.lr_schedule == "nsh":
            rate = stepped_rate((step - 1) % self.cycle + 1, self.cycle, self.config.lr)
            for group in self.engine.optimizer.param_groups:
                group["lr"] = rate

    @torch.no_grad()
    def _update(self, step: int, replica: Replica, gradients: Mapping[str, Tensor]) -> None:
        """Update one replica's topology."""
        started = time.perf_counter()
        method, config, seed = replica.method, replica.config, replica.config.seed
        nth = replica.times.before(step)
        plan = method.plan_update(step, self.total, replica.t_end, config, nth=nth)
        replica.update_metrics["drop_fraction"] = plan.fraction
        if self.rewinding is not None:
            accuracy = self.evaluate(step)[replica.index][1]
            replica.update_metrics["test_accuracy_before_rewind"] = accuracy
        try:
            changes = method.update_network(
                replica.views(gradients), plan, config,
                lambda name: generator(seed, "topology", name, step),
            )  # fmt: skip
        except TopolabError as error:
            replica.failure = error
            return
        sd = method.new_weights(config)
        for name, update in changes.items():
            new = None
            if sd:
                draw = generator(seed, "grown", name, step)
                new = (torch.randn(update.mask.shape, generator=draw) * sd).to(self.device)
            replica.storages[name].set(update.mask, self.engine.optimizer, new)
            replica.count_update(name, update)
        replica.count_active()
        if self.rewinding is not None:
            self.rewinding.rewind()
        self.evaluated = None
        self.seconds.updating += time.perf_counter() - started

    def check_finite(self, step: int) -> None:
        """End the runs of replicas that diverged; the gradients of the others do not know."""
        losses = self.loss.tolist()
        for replica in self.going:
            if not math.isfinite(losses[replica.index]):
                first = step - replica.batches + 1
                replica.failure = TopolabError(
                    f"the training loss is no longer finite, between step {first} and {step}; "
                    "every snapshot so far is kept; a smaller --lr may help"
                )

    def evaluate(self, step: int) -> list[tuple[float, float]]:
        """Each replica's loss and accuracy on the test set, once for each step."""
        if self.evaluated is None or self.evaluated[0] != step:
            started = time.perf_counter()
            self.evaluated = (step, self.engine.evaluate(self.x_test, self.y_test))
            self.seconds.evaluating += time.perf_counter() - started
        return self.evaluated[1]
