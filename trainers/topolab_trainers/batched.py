"""Many replicas of one MLP, trained as one program: seeds, profiles, sparsities, methods.

The parameters of all replicas are stacked, (R, m, n) for a layer, and go through the network, its
gradient and the optimiser together. Every replica has its own masks, batches, updates and run on
disk; each follows the same training as alone, to rounding.
"""

from __future__ import annotations

import math
import time
from collections.abc import Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from topolab.errors import ConfigError, PartialFailure, RunError, TopolabError
from topolab.layers import LayerSpec
from topolab.recorder import Recorder
from topolab.registry import find
from topolab.run import Run, open_run
from topolab.store.layout import RunFiles
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import LayerView
from topolab_trainers.data.dataset import Dataset
from topolab_trainers.interrupts import HeldInterrupt
from topolab_trainers.measures import summarise
from topolab_trainers.method import Method
from topolab_trainers.network import make_network
from topolab_trainers.schedules import UpdateTimes, stepped_rate
from topolab_trainers.seeds import generator
from topolab_trainers.state import read_state, write_state, write_tensors
from topolab_trainers.update import count

__all__ = ["Job", "Replicas", "groups", "train_many"]

#: Values of one evaluation batch, over all replicas, at the most.
EVALUATION_VALUES = 4_000_000


@dataclass(frozen=True)
class Job:
    """One training: a method, its configuration, and where its run goes."""

    backend: Method
    config: TrainConfig
    out: Path


def _check(job: Job) -> None:
    config, name = job.config, job.out.name
    wrong = None
    if config.model != "mlp":
        wrong = f"model {config.model}"
    elif job.backend.rewinds or "momentum" in job.backend.needs(config):
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
        replaced = (c.update_every, c.t_end) if job.backend.replaces_step else None
        key = (
            c.data, c.data_dir, c.hidden, c.norm, c.epochs, c.batch_size, c.optimizer, c.lr,
            c.lr_schedule, c.momentum, c.weight_decay, c.device, c.threads, c.dense_output,
            c.masked, job.backend.epochs(c), replaced,
        )  # fmt: skip
        found.setdefault(key, []).append(job)
    return list(found.values())


def train_many(
    jobs: Sequence[Job], *, command: str | None = None, save_every: float = 20.0
) -> list[Run]:
    """Train every job, those of one shape as one program; finished ones are left as they are.

    Parameters
    ----------
    jobs : sequence of Job
    command : str, optional
        Kept in the manifests.
    save_every : float
        Seconds between two savings of the states, at the least.

    Returns
    -------
    list of Run
        In the order of the jobs.

    Raises
    ------
    ConfigError
        If a job cannot be trained this way, before anything is written.
    PartialFailure
        If some diverged; the others are done.
    """
    for job in jobs:
        _check(job)
    jobs = [replace(job, config=replace(job.config, engine="batched")) for job in jobs]
    failed: list[TopolabError] = []
    open_ones = [job for job in jobs if not RunFiles(job.out).finished()]
    for group in groups(open_ones):
        config = group[0].config
        if config.device == "cpu":
            torch.set_num_threads(config.threads)
        dataset = find("datasets", config.data).load(config.data_dir)
        replicas = Replicas(group, dataset)
        with ExitStack() as stack:
            recorders = [
                stack.enter_context(
                    Recorder(
                        job.out,
                        layers=replicas.layers,
                        config=job.config.identity(),
                        seed=job.config.seed,
                        data=dataset.describe(),
                        resume=job.out.exists(),
                        command=command,
                    )
                )
                for job in group
            ]
            replicas.run(recorders, save_every=save_every)
        failed += [r.failure for r in replicas.replicas if r.failure is not None]
    if failed and len(jobs) == 1:
        raise failed[0]
    if failed:
        raise PartialFailure(
            f"{len(failed)} of {len(jobs)} failed, the others are done: "
            + "; ".join(str(error) for error in failed)
        )
    return [open_run(job.out) for job in jobs]


