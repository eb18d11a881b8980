"""The training loop that all methods share.

Masks are kept by masking gradients: an absent weight starts at 0 and its gradient is set to 0
before every optimiser step, so neither it nor its optimiser state ever leaves 0, weight decay
included. Nothing is waited for between two topology updates: losses stay on the device.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

import topolab
from topolab.errors import ConfigError, TopolabError
from topolab.layers import LayerSpec
from topolab.recorder import Recorder
from topolab.registry import find
from topolab.run import Run, open_run
from topolab_trainers.config import TrainConfig
from topolab_trainers.data.dataset import Dataset
from topolab_trainers.models import MLP, initialise
from topolab_trainers.schedules import UpdateTimes, stepped_rate
from topolab_trainers.seeds import generator
from topolab_trainers.state import load_state, save_state

if TYPE_CHECKING:
    from topolab_trainers.backend import Backend, Progress

__all__ = ["Trainer", "train"]

EVALUATION_BATCH = 2048


def train(
    backend: Backend,
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
    if config.batch_size > len(dataset.x_train):
        raise ConfigError(
            f"batch_size {config.batch_size} is larger than the {len(dataset.x_train)} training "
            f"samples of {config.data}"
        )
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
    evaluating: float = 0.0


@dataclass
class Progressed:
    """What happened since the last snapshot; starts anew at each."""

    loss: Tensor
    batches: int = 0
    updates: dict[str, float] = field(default_factory=dict)


class Trainer:
    """A network, its masks and its optimiser, on one device.

    Parameters
    ----------
    backend : Backend
    config : TrainConfig
    dataset : Dataset
    """

    def __init__(self, backend: Backend, config: TrainConfig, dataset: Dataset) -> None:
        self.backend, self.config = backend, config
        self.device = torch.device(config.device)
        n_in = dataset.x_train.shape[1]
        self.model = MLP(n_in, config.hidden, dataset.n_classes, norm=config.norm)
        last = f"fc{self.model.depth}"
        self.layers: tuple[LayerSpec, ...] = topolab.layers_of(
            self.model,
            image_shape=dataset.image_shape,
            dense=[last] if config.dense_output else [],
        )
        masks = backend.initial_masks(self.layers, config, generator(config.seed, "masks"))
        initialise(self.model, masks, generator(config.seed, "weights"))
        self.model.to(self.device)
        self.masks = {name: mask.to(self.device) for name, mask in masks.items()}
        self.weights: dict[str, nn.Parameter] = {
            layer.name: self.model.get_submodule(layer.name).weight  # type: ignore[misc]
            for layer in self.layers
        }
        # Multiplying by a float mask of the weight's own type is the fastest way to mask.
        self.float_masks = {
            layer.name: self.masks[layer.name].to(self.weights[layer.name].dtype)
            for layer in self.layers
            if layer.maskable and not bool(self.masks[layer.name].all())
        }
        self.optimizer = self._optimizer()
        self.x, self.x_test = (
            torch.from_numpy(a).to(self.device) for a in (dataset.x_train, dataset.x_test)
        )
        self.y, self.y_test = (
            torch.from_numpy(a).to(self.device) for a in (dataset.y_train, dataset.y_test)
        )
        self.steps_per_epoch = math.ceil(len(self.x) / config.batch_size)
        self.total = config.epochs * self.steps_per_epoch
        self.t_end = int(config.t_end * self.total)
        self.times = UpdateTimes(config.update_every, self.t_end, self.steps_per_epoch)
        self.seconds = Seconds()
        self.recent = Progressed(torch.zeros((), device=self.device))
        self.metrics: dict[str, float] = {}

    def _optimizer(self) -> torch.optim.Optimizer:
        config = self.config
        if config.optimizer == "adam":
            return torch.optim.Adam(
                self.model.parameters(), config.lr, weight_decay=config.weight_decay, fused=True
            )
        return torch.optim.SGD(
            self.model.parameters(), config.lr, momentum=config.momentum,
            nesterov=config.momentum > 0, weight_decay=config.weight_decay, fused=True,
        )  # fmt: skip

    # -- the loop ----------------------------------------------------------------------------

    def run(self, recorder: Recorder, *, progress: Progress | None, save_every: float) -> None:
        """Go from the start, or the saved state, to the end, and mark the run as done."""
        state = recorder.path / "resume" / "state.safetensors"
        saved = load_state(state, self.model, self.optimizer, self.masks, recorder.run_id)
        start = 0
        if saved is None:
            self._record(recorder, 0)
        else:
            start = int(saved["step"])
            self.seconds = Seconds(float(saved["training"]), float(saved["evaluating"]))
            for name, mask in self.float_masks.items():
                mask.copy_(self.masks[name])
        last_saved = time.monotonic()
        clock = time.perf_counter()
        order = torch.empty(0, dtype=torch.int64)
        for step in range(start + 1, self.total + 1):
            epoch, batch = divmod(step - 1, self.steps_per_epoch)
            if batch == 0 or not order.numel():
                draw = generator(self.config.seed, "batches", epoch)
                order = torch.randperm(len(self.x), generator=draw).to(self.device)
            chosen = order[batch * self.config.batch_size : (batch + 1) * self.config.batch_size]
            due = self.times.due(step)
            self._step(step, chosen, update=due)
            epoch_end = batch + 1 == self.steps_per_epoch
            snapshot = due or step == self.total or (epoch_end and self.times.every is None)
            if snapshot:
                self.seconds.training += time.perf_counter() - clock
                self._record(recorder, step)
                if time.monotonic() - last_saved >= save_every and step < self.total:
                    self._save(state, recorder, step)
                    last_saved = time.monotonic()
                clock = time.perf_counter()
            if progress is not None:
                progress(step, self.total, self.metrics)
        recorder.finish(self._summary(recorder))

    def _step(self, step: int, chosen: Tensor, *, update: bool) -> None:
        if self.config.lr_schedule == "nsh":
            rate = stepped_rate(step, self.total, self.config.lr)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.model(self.x[chosen])
        loss = nn.functional.cross_entropy(logits, self.y[chosen])
        loss.backward()  # type: ignore[no-untyped-call]
        self.recent.loss += loss.detach()
        self.recent.batches += 1
        if update and self.backend.replaces_step:
            self._update(step)
            return
        for name, mask in self.float_masks.items():
            gradient = self.weights[name].grad
            assert gradient is not None
            gradient.mul_(mask)
        self.optimizer.step()
        if update:
            self._update(step)

    @torch.no_grad()
    def _update(self, step: int) -> None:
        self._check_finite(step)
        fraction = self.backend.fraction(step, self.t_end, self.config)
        self.recent.updates["drop_fraction"] = fraction
        for name, mask in self.masks.items():
            if name not in self.float_masks:
                continue
            weight = self.weights[name]
            gradient = weight.grad if self.backend.uses_gradient else None
            update = self.backend.update(
                mask, weight, gradient, fraction, self.config,
                generator(self.config.seed, "topology", name, step),
            )  # fmt: skip
            changed = update.dropped | update.grown
            weight[changed] = 0
            for value in self.optimizer.state.get(weight, {}).values():
                if isinstance(value, Tensor) and value.shape == weight.shape:
                    value[changed] = 0
            self.masks[name] = update.mask
            self.float_masks[name].copy_(update.mask)
            for what, count in (
                ("dropped", int(update.dropped.sum())),
                ("grown", int(update.grown.sum())),
                ("regrown", update.regrown),
            ):
                self.recent.updates[f"{what}.{name}"] = count

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
        started = time.perf_counter()
        test_loss, test_accuracy = self.evaluate()
        self.seconds.evaluating += time.perf_counter() - started
        self.metrics = {"test_loss": test_loss, "test_accuracy": test_accuracy}
        if self.recent.batches:
            self.metrics["train_loss"] = float(self.recent.loss) / self.recent.batches
            self.metrics["learning_rate"] = float(self.optimizer.param_groups[0]["lr"])
        self.metrics |= self.recent.updates
        recorder.record(
            step,
            self.masks,
            epoch=step / self.steps_per_epoch,
            weights=self.weights if self.config.record_weights else None,
            metrics=self.metrics,
        )
        self.recent = Progressed(torch.zeros((), device=self.device))

    @torch.no_grad()
    def evaluate(self) -> tuple[float, float]:
        """Mean cross-entropy and accuracy (0 to 1) on the test set."""
        loss = torch.zeros((), device=self.device)
        right = torch.zeros((), dtype=torch.int64, device=self.device)
        for x, y in zip(
            self.x_test.split(EVALUATION_BATCH), self.y_test.split(EVALUATION_BATCH), strict=True
        ):
            logits = self.model(x)
            loss += nn.functional.cross_entropy(logits, y, reduction="sum")
            right += (logits.argmax(1) == y).sum()
        return float(loss) / len(self.y_test), int(right) / len(self.y_test)

    def _save(self, path: Path, recorder: Recorder, step: int) -> None:
        about = {
            "run_id": recorder.run_id,
            "step": step,
            "training": self.seconds.training,
            "evaluating": self.seconds.evaluating,
        }
        save_state(path, self.model, self.optimizer, self.masks, about)

    def _summary(self, recorder: Recorder) -> Mapping[str, float]:
        active = sum(int(mask.sum()) for mask in self.masks.values())
        total = sum(layer.size for layer in self.layers)
        maskable = [layer for layer in self.layers if layer.maskable]
        kept = sum(int(self.masks[layer.name].sum()) for layer in maskable)
        return {
            "steps": self.total,
            "test_accuracy": self.metrics["test_accuracy"],
            "test_loss": self.metrics["test_loss"],
            "active_weights": active,
            "dense_weights": total,
            "realised_sparsity": 1 - kept / sum(layer.size for layer in maskable),
            "train_seconds": self.seconds.training,
            "evaluate_seconds": self.seconds.evaluating,
            "record_seconds": recorder.seconds,
        }
