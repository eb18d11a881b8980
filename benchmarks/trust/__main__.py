"""What a run survives, tried often: kills, and damaged or forged files.

    python benchmarks/trust [--kills 300] [--mutations 10000] [--seed 1]

Both parts are seeded; the moments of the kills are as random as the machine. The figures of
docs/trust.md are what this prints. It leaves with 1 if anything ended badly.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from damage import run_mutations
from kills import run_kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    today = datetime.now(UTC).date().isoformat()
    print(f"{today}, Python {platform.python_version()}, {platform.system()}", flush=True)
    well = True
    for job, number in ((run_kills, options.kills), (run_mutations, options.mutations)):
        if number < 1:
            continue
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as work:
            lines, good = job(number, options.seed, Path(work))
        print("", *lines, sep="\n")
        print(f"seconds: {time.perf_counter() - started:.0f}", flush=True)
        well = well and good
    raise SystemExit(0 if well else 1)


if __name__ == "__main__":
    main()
