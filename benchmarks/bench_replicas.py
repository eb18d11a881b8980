"""Many replicas as one batched program, against one alone and against one after the other.

    python benchmarks/bench_replicas.py [--device cpu] [--replicas 1 5 10] [--rounds 5] [--steps 10]

MLP 784-1024-1024-10 with LayerNorm at 90 %, batch 128, Adam, Fashion-MNIST; seeds, initial masks
and sparsities differ. Time per step of all replicas over that of one alone trained by the same
loop (masked, and what `auto` takes there). The contenders take turns; medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch

from topolab.registry import find
from topolab_trainers.jobs import Job
from topolab_trainers.stacked_engine import StackedEngine
from topolab_trainers.trainer import Trainer

BATCH = 128


def sync(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 5, 10])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    data = find("datasets", "fashion-mnist").load(None)
    method = find("methods", "rigl")()
    inits = ("uniform", "erk", "exponential", "lognormal", "linear")

    def config(i: int, engine: str):  # type: ignore[no-untyped-def]
        return method.configure(
            data="fashion-mnist", sparsity=0.9, init=inits[i % len(inits)], seed=i,
            batch_size=BATCH, device=options.device, engine=engine,
        )  # fmt: skip

    single = {e: Trainer([Job(method, config(0, e), Path())], data) for e in ("masked", "auto")}
    together = {
        count: Trainer(
            [Job(method, config(i, "masked"), Path()) for i in range(count)], data, StackedEngine
        )
        for count in options.replicas
    }
    taken: dict[str, list[float]] = {}
    generator = torch.Generator().manual_seed(0)
    for turn in range(options.rounds + 1):
        batches = torch.randint(0, 60_000, (options.steps, max(options.replicas), BATCH),
                                generator=generator).to(options.device)  # fmt: skip
        for name, trainer in single.items():
            sync(options.device)
            started = time.perf_counter()
            for i, chosen in enumerate(batches):
                trainer.step(i + 1, chosen[0][None], [])
            sync(options.device)
            if turn:
                taken.setdefault(f"alone, {name}", []).append(time.perf_counter() - started)
        for count, replicas in together.items():
            sync(options.device)
            started = time.perf_counter()
            for i, chosen in enumerate(batches):
                replicas.step(i + 1, chosen[:count], [])
            sync(options.device)
            if turn:
                taken.setdefault(f"{count} together", []).append(time.perf_counter() - started)
    median = {k: statistics.median(v) / options.steps * 1000 for k, v in taken.items()}
    base = median["alone, masked"]
    where = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    print(f"{where}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name, value in median.items():
        print(
            f"  {name:<16} {value:8.2f} ms per step, {value / base:6.2f} times one alone (masked)"
        )


if __name__ == "__main__":
    main()
