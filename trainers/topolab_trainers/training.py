"""The doors to a training by name; the command line is thin over them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from topolab.registry import find
from topolab.run import Run
from topolab_trainers.batched import train_many
from topolab_trainers.jobs import Job
from topolab_trainers.loop import train as train_method
from topolab_trainers.method import Method
from topolab_trainers.recipes import Planned

__all__ = ["train", "train_together"]


def train(
    method: str,
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    progress: Callable[..., None] | None = None,
    command: str | None = None,
    **settings: Any,
) -> Run:
    """Train a network with a sparse-training method and record its wiring.

    Parameters
    ----------
    method : str
        Its name: ``topolab methods`` lists them.
    out : path
        The folder of the new run.
    resume : bool
        Continue the run that is there.
    progress : callable, optional
        Called with (step, steps in all, metrics).
    command : str, optional
        Kept in the run's manifest.
    **settings
        Whatever the method's configuration knows: data, sparsity, epochs, seed, ...

    Returns
    -------
    Run

    Raises
    ------
    ConfigError
        For an unknown method or setting, or a value out of range.
    MissingDataError
        If the data set is not on this machine.
    RunExistsError
        If there is a run at `out` and `resume` is False.

    Examples
    --------
    >>> import tempfile
    >>> run = train("set", tempfile.mkdtemp() + "/run", data="digits", hidden=(32,), epochs=2)
    >>> run.config["method"], len(run)
    ('set', 3)
    """
    chosen: Method = find("methods", method)()
    config = chosen.configure(**settings)
    return train_method(
        chosen, config, Path(out), resume=resume, progress=progress, command=command
    )


def train_together(
    plan: Sequence[Planned], out: str | os.PathLike[str], *, command: str | None = None
) -> list[Run]:
    """Train several runs of one architecture as one batched program.

    Seeds, sparsities, initial masks and methods may differ. What is finished is left as it is;
    each run is the same as one trained alone, to rounding.

    Parameters
    ----------
    plan : sequence of Planned
        As of ``find_recipe(name).plan()``.
    out : path
        Folder of the runs.
    command : str, optional
        Kept in the runs' manifests.

    Returns
    -------
    list of Run

    Raises
    ------
    ConfigError
        If one of them cannot be trained this way, before anything is written.

    Examples
    --------
    >>> import tempfile
    >>> settings = {"data": "digits", "hidden": (16,), "epochs": 1}
    >>> plan = [Planned(f"s{s}", "set", {**settings, "seed": s}) for s in (1, 2)]
    >>> [run.name for run in train_together(plan, tempfile.mkdtemp())]
    ['s1', 's2']
    """
    jobs = []
    for item in plan:
        method: Method = find("methods", item.method)()
        jobs.append(Job(method, method.configure(**item.settings), Path(out) / item.name))
    return train_many(jobs, command=command)
