"""How long a person waits: help, the demo from nothing, the demo again.

    python benchmarks/bench_commands.py [--repeats 7]

Help is measured against an interpreter that does nothing and one that imports torch, interleaved.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    topolab = [sys.executable, "-m", "topolab"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "topolab --help": [*topolab, "--help"],
        "topolab train --help": [*topolab, "train", "--help"],
        "topolab methods": [*topolab, "methods"],
        "python -c 'import torch'": [sys.executable, "-c", "import torch"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(options.repeats):
        for name, command in commands.items():
            taken[name].append(seconds(command))
    base = statistics.median(taken["python -c pass"])
    print(f"{'':28}{'median s':>10}{'slowest':>10}{'x python':>10}")
    for name, values in taken.items():
        median = statistics.median(values)
        print(f"{name:28}{median:10.2f}{max(values):10.2f}{median / base:10.1f}")
    with tempfile.TemporaryDirectory() as folder:
        demo = [*topolab, "demo", "--quiet", "--out", str(Path(folder) / "demo")]
        print(f"{'topolab demo, from nothing':28}{seconds(demo):10.1f}")
        print(f"{'topolab demo, again':28}{seconds(demo):10.1f}")
        page = Path(folder) / "demo" / "report.html"
        print(f"its report: {page.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
