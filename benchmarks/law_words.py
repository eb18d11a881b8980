"""What is said of degrees drawn from a known distribution, and how many it takes to be sure?

python benchmarks/law_words.py [--samples 40]

Each sample is judged as `selection` judges a layer with room for 1,296 edges, alone.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab_analyses.claims import power_law
from topolab_analyses.claims.limits import WORDS
from topolab_analyses.selection_laws import Degrees, fit_row, law_evidence, rival_rows

IntArray = npt.NDArray[np.int64]
ROOM = 1296


def law(alpha: float, low: int) -> Callable[[int, np.random.Generator], IntArray]:
    k = np.arange(low, ROOM + 1)
    p = k ** -float(alpha)
    return lambda n, rng: rng.choice(k, n, p=p / p.sum()).astype(np.int64)


def lognormal(mu: float, sigma: float) -> Callable[[int, np.random.Generator], IntArray]:
    def draw(n: int, rng: np.random.Generator) -> IntArray:
        k = np.zeros(n, dtype=np.int64)
        while (bad := (k < 1) | (k > ROOM)).any():
            k[bad] = np.round(np.exp(np.minimum(rng.normal(mu, sigma, int(bad.sum())), 20)))
        return k

    return draw


def exponential(mean: float) -> Callable[[int, np.random.Generator], IntArray]:
    return lambda n, rng: np.minimum(rng.geometric(1 / mean, n), ROOM).astype(np.int64)


def cut_off(alpha: float, at: float, low: int) -> Callable[[int, np.random.Generator], IntArray]:
    k = np.arange(low, ROOM + 1)
    p = k ** -float(alpha) * np.exp(-k / at)
    return lambda n, rng: rng.choice(k, n, p=p / p.sum()).astype(np.int64)


TRUTHS: dict[str, Callable[[int, np.random.Generator], IntArray]] = {
    "power law 2.0 from 40": law(2.0, 40),
    "power law 2.5 from 10": law(2.5, 10),
    "power law 3.0 from 6": law(3.0, 6),
    "power law 2.0 from 6, cut off at 100": cut_off(2.0, 100, 6),
    "lognormal (3, 1.2)": lognormal(3, 1.2),
    "lognormal (3, 2)": lognormal(3, 2),
    "exponential, mean 40": exponential(40),
}


def word_of(values: IntArray, seed: int) -> str:
    """The word for a layer of these degrees."""
    degrees = Degrees("layer", "in", values, ROOM)
    fitted, row = fit_row(degrees, None, replicates=500, seed=seed, stop_at=None)
    tests, _ = rival_rows(degrees, fitted, "searched", 0)
    evidence = law_evidence(degrees, fitted, row, tests)
    alone = {f"{name}_holm": evidence[name] for name in power_law.P_VALUES}
    return power_law.word(evidence | alone)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=40)
    samples = parser.parse_args().samples
    rows = []
    for name, draw in TRUTHS.items():
        for n in (300, 1000, 3000, 10000):
            said = Counter(
                word_of(draw(n, np.random.default_rng([seed, n])), seed) for seed in range(samples)
            )
            rows.append({"degrees drawn from": name, "neurons": n} | dict(said))
    table = pd.DataFrame(rows)
    shown = [word for word in WORDS if word in table]
    print(f"| degrees drawn from | neurons | {' | '.join(shown)} |")
    print("|" + "---|" * (2 + len(shown)))
    for _, row in table.iterrows():
        counts = " | ".join("" if pd.isna(row[word]) else f"{row[word]:.0f}" for word in shown)
        print(f"| {row['degrees drawn from']} | {row['neurons']:,} | {counts} |")
    print(f"\n({samples} samples each.)")


if __name__ == "__main__":
    main()
