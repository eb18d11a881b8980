"""The training loop that all methods share.

Nothing is waited for between two topology updates: losses and hits stay on the device. Every
random draw has a generator of its own (`topolab_trainers.seeds`), so that a state saved after any
step is enough to go on exactly.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from topolab.errors import ConfigError, RunError, TopolabError
from topolab.layers import LayerSpec
from topolab.recorder import Recorder
from topolab.registry import find
from topolab.run import Run, open_run
from topolab_trainers.averaged import AveragedGradient
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import LayerView
from topolab_trainers.data.dataset import Dataset
from topolab_trainers.interrupts import HeldInterrupt
from topolab_trainers.measures import (
    PROBE,
    probe_activity,
    probe_gradient,
    summarise,
)
from topolab_trainers.method import Method, Progress
from topolab_trainers.network import make_network
from topolab_trainers.schedules import stepped_rate
from topolab_trainers.seeds import generator
from topolab_trainers.state import read_state, write_state, write_tensors
from topolab_trainers.storage import CsrStorage
from topolab_trainers.update import Update, count

__all__ = ["Trainer", "train"]

EVALUATION_BATCH = 2048
#: NIST: SGD for this last share of the epochs, with this learning rate.
SGD_SHARE, SGD_RATE = 0.2, 0.01


def train(
    backend: Method,
    config: TrainConfig,
    out: Path,
    *,
    resume: bool,
    progress: Progress | None,
    command: str | None,
    save_every: float,
) -> Run:
    """Train from start or saved state to the end; see `Backend.train`."""
    if config.device == "cpu":
        torch.set_num_threads(config.threads)
    dataset = find("datasets", config.data).load(config.data_dir)
    trainer = Trainer(backend, config, dataset)
    recorder = Recorder(
        out,
        layers=trainer.layers,
        config=config.identity(),
        seed=config.seed,
        data=dataset.describe(),
        resume=resume,
        command=command,
    )
    if open_run(out).state == "done":
        recorder.close()
        return open_run(out)
    with recorder:
        trainer.run(recorder, progress=progress, save_every=save_every)
    return open_run(out)


@dataclass
class Seconds:
    """Where the time went, in seconds."""

    training: float = 0.0
    updating: float = 0.0
    evaluating: float = 0.0


@dataclass
class Recent:
    """What happened since the last snapshot; starts anew at each."""

    loss: Tensor
    right: Tensor
    batches: int = 0
    samples: int = 0
    updates: dict[str, float] = field(default_factory=dict)

    @classmethod
    def on(cls, device: torch.device) -> Recent:
        """Nothing yet."""
        return cls(
            torch.zeros((), device=device), torch.zeros((), dtype=torch.int64, device=device)
        )

    def values(self) -> dict[str, Any]:
        """As JSON values; a float32 comes back exactly."""
        return {
            "loss": float(self.loss), "right": int(self.right), "batches": self.batches,
            "samples": self.samples, "updates": self.updates,
        }  # fmt: skip

    def load(self, values: Mapping[str, Any]) -> None:
        """Take back what `values` gave."""
        self.loss.fill_(values["loss"])
        self.right.fill_(values["right"])
        self.batches, self.samples = values["batches"], values["samples"]
        self.updates = dict(values["updates"])


class Trainer:
    """A network, its masks and its optimiser, on one device.

    Parameters
    ----------
    backend : Method
    config : TrainConfig
    dataset : Dataset

    Raises
    ------
    ConfigError
        If data, network and settings do not fit together.
    """

    def __init__(self, backend: Method, config: TrainConfig, dataset: Dataset) -> None:
        self.backend, self.config = backend, config
        self.device = torch.device(config.device)
        if config.batch_size > len(dataset.x_train):
            raise ConfigError(
                f"batch_size {config.batch_size} is larger than the {len(dataset.x_train)} "
                f"training samples of {config.data}"
            )
        network = make_network(backend, config, dataset)
        self.layers: tuple[LayerSpec, ...] = network.layers
        self.model = network.model.to(self.device)
        self.needs = backend.needs(config)
        self.storages = network.stored(config, self.needs)
        self.masked = [s for s in self.storages.values() if s.layer.maskable]
        self.x, self.x_test = (
            torch.from_numpy(a).to(self.device) for a in (dataset.x_train, dataset.x_test)
        )
        self.y, self.y_test = (
            torch.from_numpy(a).to(self.device) for a in (dataset.y_train, dataset.y_test)
        )
        order = torch.randperm(len(self.x), generator=generator(config.seed, "probe"))
        self.probe = order[:PROBE].to(self.device)
        self.steps_per_epoch = math.ceil(len(self.x) / config.batch_size)
        self.epochs = backend.epochs(config)
        self.total = self.epochs * self.steps_per_epoch
        self.cycle = config.epochs * self.steps_per_epoch
        self.t_end = int(config.t_end * self.total)
        self.times = backend.times(config, self.t_end, self.steps_per_epoch)
        # NIST's protocol: another optimiser for the last epochs.
        last = math.ceil(SGD_SHARE * self.epochs) * self.steps_per_epoch
        self.sgd_from = self.total - last if config.optimizer == "adam-sgd" else None
        self.optimizer = self._optimizer(0)
        self.averaged: AveragedGradient | None = None
        if "momentum" in self.needs:
            self.averaged = AveragedGradient(
                self.masked, config.options["momentum_beta"],
                normalised=config.optimizer != "sgd",
            )  # fmt: skip
        self.rewind: dict[str, Tensor] = {}
        self.seconds = Seconds()
        self.recent = Recent.on(self.device)
        self.metrics: dict[str, float] = {}
        self.history: list[float] = []
        self.evaluated: tuple[int, float, float] | None = None
        # Active weights now, and summed over all samples seen: NIST's FLOPs are 4 times that.
        self.active = self._active()
        self.spent = 0

    @property
    def masks(self) -> dict[str, Tensor]:
        """Per layer its mask, on the device."""
        return {name: storage.mask for name, storage in self.storages.items()}

    @property
    def weights(self) -> dict[str, Tensor]:
        """Per layer its dense weight, 0 where there is no edge."""
        return {name: storage.weight for name, storage in self.storages.items()}

    def _optimizer(self, step: int) -> torch.optim.Optimizer:
        config, parameters = self.config, self.model.parameters()
        sgd = config.optimizer == "sgd"
        switched = self.sgd_from is not None and step >= self.sgd_from
        if sgd or switched:
            return torch.optim.SGD(
                parameters, SGD_RATE if switched else config.lr, momentum=config.momentum,
                nesterov=config.momentum > 0, weight_decay=config.weight_decay, fused=True,
            )  # fmt: skip
        return torch.optim.Adam(parameters, config.lr, weight_decay=config.weight_decay, fused=True)

    # -- the loop ----------------------------------------------------------------------------

    def run(self, recorder: Recorder, *, progress: Progress | None, save_every: float) -> None:
        """Go from the start, or the saved state, to the end, and mark the run as done."""
        path = recorder.files.resume_state
        order = torch.empty(0, dtype=torch.int64)
        with HeldInterrupt() as held:
            start = self._load(path, recorder.run_id)
            if start == 0:
                self._keep_for_rewind(0)
                self._record(recorder, 0)
            last_saved = time.monotonic()
            clock = time.perf_counter()
            for step in range(start + 1, self.total + 1):
                epoch, batch = divmod(step - 1, self.steps_per_epoch)
                if batch == 0 or not order.numel():
                    draw = generator(self.config.seed, "batches", epoch)
                    order = torch.randperm(len(self.x), generator=draw).to(self.device)
                size = self.config.batch_size
                due = self.times.due(step)
                self._step(step, order[batch * size : (batch + 1) * size], update=due)
                epoch_end = batch + 1 == self.steps_per_epoch
                snapshot = due or step == self.total or (epoch_end and self.times.every is None)
                if snapshot or epoch_end:
                    self.seconds.training += time.perf_counter() - clock
                    if epoch_end:
                        # Of a lottery's round it is what was reached, not the rewound network.
                        reached = self.recent.updates.get("test_accuracy_before_rewind")
                        self.history.append(reached or self._evaluate(step)[1])
                    if snapshot:
                        self._record(recorder, step)
                    clock = time.perf_counter()
                stop = held.pending  # looked at once: what stops the training is what was saved
                if stop or (time.monotonic() - last_saved >= save_every and step < self.total):
                    self.seconds.training += time.perf_counter() - clock
                    self._save(path, recorder, step)
                    last_saved, clock = time.monotonic(), time.perf_counter()
                if progress is not None:
                    progress(step, self.total, self.metrics)
                if stop:
                    raise KeyboardInterrupt
            write_tensors(recorder.files.final_weights, self.dense_state(), {"format": "pt"})
            recorder.finish(self._summary(recorder))
        path.unlink(missing_ok=True)
        if held.pending:
            raise KeyboardInterrupt

    def _step(self, step: int, chosen: Tensor, *, update: bool) -> None:
        if step - 1 == self.sgd_from:
            self.optimizer = self._optimizer(step - 1)
        if self.config.lr_schedule == "nsh":
            rate = stepped_rate((step - 1) % self.cycle + 1, self.cycle, self.config.lr)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
        wanted = update and "gradient" in self.needs
        if wanted:
            for storage in self.masked:
                storage.want_gradient(True)
        self.optimizer.zero_grad(set_to_none=True)
        y = self.y[chosen]
        logits = self.model(self.x[chosen])
        loss = nn.functional.cross_entropy(logits, y)
        loss.backward()  # type: ignore[no-untyped-call]
        self.recent.loss += loss.detach()
        self.recent.right += (logits.detach().argmax(1) == y).sum()
        self.recent.batches += 1
        self.recent.samples += len(chosen)
        self.spent += self.active * len(chosen)
        if self.averaged is not None:
            self.averaged.accumulate()
        if update and self.backend.replaces_step:
            self._update(step, {s.layer.name: s.gradient() for s in self.masked} if wanted else {})
        else:
            # What growth looks at is the dense gradient: keep it before it is masked.
            dense = {s.layer.name: s.gradient().clone() for s in self.masked} if wanted else {}
            for storage in self.storages.values():
                storage.mask_gradient()
            self.optimizer.step()
            if update:
                self._update(step, dense)
        if wanted:
            for storage in self.masked:
                storage.want_gradient(False)
        if self.backend.rewinds:
            self._keep_for_rewind(step)

    @torch.no_grad()
    def _update(self, step: int, dense: Mapping[str, Tensor]) -> None:
        self._check_finite(step)
        started = time.perf_counter()
        config, backend, seed = self.config, self.backend, self.config.seed
        moment = backend.moment(step, self.total, self.t_end, config, nth=self.times.before(step))
        self.recent.updates["drop_fraction"] = moment.fraction
        if backend.rewinds:
            self.recent.updates["test_accuracy_before_rewind"] = self._evaluate(step)[1]
        views = [
            LayerView(
                s.layer.name, s.mask, lambda s=s: s.weight, dense.get(s.layer.name),  # type: ignore[misc]
                None if self.averaged is None else self.averaged.score(s.layer.name), s.budget,
                s.active, s.values,
            )
            for s in self.masked
            # Dropping from a full layer that keeps its number of edges changes nothing.
            if backend.conserves != "layer" or not s.full
        ]  # fmt: skip
        updates = backend.updates(
            views, moment, config, lambda name: generator(seed, "topology", name, step)
        )
        sd = backend.new_weights(config)
        for name, update in updates.items():
            storage = self.storages[name]
            new = None
            if sd:
                draw = generator(seed, "grown", name, step)
                new = (torch.randn(update.mask.shape, generator=draw) * sd).to(self.device)
            storage.set(update.mask, self.optimizer, new)
            self._count(name, update)
        self.active = self._active()
        if backend.rewinds:
            self._rewind(step)
        self.evaluated = None
        self.seconds.updating += time.perf_counter() - started

    def _active(self) -> int:
        return sum(s.active.numel() for s in self.storages.values())

    def _count(self, name: str, update: Update) -> None:
        for what, number in (
            ("dropped", count(update.dropped)),
            ("grown", count(update.grown)),
            ("regrown", update.regrown),
        ):
            self.recent.updates[f"{what}.{name}"] = number

    def _keep_for_rewind(self, step: int) -> None:
        if self.backend.rewinds and step == self.config.options["rewind_step"]:
            self.rewind = {k: v.detach().clone() for k, v in self.dense_state().items()}

    def _rewind(self, step: int) -> None:
        """Back to the kept weights, and an optimiser that knows nothing."""
        rate = self.optimizer.param_groups[0]["lr"]
        self._load_dense(self.rewind)
        self.optimizer = self._optimizer(step)
        self.optimizer.param_groups[0]["lr"] = rate  # what was used is what is recorded

    def _check_finite(self, step: int) -> None:
        if not math.isfinite(float(self.recent.loss)):
            before = step - self.recent.batches
            raise TopolabError(
                f"the training loss is no longer finite, between step {before + 1} and {step}; "
                "every snapshot so far is kept; a smaller --lr may help"
            )

    # -- recording ---------------------------------------------------------------------------

    def _record(self, recorder: Recorder, step: int) -> None:
        self._check_finite(step)
        test_loss, test_accuracy = self._evaluate(step)
        self.metrics = {"test_loss": test_loss, "test_accuracy": test_accuracy}
        if self.recent.batches:
            self.metrics["train_loss"] = float(self.recent.loss) / self.recent.batches
            self.metrics["train_accuracy"] = int(self.recent.right) / self.recent.samples
            self.metrics["learning_rate"] = float(self.optimizer.param_groups[0]["lr"])
        self.metrics |= self.recent.updates
        activity = gradient = None
        started = time.perf_counter()
        wanted = self.config.record
        if "activity" in wanted:
            activity = probe_activity(self.model, self.x[self.probe])
        if "gradient" in wanted:
            gradient, ratio = probe_gradient(
                self.model, self.storages, self.x[self.probe], self.y[self.probe]
            )
            for name, value in ratio.items():
                if math.isfinite(value):
                    self.metrics[f"gradient_ratio.{name}"] = value
        self.seconds.evaluating += time.perf_counter() - started
        recorder.record(
            step,
            self.masks,
            epoch=step / self.steps_per_epoch,
            weights=self.weights if "weights" in wanted else None,
            activity=activity,
            gradient=gradient,
            metrics=self.metrics,
        )
        self.recent = Recent.on(self.device)

    def _evaluate(self, step: int) -> tuple[float, float]:
        """`evaluate`, once for each step."""
        if self.evaluated is None or self.evaluated[0] != step:
            started = time.perf_counter()
            self.evaluated = (step, *self.evaluate())
            self.seconds.evaluating += time.perf_counter() - started
        return self.evaluated[1:]

    @torch.no_grad()
    def evaluate(self) -> tuple[float, float]:
        """Mean cross-entropy and accuracy (0 to 1) on the test set."""
        loss = torch.zeros((), device=self.device)
        right = torch.zeros((), dtype=torch.int64, device=self.device)
        self.model.eval()
        for x, y in zip(
            torch.split(self.x_test, EVALUATION_BATCH),
            torch.split(self.y_test, EVALUATION_BATCH),
            strict=True,
        ):
            logits = self.model(x)
            loss += nn.functional.cross_entropy(logits, y, reduction="sum")
            right += (logits.argmax(1) == y).sum()
        self.model.train()
        return float(loss) / len(self.y_test), int(right) / len(self.y_test)

    def _summary(self, recorder: Recorder) -> Mapping[str, Any]:
        return {
            **summarise(
                self.layers,
                self.masks,
                steps=self.total,
                spent=self.spent,
                metrics=self.metrics,
                history=self.history,
            ),
            "engine": "csr" if any(isinstance(s, CsrStorage) for s in self.masked) else "masked",
            "train_seconds": self.seconds.training,
            "update_seconds": self.seconds.updating,
            "evaluate_seconds": self.seconds.evaluating,
            "record_seconds": recorder.seconds,
        }

    # -- state -------------------------------------------------------------------------------

    def dense_state(self) -> dict[str, Tensor]:
        """The model's state as a dense network's: what torch loads without topolab."""
        state = dict(self.model.state_dict())
        for name, storage in self.storages.items():
            if isinstance(storage, CsrStorage):
                del state[f"{name}.values"]
                state[f"{name}.weight"] = storage.weight
        return state

    @torch.no_grad()
    def _load_dense(self, state: Mapping[str, Tensor]) -> None:
        own = dict(self.model.state_dict())
        for name, storage in self.storages.items():
            weight = state[f"{name}.weight"].to(self.device)
            if isinstance(storage, CsrStorage):
                storage.module.values.data = weight[storage.mask]
            else:
                storage.parameter.copy_(weight * storage.mask)
        for key, value in own.items():
            layer, _, what = key.rpartition(".")
            if layer in self.storages and what in ("weight", "values"):
                continue
            value.copy_(state[key])

    def _save(self, path: Path, recorder: Recorder, step: int) -> None:
        self._check_finite(step)
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"mask.{k}": v for k, v in self.masks.items()}
        tensors |= {f"rewind.{k}": v for k, v in self.rewind.items()}
        if self.averaged is not None:
            tensors |= {f"averaged.{k}": v for k, v in self.averaged.tensors().items()}
        for name, parameter in self.model.named_parameters():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer.{name}|{key}"] = value
        about = {
            "run_id": recorder.run_id,
            "step": step,
            "seconds": asdict(self.seconds),
            "recent": self.recent.values(),
            "history": self.history,
            "metrics": self.metrics,
            "spent": self.spent,
        }
        write_state(path, tensors, about)

    def _load(self, path: Path, run_id: str) -> int:
        """Take back a saved state; the step it was saved after, 0 without one."""
        found = read_state(path, run_id)
        if found is None:
            return 0
        about, tensors = found
        try:
            for name, storage in self.storages.items():
                storage.load_mask(tensors[f"mask.{name}"])
            self.model.load_state_dict(_part(tensors, "model."))
            self.rewind = {k: v.to(self.device) for k, v in _part(tensors, "rewind.").items()}
            if self.averaged is not None:
                self.averaged.load(_part(tensors, "averaged."))
            step = int(about["step"])
            self.optimizer = self._optimizer(step - 1)
            parameters = dict(self.model.named_parameters())
            for key, value in _part(tensors, "optimizer.").items():
                name, _, entry = key.rpartition("|")
                self.optimizer.state[parameters[name]][entry] = value.to(self.device)
            self.seconds = Seconds(**about["seconds"])
            self.recent.load(about["recent"])
            self.history = list(about["history"])
            self.metrics = dict(about["metrics"])
            self.spent, self.active = int(about["spent"]), self._active()
        except (KeyError, TypeError, RuntimeError) as error:
            raise RunError(
                f"{path}: the saved state does not fit this network ({error})"
            ) from error
        return step


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
