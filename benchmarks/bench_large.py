"""Large runs: many snapshots, and layers of many edges.

    python benchmarks/bench_large.py [--snapshots 10000] [--side 10000] [--repeats 5]

Every part runs in a process of its own, so that its peak of resident memory is its own. The many
snapshots are those of two layers, 64 x 32 and 10 x 64, of ten thousand recordings. The large layer
is square and full, with one edge for every weight; its masks alone, and with float32 weights.
What is read was written just before, so it comes from the page cache.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import topolab
from topolab.store import verify_run

MIB = 2**20


def peak() -> float:
    """Peak of this process's resident memory so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def record_many(folder: str, snapshots: int) -> dict[str, Any]:
    shapes = {"fc1": (64, 32), "fc2": (10, 64)}
    layers = [topolab.LayerSpec(name, "linear", shape) for name, shape in shapes.items()]
    rng = np.random.default_rng(1)
    masks = {k.name: rng.random(k.shape) < 0.2 for k in layers}
    started = time.perf_counter()
    with topolab.Recorder(folder, layers=layers, seed=1) as recorder:
        for step in range(snapshots):
            for mask in masks.values():
                flat = mask.reshape(-1)
                one, zero = rng.choice(np.flatnonzero(flat)), rng.choice(np.flatnonzero(~flat))
                flat[one], flat[zero] = False, True
            recorder.record(step, masks, epoch=step / 100, metrics={"test_accuracy": 0.5})
    return {"seconds": time.perf_counter() - started, "recording": recorder.seconds}


def open_many(folder: str, repeats: int) -> dict[str, Any]:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        run = topolab.open_run(folder)
        times.append(time.perf_counter() - started)
    started = time.perf_counter()
    assert run[len(run) // 2].step == len(run) // 2
    one = time.perf_counter() - started
    started = time.perf_counter()
    assert verify_run(folder).ok
    return {
        "snapshots": len(run), "open": statistics.median(times), "slowest": max(times),
        "one": one, "verify": time.perf_counter() - started,
    }  # fmt: skip


def analyse_many(folder: str, analysis: str) -> dict[str, Any]:
    run = topolab.open_run(folder)
    started = time.perf_counter()
    tables = topolab.analyse(run, [analysis], cache=False)[analysis].tables
    held = sum(int(table.memory_usage(deep=True).sum()) for table in tables.values())
    return {
        "seconds": time.perf_counter() - started, "peak": peak(), "tables": held / MIB,
        "rows": sum(map(len, tables.values())),
    }  # fmt: skip


def record_large(folder: str, side: int, weighted: bool) -> dict[str, Any]:
    layer = topolab.LayerSpec("fc1", "linear", (side, side))
    mask = np.ones((side, side), dtype=np.bool_)
    weights = None
    if weighted:
        weights = {"fc1": np.random.default_rng(1).random((side, side), dtype=np.float32)}
    with topolab.Recorder(folder, layers=[layer], seed=1) as recorder:
        before = peak()
        started = time.perf_counter()
        recorder.record(0, {"fc1": mask}, weights=weights)
        seconds = time.perf_counter() - started
    size = sum(p.stat().st_size for p in (Path(folder) / "snapshots").iterdir())
    return {"seconds": seconds, "before": before, "peak": peak(), "bytes": size}


def read_large(folder: str, side: int, weighted: bool) -> dict[str, Any]:
    before = peak()
    started = time.perf_counter()
    shot = topolab.open_run(folder)[0]
    seconds = time.perf_counter() - started
    read = peak()
    edges = shot.nnz("fc1")
    assert edges == side * side and bool(shot.masks["fc1"].all())
    if weighted:
        right = np.random.default_rng(1).random(side * side, dtype=np.float32)
        assert np.array_equal(shot.weights["fc1"], right)  # type: ignore[arg-type]
    return {"seconds": seconds, "before": before, "peak": read, "edges": edges}


def degrees_large(folder: str) -> dict[str, Any]:
    shot = topolab.open_run(folder)[0]
    started = time.perf_counter()
    graph = topolab.LayeredGraph.from_snapshot(shot)
    assert int(graph.degrees("in").max()) == graph.block("fc1").shape[1]
    return {"seconds": time.perf_counter() - started, "peak": peak()}


def apart(function: str, *arguments: Any) -> dict[str, Any]:
    """Call one of the functions above in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--call", json.dumps([function, *arguments])],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    out: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--snapshots", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--call", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.call:
        name, *arguments = json.loads(options.call)
        print(json.dumps(globals()[name](*arguments)))
        return
    with tempfile.TemporaryDirectory() as work:
        many(Path(work), options.snapshots, options.repeats)
        large(Path(work), options.side)


def many(work: Path, snapshots: int, repeats: int) -> None:
    print("| snapshots | open, s | slowest of some | read one, ms | verify, s | record one, ms |")
    print("|---|---|---|---|---|---|")
    sizes = [snapshots // 100, snapshots // 10, snapshots]
    for number in sizes:
        recorded = apart("record_many", str(work / str(number)), number)
        found = apart("open_many", str(work / str(number)), repeats)
        print(
            f"| {found['snapshots']:,} | {found['open']:.3f} | {found['slowest']:.3f} "
            f"| {1e3 * found['one']:.2f} | {found['verify']:.2f} "
            f"| {1e3 * recorded['recording'] / number:.2f} |", flush=True,
        )  # fmt: skip
    print("\n| analysis | snapshots | s | peak, MiB | rows of its tables | their MiB |")
    print("|---|---|---|---|---|---|")
    for analysis in ("degree", "kshell", "exploration"):
        for number in sizes[1:]:
            found = apart("analyse_many", str(work / str(number)), analysis)
            print(
                f"| {analysis} | {number:,} | {found['seconds']:.1f} | {found['peak']:.0f} "
                f"| {found['rows']:,} | {found['tables']:.0f} |", flush=True,
            )  # fmt: skip
    for number in sizes:
        shutil.rmtree(work / str(number))


def large(work: Path, side: int) -> None:
    print("\n| layer | edges | bytes | record, s | read and check, s | growth of memory, recording "
          "| reading |")  # fmt: skip
    print("|---|---|---|---|---|---|---|")
    for weighted in (False, True):
        folder = str(work / f"large-{weighted}")
        wrote = apart("record_large", folder, side, weighted)
        read = apart("read_large", folder, side, weighted)
        print(
            f"| {side:,} x {side:,}{', weights' if weighted else ''} | {read['edges']:,} "
            f"| {wrote['bytes']:,} | {wrote['seconds']:.2f} | {read['seconds']:.2f} "
            f"| {wrote['peak'] - wrote['before']:.0f} MiB "
            f"| {read['peak'] - read['before']:.0f} MiB |", flush=True,
        )  # fmt: skip
    found = apart("degrees_large", str(work / "large-False"))
    print(f"\nits graph and degrees, from the masks: {found['seconds']:.2f} s")
    print(f"peak of that process: {found['peak']:.0f} MiB")


if __name__ == "__main__":
    main()
