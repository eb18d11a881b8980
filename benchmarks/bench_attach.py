"""What `topolab.attach` costs: an attached plain training loop against the same loop without.

    python benchmarks/bench_attach.py [--rounds 400] [--every 10]

MLP 784-1024-1024-10, 90 % pruned with torch.nn.utils.prune, batch 128, Adam, random data. The loops
take turns step by step, so that a noisy moment strikes all of them. A step with a snapshot, which
is synced to disk, is told from one without; the last column is what a loop with a snapshot every
100 steps takes, from the two medians.
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
from topolab.integrations.recording import RecordingHandle


def network() -> torch.nn.Sequential:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 1024), torch.nn.ReLU(),
        torch.nn.Linear(1024, 10),
    )  # fmt: skip
    for index in (0, 2):
        prune.random_unstructured(model[index], "weight", amount=0.9)
    return model


class Loop:
    """A training that does one step when it is told to."""

    def __init__(self, attach: Callable[..., RecordingHandle] | None) -> None:
        self.model = network()
        self.optimizer = torch.optim.Adam(self.model.parameters())
        generator = torch.Generator().manual_seed(1)
        self.inputs = torch.rand(128, 784, generator=generator)
        self.labels = torch.randint(0, 10, (128,), generator=generator)
        self.handle = attach(self.optimizer, self.model) if attach is not None else None
        self.times: list[float] = []

    def step(self) -> None:
        started = time.perf_counter()
        self.optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(self.model(self.inputs), self.labels)
        loss.backward()
        self.optimizer.step()
        self.times.append(1e3 * (time.perf_counter() - started))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--every", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:

        def attached(name: str, weights: bool) -> Callable[..., RecordingHandle]:
            return lambda optimizer, model: topolab.attach(
                optimizer, model, Path(folder) / name, every=options.every, weights=weights
            )

        loops = {
            "without": Loop(None),
            "attached": Loop(attached("masks", False)),
            "attached, weights=True": Loop(attached("weights", True)),
        }
        for number in range(options.rounds):
            order = list(loops.values())
            for loop in order[number % 3 :] + order[: number % 3]:
                loop.step()
        for loop in loops.values():
            if loop.handle is not None:
                loop.handle.close()
    print(
        f"{options.rounds} rounds, a snapshot every {options.every}, "
        f"{torch.get_num_threads()} threads, torch {torch.__version__}; medians"
    )
    print(f"{'':26}{'ms a step':>12}{'ratio':>9}{'ms a snapshot':>16}{'ratio, every 100':>19}")
    base = statistics.median(
        t for n, t in enumerate(loops["without"].times, start=1) if n > 20 and n % options.every
    )
    for name, loop in loops.items():
        numbered = list(enumerate(loop.times, start=1))[20:]  # the first steps warm up
        plain = statistics.median(t for n, t in numbered if n % options.every)
        line = f"{name:26}{plain:12.2f}{plain / base:9.3f}"
        if loop.handle is not None:
            snapshot = statistics.median(t for n, t in numbered if n % options.every == 0) - plain
            line += f"{snapshot:16.1f}{(plain + snapshot / 100) / base:19.3f}"
        print(line)


if __name__ == "__main__":
    main()
