"""How fast checkpoints become a run, against only loading them.

    python benchmarks/bench_import.py [--checkpoints 50] [--repeats 3]

A multilayer perceptron 784-1024-1024-10, 90 % sparse, a mask and a float32 weight for each layer
(the layout of sparse_learning), one file per update. The peers, in the same run and interleaved:
`torch.load` of every file (weights_only), the least that anybody can do, and the same with the
SHA-256 of every file, which an import keeps as provenance. An import reads every file twice,
checks it, and syncs every snapshot to disk.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

import topolab

SHAPES = {"fc1": (1024, 784), "fc2": (1024, 1024), "fc3": (10, 1024)}


def write(folder: Path, checkpoints: int) -> int:
    """Write the series; return its bytes."""
    generator = torch.Generator().manual_seed(1)
    for step in range(checkpoints):
        state, masks = {}, {}
        for name, shape in SHAPES.items():
            masks[f"{name}.weight"] = (torch.rand(shape, generator=generator) < 0.1).float()
            weight = torch.randn(shape, generator=generator)
            state[f"{name}.weight"] = weight * masks[f"{name}.weight"]
        torch.save({"state_dict": state, "masks": masks}, folder / f"ckpt_{step}.pt")
    return sum(path.stat().st_size for path in folder.iterdir())


def load(folder: Path) -> None:
    for path in folder.iterdir():
        torch.load(path, map_location="cpu", weights_only=True)


def load_and_hash(folder: Path) -> None:
    for path in folder.iterdir():
        torch.load(path, map_location="cpu", weights_only=True)
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoints", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "checkpoints"
        folder.mkdir()
        size = write(folder, options.checkpoints)
        taken: dict[str, list[float]] = {}
        load(folder)  # the files are in the cache for everybody
        for repeat in range(options.repeats):
            for name, work in (
                ("torch.load", lambda: load(folder)),
                ("torch.load and SHA-256", lambda: load_and_hash(folder)),
                ("inspect", lambda: topolab.inspect_checkpoints(folder)),
                ("import", lambda r=repeat: topolab.import_run(folder, f"{place}/run-{r}")),
            ):
                taken.setdefault(name, []).append(seconds(work))
        print(
            f"{options.checkpoints} checkpoints of {size / options.checkpoints / 1e6:.1f} MB, "
            f"{torch.get_num_threads()} threads, torch {torch.__version__}, median of "
            f"{options.repeats} interleaved repeats"
        )
        print(f"{'':24}{'snapshots/s':>12}{'MB/s':>10}{'times torch.load':>18}")
        base = statistics.median(taken["torch.load"])
        for name, values in taken.items():
            middle = statistics.median(values)
            print(
                f"{name:24}{options.checkpoints / middle:12.1f}{size / 1e6 / middle:10.0f}"
                f"{middle / base:18.1f}"
            )


if __name__ == "__main__":
    main()