@dataclass
class Replica:
    """What each replica has of its own."""

    job: Job
    times: UpdateTimes
    masks: dict[str, Tensor]
    budget: dict[str, int]
    updates: dict[str, float] = field(default_factory=dict)
    history: list[float] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    batches: int = 0
    samples: int = 0
    active: int = 0
    spent: int = 0
    failure: TopolabError | None = None

    def count_active(self) -> None:
        """Count anew after masks changed."""
        self.active = sum(count(mask) for mask in self.masks.values())


class Replicas:
    """Stacked parameters of several MLPs of one shape.

    Parameters
    ----------
    jobs : sequence of Job
        One group of `groups`.
    dataset : Dataset
    """

    def __init__(self, jobs: Sequence[Job], dataset: Dataset) -> None:
        config = self.config = jobs[0].config
        self.device = torch.device(config.device)
        if config.batch_size > len(dataset.x_train):
            raise ConfigError(
                f"batch_size {config.batch_size} is larger than the {len(dataset.x_train)} "
                f"training samples of {config.data}"
            )
        networks = [make_network(job.backend, job.config, dataset) for job in jobs]
        self.layers: tuple[LayerSpec, ...] = networks[0].layers
        self.names = [layer.name for layer in self.layers]
        self.depth = len(self.layers)
        self.parameters: dict[str, nn.Parameter] = {}
        for key in dict(networks[0].model.named_parameters()):
            stacked = torch.stack(
                [dict(n.model.named_parameters())[key].detach() for n in networks]
            )
            self.parameters[key] = nn.Parameter(stacked.to(self.device))
        self.factors = {
            layer.name: torch.stack([n.masks[layer.name] for n in networks]).to(
                self.device, torch.float32
            )
            for layer in self.layers
            if layer.maskable
        }
        self.x, self.x_test = (
            torch.from_numpy(a).to(self.device) for a in (dataset.x_train, dataset.x_test)
        )
        self.y, self.y_test = (
            torch.from_numpy(a).to(self.device) for a in (dataset.y_train, dataset.y_test)
        )
        self.steps_per_epoch = math.ceil(len(self.x) / config.batch_size)
        self.total = config.epochs * self.steps_per_epoch
        self.replicas = []
        for job, network in zip(jobs, networks, strict=True):
            t_end = int(job.config.t_end * self.total)
            times = job.backend.times(job.config, t_end, self.steps_per_epoch)
            masks = {k: m.to(self.device) for k, m in network.masks.items()}
            budget = {k: int(m.sum()) for k, m in masks.items()}
            self.replicas.append(Replica(job, times, masks, budget))
            self.replicas[-1].count_active()
        self.recorders: Sequence[Recorder] = ()
        self.optimizer = self._optimizer()
        self.loss = torch.zeros(len(jobs), device=self.device)
        self.right = torch.zeros(len(jobs), dtype=torch.int64, device=self.device)
        self.seconds = 0.0

    def _optimizer(self) -> torch.optim.Optimizer:
        config, parameters = self.config, list(self.parameters.values())
        if config.optimizer == "sgd":
            return torch.optim.SGD(
                parameters, config.lr, momentum=config.momentum,
                nesterov=config.momentum > 0, weight_decay=config.weight_decay, fused=True,
            )  # fmt: skip
        return torch.optim.Adam(parameters, config.lr, weight_decay=config.weight_decay, fused=True)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (R, batch, classes), of inputs (R, batch, n) or (1, batch, n) for all."""
        p = self.parameters
        x = x.expand(len(self.replicas), *x.shape[1:])
        for i in range(1, self.depth + 1):
            x = torch.baddbmm(p[f"fc{i}.bias"][:, None], x, p[f"fc{i}.weight"].transpose(1, 2))
            if i == self.depth:
                break
            if self.config.norm == "layernorm":
                x = nn.functional.layer_norm(x, x.shape[-1:])
                x = x * p[f"norm{i}.weight"][:, None] + p[f"norm{i}.bias"][:, None]
            x = torch.relu(x)
        return x

    # -- the loop ----------------------------------------------------------------------------

    def run(self, recorders: Sequence[Recorder], *, save_every: float) -> None:
        """Go from the start, or the saved states, to the end, and mark the runs as done."""
        self.recorders = recorders
        orders: Tensor | None = None
        with HeldInterrupt() as held:
            start = self._load(recorders)
            if start == 0:
                self._record(recorders, 0, self._evaluate(), range(len(self.replicas)))
            clock = last_saved = time.monotonic()
            for step in range(start + 1, self.total + 1):
                epoch, batch = divmod(step - 1, self.steps_per_epoch)
                if batch == 0 or orders is None:
                    orders = self._orders(epoch)
                size = self.config.batch_size
                due = [i for i in self._going() if self.replicas[i].times.due(step)]
                self.step(step, orders[:, batch * size : (batch + 1) * size], due)
                end = batch + 1 == self.steps_per_epoch
                recorded = [
                    i for i in self._going()
                    if i in due or step == self.total
                    or (end and self.replicas[i].times.every is None)
                ]  # fmt: skip
                if recorded or end:
                    measured = self._evaluate()
                    if end:
                        for r, (_, accuracy) in zip(self.replicas, measured, strict=True):
                            r.history.append(accuracy)
                    self._record(recorders, step, measured, recorded)
                stop = held.pending  # looked at once: what stops the training is what was saved
                if stop or (time.monotonic() - last_saved >= save_every and step < self.total):
                    self._save(recorders, step)
                    last_saved = time.monotonic()
                if stop:
                    raise KeyboardInterrupt
            self.seconds += time.monotonic() - clock
            for i in self._going():
                recorder = recorders[i]
                write_tensors(recorder.files.final_weights, self._state_of(i), {"format": "pt"})
                recorder.finish(self._summary(i, recorder))
                (recorder.files.resume_state).unlink(missing_ok=True)
        if held.pending:
            raise KeyboardInterrupt

    def _orders(self, epoch: int) -> Tensor:
        orders = [
            torch.randperm(len(self.x), generator=generator(r.job.config.seed, "batches", epoch))
            for r in self.replicas
        ]
        return torch.stack(orders).to(self.device)

    def step(self, step: int, chosen: Tensor, due: Sequence[int]) -> None:
        """One step of all replicas; `due` are those whose topology is updated.

        Parameters
        ----------
        step : int
        chosen : Tensor of int64, shape (R, batch)
        due : sequence of int
        """
        if self.config.lr_schedule == "nsh":
            for group in self.optimizer.param_groups:
                group["lr"] = stepped_rate(step, self.total, self.config.lr)
        self.optimizer.zero_grad(set_to_none=True)
        y = self.y[chosen]
        logits = self.forward(self.x[chosen])
        losses = nn.functional.cross_entropy(
            logits.flatten(0, 1), y.flatten(), reduction="none"
        ).view(y.shape)
        # Each replica's mean; their sum has every replica's own gradients.
        each = losses.mean(dim=1)
        each.sum().backward()  # type: ignore[no-untyped-call]
        self.loss += each.detach()
        self.right += (logits.detach().argmax(2) == y).sum(1)
        for r in self.replicas:
            r.batches += 1
            r.samples += chosen.shape[1]
            r.spent += r.active * chosen.shape[1]
        replaces = bool(due) and self.replicas[due[0]].job.backend.replaces_step
        dense: dict[int, dict[str, Tensor]] = {}
        self._check_finite(step, only_if=bool(due))
        due = [i for i in due if self.replicas[i].failure is None]
        for i in due:
            if "gradient" in self.replicas[i].job.backend.needs(self.replicas[i].job.config):
                dense[i] = {k: self._gradient(k)[i].clone() for k in self.factors}
        if not replaces:
            for name, factor in self.factors.items():
                self._gradient(name).mul_(factor)
            self.optimizer.step()
        for i in due:
            self._update(i, step, dense.get(i, {}))

    def _gradient(self, name: str) -> Tensor:
        gradient = self.parameters[f"{name}.weight"].grad
        assert gradient is not None
        return gradient

    @torch.no_grad()
    def _update(self, i: int, step: int, dense: Mapping[str, Tensor]) -> None:
        r = self.replicas[i]
        config, backend = r.job.config, r.job.backend
        t_end = int(config.t_end * self.total)
        moment = backend.moment(step, self.total, t_end, config, nth=r.times.before(step))
        r.updates["drop_fraction"] = moment.fraction
        views = [
            LayerView(name, r.masks[name], self.parameters[f"{name}.weight"].detach()[i],
                      dense.get(name), None, r.budget[name])
            for name in self.factors
            if backend.conserves != "layer" or not bool(r.masks[name].all())
        ]  # fmt: skip
        updates = backend.updates(
            views, moment, config, lambda name: generator(config.seed, "topology", name, step)
        )
        sd = backend.new_weights(config)
        for name, update in updates.items():
            parameter = self.parameters[f"{name}.weight"]
            changed = update.mask ^ r.masks[name]
            parameter[i][changed] = 0
            if sd:
                draw = generator(config.seed, "grown", name, step)
                new = (torch.randn(changed.shape, generator=draw) * sd).to(self.device)
                grown = update.mask & ~r.masks[name]
                parameter[i][grown] = new[grown]
            for value in self.optimizer.state.get(parameter, {}).values():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    value[i][changed] = 0
            r.masks[name] = update.mask
            self.factors[name][i].copy_(update.mask)
            r.updates[f"dropped.{name}"] = count(update.dropped)
            r.updates[f"grown.{name}"] = count(update.grown)
            r.updates[f"regrown.{name}"] = update.regrown
        r.count_active()

    def _going(self) -> list[int]:
        """Replicas that have not failed."""
        return [i for i, r in enumerate(self.replicas) if r.failure is None]

    def _check_finite(self, step: int, *, only_if: bool = True) -> None:
        """End the runs of replicas that diverged; the gradients of the others do not know."""
        if not only_if:
            return
        losses = self.loss.tolist()
        for i in self._going():
            r = self.replicas[i]
            if math.isfinite(losses[i]):
                continue
            r.failure = TopolabError(
                f"{r.job.out.name}: the training loss is no longer finite, between step "
                f"{step - r.batches + 1} and {step}; every snapshot so far is kept; a smaller "
                "--lr may help"
            )
            if self.recorders:
                self.recorders[i].__exit__(TopolabError, r.failure, None)

    # -- recording ---------------------------------------------------------------------------

    @torch.no_grad()
    def _evaluate(self) -> list[tuple[float, float]]:
        """Mean cross-entropy and accuracy on the test set, for each replica."""
        number, n = len(self.replicas), len(self.y_test)
        widest = max(layer.n_out for layer in self.layers)
        size = max(16, EVALUATION_VALUES // (number * widest))
        loss = torch.zeros(number, device=self.device)
        right = torch.zeros(number, dtype=torch.int64, device=self.device)
        for x, y in zip(
            torch.split(self.x_test, size), torch.split(self.y_test, size), strict=True
        ):
            logits = self.forward(x[None])
            each = nn.functional.cross_entropy(
                logits.flatten(0, 1), y.repeat(number), reduction="none"
            )
            loss += each.view(number, -1).sum(1)
            right += (logits.argmax(2) == y).sum(1)
        return [(a / n, b / n) for a, b in zip(loss.tolist(), right.tolist(), strict=True)]

    def _record(
        self,
        recorders: Sequence[Recorder],
        step: int,
        measured: Sequence[tuple[float, float]],
        which: Sequence[int],
    ) -> None:
        self._check_finite(step)
        for i in which:
            r = self.replicas[i]
            if r.failure is not None:
                continue
            test_loss, test_accuracy = measured[i]
            r.metrics = {"test_loss": test_loss, "test_accuracy": test_accuracy}
            if r.batches:
                r.metrics["train_loss"] = float(self.loss[i]) / r.batches
                r.metrics["train_accuracy"] = int(self.right[i]) / r.samples
                r.metrics["learning_rate"] = float(self.optimizer.param_groups[0]["lr"])
            r.metrics |= r.updates
            weights = None
            if "weights" in r.job.config.record:
                weights = {k: self.parameters[f"{k}.weight"].detach()[i] for k in self.names}
            recorders[i].record(
                step, r.masks, epoch=step / self.steps_per_epoch, weights=weights,
                metrics=r.metrics,
            )  # fmt: skip
            r.updates, r.batches, r.samples = {}, 0, 0
            self.loss[i], self.right[i] = 0, 0

    def _summary(self, i: int, recorder: Recorder) -> Mapping[str, Any]:
        r = self.replicas[i]
        return {
            **summarise(
                self.layers,
                r.masks,
                steps=self.total,
                spent=r.spent,
                metrics=r.metrics,
                history=r.history,
            ),
            "engine": "batched",
            "replicas": len(self.replicas),
            "train_seconds": self.seconds / len(self.replicas),
            "record_seconds": recorder.seconds,
        }

    # -- state -------------------------------------------------------------------------------

    def _state_of(self, i: int) -> dict[str, Tensor]:
        return {key: value.detach()[i] for key, value in self.parameters.items()}

    def _save(self, recorders: Sequence[Recorder], step: int) -> None:
        self._check_finite(step)
        for i in self._going():
            r, recorder = self.replicas[i], recorders[i]
            tensors = {f"model.{k}": v for k, v in self._state_of(i).items()}
            tensors |= {f"mask.{k}": v for k, v in r.masks.items()}
            for key, parameter in self.parameters.items():
                for entry, value in self.optimizer.state.get(parameter, {}).items():
                    if isinstance(value, Tensor):
                        own = value if value.shape != parameter.shape else value[i]
                        tensors[f"optimizer.{key}|{entry}"] = own
            about = {
                "run_id": recorder.run_id, "step": step, "batched": True,
                "loss": float(self.loss[i]), "right": int(self.right[i]),
                "batches": r.batches, "samples": r.samples, "updates": r.updates,
                "history": r.history, "metrics": r.metrics, "spent": r.spent,
            }  # fmt: skip
            write_state(recorder.files.resume_state, tensors, about)

    @torch.no_grad()
    def _load(self, recorders: Sequence[Recorder]) -> int:
        """The step that all replicas were saved after; 0, and a start anew, if they differ."""
        found = [read_state(recorder.files.resume_state, recorder.run_id) for recorder in recorders]
        steps = {0 if state is None else int(state[0]["step"]) for state in found}
        if len(steps) != 1 or 0 in steps:
            return 0
        for i, (r, state) in enumerate(zip(self.replicas, found, strict=True)):
            assert state is not None
            about, tensors = state
            try:
                for key, parameter in self.parameters.items():
                    parameter[i].copy_(tensors[f"model.{key}"])
                for name in r.masks:
                    r.masks[name] = tensors[f"mask.{name}"].to(self.device)
                    if name in self.factors:
                        self.factors[name][i].copy_(r.masks[name])
                self._load_optimizer(i, tensors)
                self.loss[i], self.right[i] = about["loss"], about["right"]
                r.batches, r.samples = about["batches"], about["samples"]
                r.updates, r.history = dict(about["updates"]), list(about["history"])
                r.metrics, r.spent = dict(about["metrics"]), int(about["spent"])
                r.count_active()
            except (KeyError, TypeError, RuntimeError) as error:
                raise RunError(
                    f"{recorders[i].path}: the saved state does not fit this network ({error})"
                ) from error
        return steps.pop()

    def _load_optimizer(self, i: int, tensors: Mapping[str, Tensor]) -> None:
        for key, value in tensors.items():
            if not key.startswith("optimizer."):
                continue
            name, _, entry = key.removeprefix("optimizer.").rpartition("|")
            parameter = self.parameters[name]
            state = self.optimizer.state[parameter]
            if value.shape != parameter.shape[1:]:
                state[entry] = value.to(self.device)
                continue
            if entry not in state:
                state[entry] = torch.zeros_like(parameter)
            state[entry][i].copy_(value)
