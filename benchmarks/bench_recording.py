"""What recording costs: its share of the training time, and bytes against the entropy bound.

    python benchmarks/bench_recording.py [--epochs 1] [--repeats 3]

RigL on Fashion-MNIST as in the PSN paper: 784-1024-1024-10, batch 128, an update and a snapshot
every 100 steps. The share is the time spent inside `Recorder.record`, syncing to disk included,
over the time of training and recording together, evaluation left out. The same arrays written
with `torch.save` and with `numpy.savez_compressed` are the peers for size and time.

The entropy bound is the information in a mask of given size and edge count, log2 C(N, nnz): no
code that knows nothing else of the masks can be shorter on average over all such masks.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from scipy.special import gammaln

import topolab


def entropy_bytes(size: int, active: int) -> float:
    """Bytes of log2 C(size, active) bits."""
    bits = (gammaln(size + 1) - gammaln(active + 1) - gammaln(size - active + 1)) / np.log(2)
    return float(bits) / 8


def sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", default="fashion-mnist")
    options = parser.parse_args()
    shares, per_snapshot = [], []
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(options.repeats):
            run = topolab.train(
                "rigl", Path(folder) / str(repeat), data=options.data, sparsity=0.9,
                hidden=(1024, 1024), batch_size=128, epochs=options.epochs, update_every=100,
                seed=42,
            )  # fmt: skip
            recording = run.summary["record_seconds"]
            training = run.summary["train_seconds"]
            shares.append(recording / (recording + training))
            per_snapshot.append(recording / len(run))
        print(
            f"{options.data}, {options.epochs} epoch(s), {len(run)} snapshots, "
            f"{torch.get_num_threads()} threads, torch {torch.__version__}, "
            f"{options.repeats} repeats (median, smallest to largest)"
        )
        print(
            f"share of recording: {100 * statistics.median(shares):.2f} % "
            f"({100 * min(shares):.2f} to {100 * max(shares):.2f})"
        )
        print(
            f"time per snapshot:  {1e3 * statistics.median(per_snapshot):.1f} ms "
            f"({1e3 * min(per_snapshot):.1f} to {1e3 * max(per_snapshot):.1f})"
        )
        sizes(run, Path(folder))


def sizes(run: topolab.Run, folder: Path) -> None:
    """Bytes and write time of the last snapshot's masks, against peers and the bound."""
    snapshot = run[-1]
    masks = {name: snapshot.masks[name] for name in snapshot.masks}
    bound = sum(entropy_bytes(layer.size, snapshot.nnz(layer.name)) for layer in snapshot.layers)
    ours = max(p.stat().st_size for p in (run.path / "snapshots").iterdir())
    rows = [("topolab snapshot", ours, None)]
    peers = {
        "torch.save, bool masks": lambda p: torch.save(
            {k: torch.from_numpy(v) for k, v in masks.items()}, p
        ),
        "torch.save, float masks": lambda p: torch.save(
            {k: torch.from_numpy(v.astype(np.float32)) for k, v in masks.items()}, p
        ),
        "numpy.savez_compressed, bool": lambda p: np.savez_compressed(
            p.with_suffix(".npz"), **masks
        ),
    }
    timings: dict[str, list[float]] = {name: [] for name in ["topolab snapshot", *peers]}
    with topolab.Recorder(folder / "again", layers=run.layers) as recorder:
        for repeat in range(9):  # interleaved, so that a noisy moment strikes all of them
            started = time.perf_counter()
            recorder.record(repeat, masks)
            timings["topolab snapshot"].append(time.perf_counter() - started)
            for name, write in peers.items():
                path = folder / f"peer-{repeat}.npz"
                started = time.perf_counter()
                write(path)
                sync(path)
                timings[name].append(time.perf_counter() - started)
                if repeat == 8:
                    rows.append((name, path.stat().st_size, None))
                path.unlink()
    print(f"entropy bound of the masks: {bound:,.0f} bytes")
    print(f"{'':32}{'bytes':>12}{'x bound':>10}{'ms, synced':>12}{'x ours':>8}")
    base = statistics.median(timings["topolab snapshot"])
    for name, size, _ in rows:
        median = statistics.median(timings[name])
        print(f"{name:32}{size:12,}{size / bound:10.2f}{1e3 * median:12.1f}{median / base:8.1f}")


if __name__ == "__main__":
    main()
