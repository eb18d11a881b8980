"""Many runs at once: those of one shape are replicas of one batched program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from topolab.errors import PartialFailure, TopolabError
from topolab.run import Run, open_run
from topolab.store.layout import RunFiles
from topolab_trainers.jobs import Job, check_batched, groups
from topolab_trainers.loop import StepHook, train_jobs
from topolab_trainers.stacked_engine import StackedEngine

__all__ = ["train_many"]


def train_many(
    jobs: Sequence[Job],
    *,
    on_step: StepHook | None = None,
    command: str | None = None,
    save_every: float = 20.0,
) -> list[Run]:
    """Train every job, those of one shape as one program; finished ones are left as they are.

    Parameters
    ----------
    jobs : sequence of Job
    on_step : StepHook, optional
        Called with (step, steps in all, metrics of the first of a group).
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
        check_batched(job)
    jobs = [replace(job, config=replace(job.config, engine="batched")) for job in jobs]
    failures: list[tuple[Job, TopolabError]] = []
    unfinished = [job for job in jobs if not RunFiles(job.out).finished()]
    for group in groups(unfinished):
        failures += train_jobs(
            group, StackedEngine, resume=True, on_step=on_step, command=command,
            save_every=save_every,
        )  # fmt: skip
    sentences = [f"{job.out.name}: {error}" for job, error in failures]
    if failures and len(jobs) == 1:
        raise TopolabError(sentences[0]) from failures[0][1]
    if failures:
        raise PartialFailure(
            f"{len(failures)} of {len(jobs)} failed, the others are done: " + "; ".join(sentences)
        )
    return [open_run(job.out) for job in jobs]
