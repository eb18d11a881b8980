"""What `selection` says of a run of a known truth: once, and kept."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from catalogue import CLAIMS, TRUTHS
from rewire import SIZES, write_run

import topolab
import topolab_analyses
from topolab.api import analyse
from topolab_analyses.judgement import judge

__all__ = ["Task", "collect", "digest", "judged", "kept_at"]

#: Truth, size and seed.
Task = tuple[str, str, int]


def judged(task: Task, **parameters: object) -> pd.DataFrame:
    """Simulate a run and analyse it: the `selection` table, with what it is of and what is true.

    Parameters
    ----------
    task : tuple of (truth, size, seed)
    **parameters
        Of the analysis. The words follow from the last snapshot, so that p-values at the snapshots
        before are left out.
    """
    name, size, seed = task
    truth = TRUTHS[name]
    # Every truth has random numbers of its own.
    rng = np.random.default_rng([seed, zlib.crc32(f"{name} {size}".encode())])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        write_run(path, SIZES[size], truth.simulate(SIZES[size], rng), name=name, seed=seed)
        settings = {"replicates_through_time": 0, **parameters}
        found = analyse(
            topolab.open_run(path), ["selection"], parameters={"selection": settings},
            cache=False, progress=False,
        )["selection"].table  # fmt: skip
    about = {"truth": name, "size": size, "seed": seed}
    about |= {f"{claim}_holds": truth.claim(claim).holds for claim in CLAIMS}
    return pd.DataFrame(about, index=found.index).join(found)


def digest() -> str:
    """What the evidence depends on: the code of the truths, and of what `selection` measures.

    The rules that make words of it are not in it: words are found anew whenever they are counted.
    """
    packages = [Path(module.__file__ or "").parent for module in (topolab, topolab_analyses)]
    files = [
        *Path(__file__).parent.glob("*.py"),
        *(packages[0] / "metrics" / "attachment").glob("*.py"),
        *(packages[0] / "metrics" / "powerlaw").rglob("*.py"),
        packages[0] / "metrics" / "nulls.py",
        *(packages[1] / "claims" / f"{name}.py" for name in ("decay", "limits")),
        *(packages[1] / f"{name}.py"
          for name in ("edge_history", "rewiring", "selection", "selection_evidence",
                       "selection_laws")),
    ]  # fmt: skip
    made = hashlib.sha256()
    for file in sorted(files):
        if file.name not in ("__main__.py", "tally.py", "words.py"):
            made.update(file.name.encode() + b"\0" + file.read_bytes())
    return made.hexdigest()[:12]


def kept_at(folder: Path, task: Task) -> Path:
    """Where the words of a run are kept."""
    name, size, seed = task
    return folder / digest() / size / f"{name}-{seed}.csv"


def collect(
    folder: Path, tasks: Iterable[Task], *, workers: int, tell: Callable[[str], None]
) -> pd.DataFrame:
    """The words of all runs; those that are kept are not analysed again.

    Parameters
    ----------
    folder : Path
    tasks : iterable of Task
    workers : int
        Processes.
    tell : callable
        Is told after each run.
    """
    tasks = tuple(tasks)
    at = {task: kept_at(folder, task) for task in tasks}
    missing = [task for task in tasks if not at[task].exists()]
    tell(f"{len(tasks)} runs, {len(tasks) - len(missing)} of them analysed before")
    if workers == 1:
        for number, task in enumerate(missing, start=1):
            _keep(task, at[task])
            tell(f"{number} of {len(missing)}: {task[0]}, {task[1]}, seed {task[2]}")
    elif missing:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            running = {pool.submit(_keep, task, at[task]): task for task in missing}
            for number, done in enumerate(as_completed(running), start=1):
                done.result()
                name, size, seed = running[done]
                tell(f"{number} of {len(missing)}: {name}, {size}, seed {seed}")
    return pd.concat([_read(at[task]) for task in tasks], ignore_index=True)


def _read(path: Path) -> pd.DataFrame:
    """The evidence of a run, with the words that the rules of today make of it."""
    return judge(pd.read_csv(path, keep_default_na=False, na_values=["nan"]))


def _keep(task: Task, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    judged(task).to_csv(part, index=False, na_rep="nan")
    part.replace(path)  # whole or not at all
