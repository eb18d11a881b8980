"""The training loop that all methods share; see `topolab_trainers.trainer` for a single step."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from topolab.errors import ConfigError, TopolabError
from topolab.recorder import Recorder
from topolab.registry import find
from topolab.run import Run, open_run
from topolab_trainers.interrupts import HeldInterrupt
from topolab_trainers.jobs import Job
from topolab_trainers.module_engine import ModuleEngine
from topolab_trainers.recording import Recording
from topolab_trainers.trainer import Trainer

if TYPE_CHECKING:
    from topolab_trainers.config import TrainConfig
    from topolab_trainers.engine import Engine
    from topolab_trainers.method import Method

__all__ = ["StepHook", "run_to_end", "train", "train_jobs"]

#: What is called after every step: with the step, the steps in all, the metrics of the last
#: snapshot.
StepHook: TypeAlias = Callable[[int, int, Mapping[str, float]], None]


def train(
    method: Method,
    config: TrainConfig,
    out: str | Path,
    *,
    resume: bool = False,
    on_step: StepHook | None = None,
    command: str | None = None,
    save_every: float = 20.0,
) -> Run:
    """Train, recording every topology update.

    Parameters
    ----------
    method : Method
    config : TrainConfig
        From the method's `configure`.
    out : path
        The folder of the new run.
    resume : bool
        Continue the run that is there; a finished one is returned as it is.
    on_step : StepHook, optional
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

    Examples
    --------
    >>> import tempfile
    >>> from topolab_trainers.set import SET
    >>> config = SET().configure(data="digits", hidden=(16,), epochs=2)
    >>> run = train(SET(), config, tempfile.mkdtemp() + "/run")
    >>> run.state, run.steps.tolist()
    ('done', [0, 12, 24])
    """
    if config.method != method.name:
        raise ConfigError(f"a configuration for {config.method} was given to {method.name}")
    job = Job(method, config, Path(out))
    failures = train_jobs(
        [job], ModuleEngine, resume=resume, on_step=on_step, command=command,
        save_every=save_every,
    )  # fmt: skip
    for _, failure in failures:
        raise failure
    return open_run(out)


def train_jobs(
    jobs: Sequence[Job],
    engine: type[Engine],
    *,
    resume: bool,
    on_step: StepHook | None = None,
    command: str | None = None,
    save_every: float = 20.0,
) -> list[tuple[Job, TopolabError]]:
    """Train jobs in step, from their start or their saved states to the end.

    Returns
    -------
    list of (Job, TopolabError)
        Those that failed, and why; the others are done.
    """
    config = jobs[0].config
    if config.device == "cpu":
        torch.set_num_threads(config.threads)
    dataset = find("datasets", config.data).load(config.data_dir)
    trainer = Trainer(jobs, dataset, engine)
    with ExitStack() as stack:
        recorders = [
            stack.enter_context(
                Recorder(
                    job.out,
                    layers=trainer.engine.layers,
                    config=job.config.identity(),
                    seed=job.config.seed,
                    data=dataset.describe(),
                    resume=resume,
                    command=command,
                )
            )
            for job in jobs
        ]
        if all(recorder.files.finished() for recorder in recorders):
            for recorder in recorders:
                recorder.close()
            return []
        run_to_end(trainer, recorders, on_step=on_step, save_every=save_every)
    return [(r.job, r.failure) for r in trainer.replicas if r.failure is not None]


def run_to_end(
    trainer: Trainer,
    recorders: Sequence[Recorder],
    *,
    on_step: StepHook | None = None,
    save_every: float = 20.0,
) -> None:
    """Go from the start, or the saved states, to the end, and mark the runs as done.

    A replica whose training diverges is marked as failed (`Replica.failure`); the others go on.
    """
    recording = Recording(trainer, recorders)
    orders: Tensor | None = None
    size = trainer.config.batch_size
    with HeldInterrupt() as held:
        start = recording.load()
        if start == 0:
            if trainer.rewinding is not None:
                trainer.rewinding.keep(0)
            recording.record(0, trainer.replicas)
        last_saved = time.monotonic()
        for step in range(start + 1, trainer.total + 1):
            started = time.perf_counter()
            epoch, batch = divmod(step - 1, trainer.steps_per_epoch)
            if batch == 0 or orders is None:
                orders = trainer.orders(epoch)
            due = [r.index for r in trainer.going if r.times.due(step)]
            trainer.step(step, orders[:, batch * size : (batch + 1) * size], due)
            trainer.seconds.training += time.perf_counter() - started
            _look(recording, step, due)
            stop = held.pending  # looked at once: what stops the training is what was saved
            if stop or (time.monotonic() - last_saved >= save_every and step < trainer.total):
                recording.save(step)
                last_saved = time.monotonic()
            recording.end_failed()
            if not trainer.going:
                return
            if on_step is not None:
                on_step(step, trainer.total, trainer.replicas[0].metrics)
            if stop:
                raise KeyboardInterrupt
        for replica in trainer.going:
            recording.finish(replica)
    if held.pending:
        raise KeyboardInterrupt


def _look(recording: Recording, step: int, due: Sequence[int]) -> None:
    """Evaluate and record after a step, where it is time to."""
    trainer = recording.trainer
    ends_epoch = step % trainer.steps_per_epoch == 0
    recorded = [
        r for r in trainer.going
        if r.index in due or step == trainer.total or (ends_epoch and r.times.every is None)
    ]  # fmt: skip
    if ends_epoch:
        for replica in trainer.going:
            # Of a lottery's round it is what was reached, not the rewound network.
            reached = replica.update_metrics.get("test_accuracy_before_rewind")
            replica.history.append(reached or trainer.evaluate(step)[replica.index][1])
    if recorded or ends_epoch:
        recording.record(step, recorded)
