"""A training step, ours against others, on the same network and data in one run.

    python benchmarks/bench_training.py [--rounds 9] [--steps 20] [--threads 2] [--crossover]

MLP 784-1024-1024-10 with LayerNorm, batch 128, Adam 1e-3, Fashion-MNIST, the output layer dense,
a uniform random mask, no updates. The contenders take turns, `steps` steps each, `rounds` times;
medians of the time per step, one untimed turn first.

* dense torch: the plain network, `torch.optim.Adam` as it comes; and with `fused=True`.
* usual masked loop: float masks multiplied into weight and gradient at every step, Adam unfused.
* sparselab: that package's SparseLinear, if it is installed; its weights are not trained by a
  fused Adam, since it asks for the optimiser that torch gives by default.
* ours: masked (dense storage), csr (active weights only), and what `auto` takes.

Then what an update costs: RigL's, over the 100 steps between two of them.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from topolab.registry import find
from topolab_trainers.data.dataset import Dataset
from topolab_trainers.jobs import Job
from topolab_trainers.trainer import Trainer

WIDTHS = (784, 1024, 1024, 10)
BATCH = 128
Step = Callable[[torch.Tensor], None]


def plain(layers: list[nn.Module]) -> nn.Sequential:
    first, second, last = layers
    return nn.Sequential(
        first, nn.LayerNorm(1024), nn.ReLU(), second, nn.LayerNorm(1024), nn.ReLU(), last
    )


def stepper(model: nn.Module, optimizer: torch.optim.Optimizer, x: Any, y: Any) -> Step:
    def step(chosen: torch.Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(x[chosen]), y[chosen]).backward()
        optimizer.step()

    return step


def dense(x: Any, y: Any, *, fused: bool) -> Step:
    model = plain([nn.Linear(a, b) for a, b in itertools.pairwise(WIDTHS)])
    return stepper(model, torch.optim.Adam(model.parameters(), 1e-3, fused=fused or None), x, y)


def usual(x: Any, y: Any, sparsity: float) -> Step:
    layers = [nn.Linear(a, b) for a, b in itertools.pairwise(WIDTHS)]
    model = plain(layers)
    masks = [(torch.rand_like(layer.weight) >= sparsity).float() for layer in layers[:2]]
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, foreach=False)

    def step(chosen: torch.Tensor) -> None:
        with torch.no_grad():
            for layer, mask in zip(layers, masks, strict=False):
                layer.weight.data = layer.weight.data * mask
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(x[chosen]), y[chosen]).backward()
        for layer, mask in zip(layers, masks, strict=False):
            assert layer.weight.grad is not None
            layer.weight.grad = layer.weight.grad * mask
        optimizer.step()

    return step


def sparselab(x: Any, y: Any, sparsity: float) -> Step | None:
    if find_spec("sparselab") is None:
        return None
    from sparselab.nn import SparseLinear

    layers = [
        SparseLinear(784, 1024, sparsity=sparsity),
        SparseLinear(1024, 1024, sparsity=sparsity),
        nn.Linear(1024, 10),
    ]
    model = plain(layers)
    return stepper(model, torch.optim.Adam(model.parameters(), 1e-3), x, y)


def trainer(data: Dataset, engine: str, name: str = "rigl", **settings: Any) -> Trainer:
    method = find("methods", name)()
    config = method.configure(
        data="fashion-mnist", hidden=WIDTHS[1:3], batch_size=BATCH, init="uniform", seed=1,
        device="cpu", engine=engine, threads=torch.get_num_threads(), **settings,
    )  # fmt: skip
    return Trainer([Job(method, config, Path())], data)


def ours(data: Dataset, sparsity: float, engine: str) -> Step:
    made = trainer(data, engine, sparsity=sparsity)
    count = [0]

    def step(chosen: torch.Tensor) -> None:
        count[0] += 1
        made.step(count[0], chosen[None], [])

    return step


def measure(contenders: dict[str, Step], n: int, rounds: int, steps: int) -> dict[str, float]:
    """Median milliseconds per step; contenders take turns."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    generator = torch.Generator().manual_seed(0)
    for turn in range(rounds + 1):
        batches = torch.randint(0, n, (steps, BATCH), generator=generator)
        for name, step in contenders.items():
            started = time.perf_counter()
            for chosen in batches:
                step(chosen)
            if turn:
                taken[name].append((time.perf_counter() - started) / steps * 1000)
    return {name: statistics.median(values) for name, values in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sparsity", type=float, nargs="+", default=[0.8, 0.9, 0.95, 0.98, 0.99])
    parser.add_argument("--crossover", action="store_true", help="only: where CSR gets faster")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    data = find("datasets", "fashion-mnist").load(None)
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    if options.crossover:
        crossover(data, options.rounds, options.steps)
        return
    print(
        f"torch {torch.__version__}, {options.threads} threads, ms per step (times the usual loop)"
    )
    for sparsity in options.sparsity:
        contenders: dict[str, Step | None] = {
            "dense torch": dense(x, y, fused=False),
            "dense torch, fused Adam": dense(x, y, fused=True),
            "usual masked loop": usual(x, y, sparsity),
            "sparselab": sparselab(x, y, sparsity),
            "ours, masked": ours(data, sparsity, "masked"),
            "ours, csr": ours(data, sparsity, "csr"),
            "ours, auto": ours(data, sparsity, "auto"),
        }
        there = {name: step for name, step in contenders.items() if step is not None}
        found = measure(there, len(x), options.rounds, options.steps)
        base = found["usual masked loop"]
        print(f"sparsity {sparsity}")
        for name in contenders:
            value = found.get(name)
            text = "not installed" if value is None else f"{value:6.2f} ms  {value / base:.2f}"
            print(f"  {name:<24} {text}")
    update_cost(data)


def crossover(data: Dataset, rounds: int, steps: int) -> None:
    print("csr over masked, whole step, 784-1024-1024-10")
    for density in (0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0.02):
        pair = {e: ours(data, 1 - density, e) for e in ("masked", "csr")}
        found = measure(pair, len(data.x_train), rounds, steps)
        print(f"  density {density:<5} {found['csr'] / found['masked']:.2f}")
    print("csr over masked, whole step, density 0.1, by width of two hidden layers")
    for width in (128, 256, 384, 512, 1024, 2048):
        pair = {}
        for engine in ("masked", "csr"):
            method = find("methods", "rigl")()
            config = method.configure(
                data="fashion-mnist", hidden=(width, width), init="uniform", sparsity=0.9,
                engine=engine, threads=torch.get_num_threads(), device="cpu",
            )  # fmt: skip
            made = Trainer([Job(method, config, Path())], data)
            pair[engine] = lambda chosen, made=made: made.step(1, chosen[None], [])
        found = measure(pair, len(data.x_train), rounds, steps)
        print(f"  {width:<5} ({width * width:>9,} weights) {found['csr'] / found['masked']:.2f}")


def update_cost(data: Dataset) -> None:
    print("an update's share of the 100 steps between two (RigL, SET), and its milliseconds")
    for sparsity in (0.9, 0.99):
        for method in ("rigl", "set"):
            made = trainer(data, "auto", method, sparsity=sparsity, update_every=100)
            generator = torch.Generator().manual_seed(0)
            shares, milliseconds = [], []
            for turn in range(4):
                steps = torch.randint(0, len(data.x_train), (100, BATCH), generator=generator)
                started = time.perf_counter()
                for i, chosen in enumerate(steps[:-1]):
                    made.step(turn * 100 + i + 1, chosen[None], [])
                before = made.seconds.updating
                made.step(turn * 100 + 100, steps[-1][None], [0])
                update = made.seconds.updating - before
                if turn:
                    shares.append(update / (time.perf_counter() - started))
                    milliseconds.append(update * 1000)
            print(
                f"  {method:<5} {sparsity}: {100 * statistics.median(shares):.2f} %, "
                f"{statistics.median(milliseconds):.1f} ms"
            )


if __name__ == "__main__":
    main()
