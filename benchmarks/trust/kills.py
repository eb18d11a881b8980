"""The kill job: a process that records in a tight loop is killed at random moments."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import topolab
from topolab.store import verify_run

__all__ = ["run_kills"]

LAYERS = (
    topolab.LayerSpec("a", "linear", (300, 400)),
    topolab.LayerSpec("b", "linear", (10, 300), maskable=False),
)
#: Kills until a new run is begun, so that beginnings are hit too.
EACH = 15
#: Snapshots after which the process finishes the run and begins the next one.
LENGTH = 150


def mask_of(step: int) -> np.ndarray:
    """The mask of a step, so that what is read can be compared."""
    return np.random.default_rng(step).random(LAYERS[0].shape) < 0.1


def record_for_ever(folder: Path) -> None:
    """Go on where the last process was killed; a line for each run, and for what is recorded."""
    number = 0
    while True:
        path = folder / f"{number:03d}"
        number += 1
        if (path / "DONE").exists():
            continue
        print(f"begin {path.name}", flush=True)
        recorder = topolab.Recorder(path, layers=LAYERS, seed=1, resume=True)
        step = 0 if recorder.last_step is None else recorder.last_step + 1
        print(f"go {path.name} {step}", flush=True)
        while step < LENGTH:
            recorder.record(step, {"a": mask_of(step)}, metrics={"step": step})
            print(f"did {path.name} {step}", flush=True)
            step += 1
        recorder.finish({"length": LENGTH})
        print(f"done {path.name}", flush=True)


def run_kills(number: int, seed: int, work: Path) -> tuple[list[str], bool]:
    """Kill so often; after each kill look at everything that was promised.

    Returns
    -------
    lines : list of str
        What is to be printed.
    well : bool
        Whether every promise was kept.
    """
    rng = random.Random(seed)
    bad: list[str] = []
    promised = leftovers = finished = unpromised = 0
    seconds = []
    for kill in range(number):
        folder = work / f"runs-{kill // EACH:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        wait = rng.uniform(0, 0.4)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        said = [first, *process.stdout.read().splitlines()]
        process.wait()
        process.stdout.close()
        seconds.append(wait)
        words = [line.split() for line in said if line.endswith(("\n", *"0123456789"))]
        for path in sorted(folder.iterdir()):
            mine = [w for w in words if len(w) > 1 and w[1] == path.name]
            kept = [int(w[2]) for w in mine if w[0] == "did"]
            promised += len(kept)
            leftovers += len(list(path.rglob(".writing-*")))
            if not (path / "run.json").exists():
                if kept:
                    bad.append(f"kill {kill}: {path.name} has no run.json")
                continue
            outcome = verify_run(path)
            bad += [f"kill {kill}: {p.file}: {p.message}" for p in outcome.problems]
            run = topolab.open_run(path)
            if run.steps.tolist() != list(range(len(run))):
                bad.append(f"kill {kill}: steps of {path.name} are {run.steps.tolist()}")
            if kept and len(run) <= kept[-1]:
                bad.append(f"kill {kill}: {path.name} lost step {kept[-1]}, it has {len(run)}")
            unpromised += max(0, len(run) - 1 - kept[-1]) if kept else 0
            for step in kept:
                if not (run.at(step=step).masks["a"] == mask_of(step)).all():
                    bad.append(f"kill {kill}: step {step} of {path.name} holds other masks")
            if any(w[0] == "done" for w in mine) and run.state != "done":
                bad.append(f"kill {kill}: {path.name} was finished and is {run.state}")
            finished += any(w[0] == "done" for w in mine)
            if run.state not in ("done", "interrupted"):
                bad.append(f"kill {kill}: {path.name} is said to be {run.state}")
    runs = [topolab.open_run(p.parent) for p in sorted(work.glob("runs-*/*/run.json"))]
    return [
        f"{number} kills, seed {seed}, {min(seconds):.3f} to {max(seconds):.3f} s after the start",
        f"runs begun: {len(runs)}, finished: {finished}",
        f"snapshots that record had returned from: {promised:,}; all read and compared",
        f"snapshots on disk that it had not returned from, or could not say so: {unpromised}",
        f"files half written under a temporary name, ignored, swept later: {leftovers}",
        *bad[:50],
        f"broken promises: {len(bad)}",
    ], not bad


if __name__ == "__main__":
    record_for_ever(Path(sys.argv[1]))
