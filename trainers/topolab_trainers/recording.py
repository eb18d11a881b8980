"""What a training leaves on disk: snapshots with their metrics, states to go on from, the end."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from torch import Tensor

from topolab.errors import RunError
from topolab_trainers.engine import make_optimizer, part
from topolab_trainers.measures import probe_activity, probe_gradient, summarise
from topolab_trainers.state import read_state, write_state, write_tensors
from topolab_trainers.trainer import Seconds

if TYPE_CHECKING:
    from topolab.recorder import Recorder
    from topolab_trainers.replica import Replica
    from topolab_trainers.trainer import Trainer

__all__ = ["Recording"]

#: What a reading of the gradient ratio is called among the metrics. The first was the only one
#: until there were two, and means what it meant.
RATIO_METRICS = {"active": "gradient_ratio", "all": "gradient_ratio_all"}


class Recording:
    """The runs of a trainer's replicas.

    Parameters
    ----------
    trainer : Trainer
    recorders : sequence of Recorder
        One for each replica.
    """

    def __init__(self, trainer: Trainer, recorders: Sequence[Recorder]) -> None:
        self.trainer, self.recorders = trainer, recorders

    def record(self, step: int, replicas: Sequence[Replica]) -> None:
        """One snapshot of each, unless its training diverged."""
        self.trainer.check_finite(step)
        for replica in replicas:
            if replica.failure is None:
                self._record_one(step, replica)

    def _record_one(self, step: int, replica: Replica) -> None:
        trainer, i = self.trainer, replica.index
        test_loss, test_accuracy = trainer.evaluate(step)[i]
        metrics = {"test_loss": test_loss, "test_accuracy": test_accuracy}
        if replica.batches:
            metrics["train_loss"] = float(trainer.loss[i]) / replica.batches
            metrics["train_accuracy"] = int(trainer.right[i]) / replica.samples
            metrics["learning_rate"] = float(trainer.engine.optimizer.param_groups[0]["lr"])
        metrics |= replica.update_metrics
        activity = gradient = None
        started = time.perf_counter()
        wanted, probe = replica.config.record, replica.probe
        if "activity" in wanted:
            activity = probe_activity(trainer.engine.module(), trainer.x[probe])
        if "gradient" in wanted:
            gradient, ratio = probe_gradient(
                trainer.engine.module(), replica.storages, trainer.x[probe], trainer.y[probe]
            )
            for name, readings in ratio.items():
                for reading, value in readings.items():
                    if math.isfinite(value):
                        metrics[f"{RATIO_METRICS[reading]}.{name}"] = value
        trainer.seconds.evaluating += time.perf_counter() - started
        replica.metrics = metrics
        self.recorders[i].record(
            step,
            replica.masks,
            epoch=step / trainer.steps_per_epoch,
            weights=replica.weights if "weights" in wanted else None,
            activity=activity,
            gradient=gradient,
            metrics=metrics,
        )
        replica.start_counting()
        trainer.loss[i], trainer.right[i] = 0, 0

    def end_failed(self) -> None:
        """Mark the runs of replicas that failed; those that are marked already stay so."""
        for replica in self.trainer.replicas:
            error = replica.failure
            if error is not None:
                self.recorders[replica.index].__exit__(type(error), error, None)

    def finish(self, replica: Replica) -> None:
        """Leave the final weights and mark the run as done."""
        recorder = self.recorders[replica.index]
        final = self.trainer.engine.dense_state(replica.index)
        write_tensors(recorder.files.final_weights, final, {"format": "pt"})
        recorder.finish(self._summary(replica, recorder))
        recorder.files.resume_state.unlink(missing_ok=True)

    def _summary(self, replica: Replica, recorder: Recorder) -> dict[str, Any]:
        trainer = self.trainer
        measured = summarise(
            trainer.engine.layers, replica.masks, steps=trainer.total, spent=replica.spent,
            metrics=replica.metrics, history=replica.history,
        )  # fmt: skip
        share = {k: v / len(trainer.replicas) for k, v in asdict(trainer.seconds).items()}
        return {
            **measured,
            **trainer.engine.summary(),
            "train_seconds": share["training"],
            "update_seconds": share["updating"],
            "evaluate_seconds": share["evaluating"],
            "record_seconds": recorder.seconds,
        }

    def save(self, step: int) -> None:
        """Save the states after a step, in place of those before."""
        trainer = self.trainer
        trainer.check_finite(step)
        for replica in trainer.going:
            i, recorder = replica.index, self.recorders[replica.index]
            tensors = trainer.engine.tensors(i)
            if trainer.rewinding is not None:
                tensors |= {f"rewind.{k}": v for k, v in trainer.rewinding.state.items()}
            if replica.averaged is not None:
                tensors |= {f"averaged.{k}": v for k, v in replica.averaged.tensors().items()}
            about = {
                "run_id": recorder.run_id,
                "step": step,
                "seconds": asdict(trainer.seconds),
                **replica.values(trainer.loss[i], trainer.right[i]),
            }
            write_state(recorder.files.resume_state, tensors, about)

    def load(self) -> int:
        """The step that all were saved after; 0, and a start anew, if they differ."""
        trainer = self.trainer
        states = [read_state(r.files.resume_state, r.run_id) for r in self.recorders]
        found = [state for state in states if state is not None]
        if len(found) < len(states):
            return 0
        steps = set()
        for (about, _), recorder in zip(found, self.recorders, strict=True):
            with _fitting(recorder):
                steps.add(int(about["step"]))
        if len(steps) != 1:
            return 0
        (step,) = steps
        switched = trainer.sgd_from is not None and step > trainer.sgd_from
        trainer.engine.optimizer = make_optimizer(trainer.engine, trainer.config, switched=switched)
        for replica, (about, tensors) in zip(trainer.replicas, found, strict=True):
            with _fitting(self.recorders[replica.index]):
                self._load_one(replica, about, tensors)
        return step

    def _load_one(
        self, replica: Replica, about: Mapping[str, Any], tensors: Mapping[str, Tensor]
    ) -> None:
        trainer = self.trainer
        trainer.engine.load(replica.index, tensors)
        if trainer.rewinding is not None:
            trainer.rewinding.load(part(tensors, "rewind."))
        if replica.averaged is not None:
            replica.averaged.load(part(tensors, "averaged."))
        loss, right = replica.load(about)
        trainer.loss[replica.index], trainer.right[replica.index] = loss, right
        trainer.seconds = Seconds(**about.get("seconds", {}))


@contextmanager
def _fitting(recorder: Recorder) -> Iterator[None]:
    """Say which saved state it is that lacks something, or has another shape."""
    try:
        yield
    except (KeyError, TypeError, RuntimeError) as error:
        raise RunError(
            f"{recorder.files.resume_state}: the saved state does not fit this network ({error})"
        ) from error
