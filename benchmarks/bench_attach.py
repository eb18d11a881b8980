"""What `topolab.attach` costs: an attached plain training loop against the same loop without.

    python benchmarks/bench_attach.py [--repeats 9] [--steps 200] [--every 100]

MLP 784-1024-1024-10, 90 % pruned with torch.nn.utils.prune, batch 128, Adam, random data. The two
loops are interleaved, each from the same weights; opening and finishing the run are left out,
snapshots, synced to disk, are in. The time of the hook alone is that of `every=None`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn.utils import prune

import topolab
from topolab.integrations.attach import Attachment


def network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 1024), torch.nn.ReLU(),
        torch.nn.Linear(1024, 10),
    )  # fmt: skip
    for index in (0, 2):
        prune.random_unstructured(model[index], "weight", amount=0.9)
    return model


def loop(
    steps: int, attach: Callable[[torch.optim.Optimizer, torch.nn.Module], object] | None
) -> float:
    """Milliseconds per step."""
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    generator = torch.Generator().manual_seed(1)
    inputs = torch.rand(128, 784, generator=generator)
    labels = torch.randint(0, 10, (128,), generator=generator)
    handle = attach(optimizer, model) if attach is not None else None
    started = time.perf_counter()
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
    seconds = time.perf_counter() - started
    if isinstance(handle, Attachment):
        handle.close()
    return 1e3 * seconds / steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--every", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        count = iter(range(10**6))

        def attached(every: int | None, weights: bool = False) -> Callable[..., object]:
            return lambda optimizer, model: topolab.attach(
                optimizer, model, Path(folder) / str(next(count)), every=every, weights=weights
            )

        contenders = {
            "without": None,
            "attached, no snapshots": attached(None),
            f"attached, every {options.every}": attached(options.every),
            f"attached, every {options.every}, weights": attached(options.every, weights=True),
        }
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for make in contenders.values():
            loop(10, make)
        for _ in range(options.repeats):  # interleaved: a noisy moment strikes all of them
            for name, make in contenders.items():
                times[name].append(loop(options.steps, make))
    print(
        f"{options.repeats} repeats of {options.steps} steps, {torch.get_num_threads()} threads, "
        f"torch {torch.__version__}: ms per step, median (smallest to largest), times without"
    )
    base = statistics.median(times["without"])
    for name, values in times.items():
        ratios = [a / b for a, b in zip(values, times["without"], strict=True)]
        print(
            f"{name:36}{statistics.median(values):8.2f} ({min(values):.2f} to {max(values):.2f})"
            f"{statistics.median(values) / base:8.3f}  paired {statistics.median(ratios):.3f}"
        )


if __name__ == "__main__":
    main()
