"""Every analysis on a run of the size of a ResNet-50, once, as a user would start it.

    python benchmarks/bench_analyses.py [--small] [--snapshots 20] [--workers 2] [--only NAME ...]

The run is written into a temporary folder: the convolutions of a ResNet-50 in a chain, without its
shortcuts, and its linear layer (50 layers, 22.7 million weights), uniform at 10 % of the weights;
between two snapshots 10 % of the active weights move to places drawn at random. --small has a
quarter of the channels and five snapshots. Times are of `topolab analyse`, start-up included, which
is also timed alone. An analysis that needs what masks do not hold is named with its reason.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import topolab
from topolab.registry import names

DENSITY, MOVED = 0.1, 0.1
COMMAND = [sys.executable, "-m", "topolab"]


def resnet50(part: int = 1) -> list[topolab.LayerSpec]:
    """The layers of a ResNet-50, of 1 / part of its channels each."""
    width = 64 // part
    layers = [topolab.LayerSpec("conv1", "conv", (width, 3, 7, 7))]
    before = width
    for stage, blocks in enumerate((3, 4, 6, 3), start=1):
        inner = width * 2 ** (stage - 1)
        for block in range(blocks):
            shapes = [(inner, before, 1, 1), (inner, inner, 3, 3), (4 * inner, inner, 1, 1)]
            layers += [
                topolab.LayerSpec(f"layer{stage}.{block}.conv{i}", "conv", shape)
                for i, shape in enumerate(shapes, start=1)
            ]
            before = 4 * inner
    return [*layers, topolab.LayerSpec("fc", "linear", (1000 // part, before))]


def record(folder: Path, layers: list[topolab.LayerSpec], snapshots: int) -> None:
    rng = np.random.default_rng(0)
    flat = {k.name: np.zeros(k.size, dtype=np.bool_) for k in layers}
    for mask in flat.values():
        mask[rng.choice(len(mask), round(DENSITY * len(mask)), replace=False)] = True
    with topolab.Recorder(folder, layers=layers, seed=0) as recorder:
        for step in range(snapshots):
            if step:
                for mask in flat.values():
                    active, free = np.flatnonzero(mask), np.flatnonzero(~mask)
                    move = round(MOVED * len(active))
                    mask[rng.choice(active, move, replace=False)] = False
                    mask[rng.choice(free, move, replace=False)] = True
            recorder.record(step * 100, {k.name: flat[k.name].reshape(k.shape) for k in layers})


def timed(arguments: list[str]) -> tuple[float, float, subprocess.CompletedProcess[str]]:
    """Seconds of wall clock and of all processors that a command took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, used, done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a quarter of the width")
    parser.add_argument("--snapshots", type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of these analyses")
    options = parser.parse_args()
    layers = resnet50(4 if options.small else 1)
    snapshots = options.snapshots or (5 if options.small else 20)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        record(run, layers, snapshots)
        print(f"{len(layers)} layers, {sum(k.size for k in layers):,} weights, {snapshots} "
              f"snapshots, workers: {options.workers}, processors: {os.cpu_count()}\n")  # fmt: skip
        print("| | seconds | of all processors |\n|---|---|---|", flush=True)
        timed(["analyse", str(run), "--only", "degree"])  # kept: the next one only reads it
        seconds, used, _ = timed(["analyse", str(run), "--only", "degree"])
        print(f"| start-up and a kept table | {seconds:.1f} | {used:.1f} |", flush=True)
        refused = []
        for name in options.only or names("analyses"):
            seconds, used, done = timed(
                ["analyse", str(run), "--only", name, "--no-cache", "--workers",
                 str(options.workers)]
            )  # fmt: skip
            if done.returncode:
                refused.append(f"{name}: {done.stderr.strip().splitlines()[-1]}")
            else:
                print(f"| {name} | {seconds:.1f} | {used:.1f} |", flush=True)
    print("\nNot timed:\n" + "\n".join(refused) if refused else "")


if __name__ == "__main__":
    main()
