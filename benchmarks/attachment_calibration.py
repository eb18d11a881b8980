"""Are planted kernels found, and is fitness told from attachment? Prints tables.

    python benchmarks/attachment_calibration.py [--runs 60] [--tests 400]

1. Exponents put into a rewiring, at 10, 30 and 50 % dropped, with the coverage of their intervals.
2. A constant kernel under a cosine: its exponent by parts of the run, and the test for a change.
3. Half of the neurons without edges.
4. Gains by degree, by fitness, by both and by noise: what the joint fit makes of them.
5. The same where updates use up the room.

`benchmarks/calibration.py` prints them too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from topolab.metrics.attachment import Joint, change_p, fit_joint, fit_slope

# The simulator is that of the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
from planted_kernels import grow_by_fitness, grow_in_little_room, rewire

DROPS = (0.1, 0.3, 0.5)
N = 300
Generator = np.random.Generator


def share(values: Sequence[float]) -> str:
    return f"{np.mean(values):.0%}".replace("%", " %")


def slopes(runs: int) -> None:
    """Mean of the exponents found, and how many intervals hold the planted one."""
    print(f"\nMean exponent of {runs} rewirings of 200 x 150 places, 60 updates each, and the "
          "share of 95 % intervals that hold the planted one.\n")  # fmt: skip
    print("| planted | " + " | ".join(f"{d:.0%} dropped".replace("%", " %") for d in DROPS) + " |")
    print("|---|" + "---|" * len(DROPS))
    planted = (
        (0.0, 0.0),
        (0.5, 0.0),
        (1.0, 0.0),
        (0.0, -1.0),
        (0.0, -0.5),
        (0.0, 1.0),
        (1.0, -1.0),
    )
    for gain, loss in planted:
        cells: dict[str, list[str]] = {"gain": [], "loss": []}
        for drop in DROPS:
            made = [rewire(np.random.default_rng(s), gain, loss, drop=drop) for s in range(runs)]
            for kind, truth in (("gain", gain), ("loss", loss)):
                found = [
                    fit_slope(m.gained, m.room) if kind == "gain" else fit_slope(m.lost, m.edges)
                    for m in made
                ]
                inside = [s.low <= truth <= s.high for s in found]
                mean = np.mean([s.gamma for s in found])
                cells[kind].append(f"{mean:.3f} ({share(inside)})")
        for kind, truth, other in (
            ("gain", gain, f"loss {loss:g}"), ("loss", loss, f"gain {gain:g}")
        ):  # fmt: skip
            print(
                f"| {kind} {truth:g}, with {other} | " + " | ".join(cells[kind]) + " |", flush=True
            )


def cosine(runs: int) -> None:
    print(f"\n{runs} runs of 40 updates, from 50 % dropped down to none by a cosine: mean exponent "
          "of losses in each quarter, and the share of tests for a change with p <= 0.05.\n",
          flush=True)  # fmt: skip
    print("| planted | quarter 1 | 2 | 3 | 4 | change found |\n|---|---|---|---|---|---|")
    for truth in (0.0, -1.0, 1.0):
        quarters, changes = np.zeros((runs, 4)), []
        for seed in range(runs):
            made = rewire(np.random.default_rng(seed), 0.0, truth, drop=0.5, cosine=True,
                          updates=40, shape=(120, 90))  # fmt: skip
            for i, rows in enumerate(np.array_split(np.arange(40), 4)):
                quarters[seed, i] = fit_slope(made.lost[rows], made.edges[rows]).gamma
            changes.append(change_p(made.lost, made.edges) <= 0.05)
        means = " | ".join(f"{x:.3f}" for x in quarters.mean(0))
        print(f"| {truth:g} | {means} | {share(changes)} |", flush=True)


def without_edges(runs: int) -> None:
    found = [
        fit_slope(m.gained, m.room)
        for m in (rewire(np.random.default_rng(s), 1.0, 0.0, without_edges=0.5, updates=30)
                  for s in range(runs))
    ]  # fmt: skip
    print(f"\nHalf of the neurons without edges at first, a planted gain of 1, degree 0 weighted "
          f"as degree 1, {runs} runs: exponent {np.mean([s.gamma for s in found]):.3f} "
          f"({share([s.low <= 1 <= s.high for s in found])} of the intervals hold 1), `zero` "
          f"{np.mean([s.zero for s in found]):.2f}.")  # fmt: skip


FITNESS: dict[str, Callable[[Generator], np.ndarray]] = {
    "none": lambda rng: np.ones(N),
    "0.4 to 1.6": lambda rng: rng.uniform(0.4, 1.6, N),
    "lognormal, sigma 0.5": lambda rng: rng.lognormal(0, 0.5, N),
    "0.8, or 2.8 for one of ten": lambda rng: np.where(rng.random(N) < 0.9, 0.8, 2.8),
    "0.8 to 1.2": lambda rng: rng.uniform(0.8, 1.2, N),
}


def joints(runs: int) -> None:
    print(f"\nGains by fitness times k^exponent, random losses of 10 %, {N} neurons, {runs} runs: "
          "mean (and spread over runs) of what the joint fit gives, and the share of intervals "
          "that hold the planted exponent.\n")  # fmt: skip
    print("| fitness | planted | noise | recorded | pooled | `joint` | `within` | dispersion |")
    print("|---|---|---|---|---|---|---|---|")
    cases: tuple[tuple[str, float, float, int, int], ...] = (
        ("none", 0.0, 0, 0, 40), ("none", 0.5, 0, 0, 40), ("none", 1.0, 0, 0, 40),
        ("none", 0.5, 0, 0, 10), ("none", 1.0, 0, 0, 10),
        ("0.8 to 1.2", 1.0, 0, 0, 40),
        ("0.4 to 1.6", 0.0, 0, 0, 40), ("0.4 to 1.6", 0.0, 0, 0, 10),
        ("0.4 to 1.6", 0.0, 0, 60, 40),
        ("lognormal, sigma 0.5", 0.0, 0, 0, 40), ("lognormal, sigma 0.5", 0.0, 0, 60, 40),
        ("0.8, or 2.8 for one of ten", 0.0, 0, 0, 40),
        ("0.8, or 2.8 for one of ten", 0.0, 0, 60, 40),
        ("none", 1.0, 1, 0, 40), ("none", 1.0, 1, 0, 10), ("none", 0.0, 1, 0, 40),
        ("0.4 to 1.6", 0.0, 1, 0, 40), ("0.4 to 1.6", 0.0, 1, 60, 40),
    )  # fmt: skip
    for fitness, exponent, noise, unseen, updates in cases:
        naive: list[float] = []
        found: dict[bool, list[Joint]] = {False: [], True: []}
        for seed in range(runs):
            rng = np.random.default_rng(seed)
            made = grow_by_fitness(rng, FITNESS[fitness](rng), exponent, unseen=unseen,
                                   updates=updates, noise=noise)  # fmt: skip
            naive.append(pooled(made.degree, made.gained, made.places))
            for within in found:
                found[within].append(
                    fit_joint(made.degree, made.gained, made.places, within=within)
                )
        when = f"{updates} updates" + (f" after {unseen}" if unseen else "")
        cells = [fitness, f"{exponent:g}", f"{noise or ''}", when, f"{np.mean(naive):.2f}"]
        for fits in found.values():
            gammas = [j.gamma for j in fits]
            inside = share([j.low <= exponent <= j.high for j in fits])
            cells.append(f"{np.mean(gammas):.2f} ± {np.std(gammas, ddof=1):.2f} ({inside})")
        cells.append(f"{np.mean([j.dispersion for j in found[True]]):.1f}")
        print("| " + " | ".join(cells) + " |", flush=True)


def little_room(runs: int) -> None:
    print("\nHalf of all edges move in an update, a fitness from 0.6 to 1.4, and little room: mean "
          "of `within`, and the share of intervals that hold the planted exponent.\n")  # fmt: skip
    print("| free places taken in an update | planted 0 | planted 1 |\n|---|---|---|")
    for capacity in (600, 240, 150, 120, 105):
        cells = []
        for exponent in (0.0, 1.0):
            made = [
                grow_in_little_room(np.random.default_rng(s), capacity, exponent)
                for s in range(runs)
            ]
            fits = [fit_joint(m.degree, m.gained, m.places) for m in made]
            inside = share([j.low <= exponent <= j.high for j in fits])
            cells.append(f"{np.mean([j.gamma for j in fits]):.2f} ({inside})")
        taken = share([m.gained.sum() / m.places.sum() for m in made])
        print(f"| {taken} | " + " | ".join(cells) + " |", flush=True)


def pooled(degree: np.ndarray, gained: np.ndarray, places: np.ndarray) -> float:
    """The exponent of all neurons together, which cannot tell fitness from attachment."""
    size = degree.max() + 1
    events, room = (
        np.array([np.bincount(k, row, size) for k, row in zip(degree, values, strict=True)])
        for values in (gained, places)
    )
    return fit_slope(events, room).gamma


def report(runs: int, tests: int = 400) -> None:
    """All of it; so many runs of a row, and tests for a change."""
    slopes(runs)
    cosine(tests)
    without_edges(runs)
    joints(runs)
    little_room(runs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--tests", type=int, default=400, help="runs tested for a change")
    options = parser.parse_args()
    report(options.runs, options.tests)
