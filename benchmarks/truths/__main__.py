"""What are the words of `selection` worth? Simulates runs of known truths and counts its words.

python benchmarks/truths [--seeds 20] [--size small|large] [--only NAME ...] [--workers N]

A run that was analysed is not analysed again, unless the code that it depends on has changed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from catalogue import CLAIMS, TRUTHS
from rewire import SIZES
from tally import summary, tally, together
from words import collect

#: So many runs of a truth are also judged as one group of seeds.
TOGETHER = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="runs of each truth")
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--only", choices=TRUTHS, nargs="+", default=list(TRUTHS), metavar="NAME")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--list", action="store_true", help="say what is true of each, and why")
    parser.add_argument("--out", type=Path, default=Path("runs") / "truths")
    options = parser.parse_args()
    if options.seeds < 1 or options.workers < 1:
        parser.error("--seeds and --workers must be at least 1")
    if options.list:
        for name in options.only:
            print(f"{name}: {TRUTHS[name].what}")
            for claim in CLAIMS:
                said = TRUTHS[name].claim(claim)
                print(f"  {claim.replace('_', ' ')}: {said.holds}; {said.because}")
        return
    size = SIZES[options.size]
    tasks = [(name, size.name, seed) for name in options.only for seed in range(options.seeds)]
    words = collect(
        options.out, tasks, workers=options.workers,
        tell=lambda said: print(said, file=sys.stderr, flush=True),
    )  # fmt: skip
    path = options.out / f"{size.name}.csv"
    words.to_csv(path, index=False, na_rep="nan")
    print(
        f"Size {size.name}: {size.inputs}-{size.first}-{size.second}-10, {size.updates} updates; "
        f"{options.seeds} seeds, two hidden layers each.\n"
    )
    print("\n".join(tally(words)), end="\n\n")
    print("\n".join(summary(words)))
    if options.seeds >= TOGETHER:
        pooled = together(words, TOGETHER)
        print(f"\nRuns together, {TOGETHER} seeds as one group:\n")
        print("\n".join(tally(pooled)), end="\n\n")
        print("\n".join(summary(pooled)))
    print(f"\nEvery run and layer: {path}")


if __name__ == "__main__":
    main()
