"""Bounds, thresholds, rivals, engines and tail indices on samples whose law is known.

    python benchmarks/power_laws.py [--samples 100]

1. A law that reaches the largest possible degree, fitted with that bound and without.
2. Replicates that stop for one threshold of p, and for both.
3. The nested test of the truncated power law on samples from a power law.
4. The time of all rivals, against a simplex from the same starts.
5. The same degrees fitted by the powerlaw package.
6. Tail indices.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from topolab.metrics import powerlaw, tail_index
from topolab.metrics.powerlaw.rivals import RIVALS, tail_of

Draw = Callable[[np.random.Generator], np.ndarray]


def between(rng: np.random.Generator, alpha: float, low: int, high: int, n: int) -> np.ndarray:
    """Degrees of an exact power law between two degrees."""
    k = np.arange(low, high + 1)
    chance = k**-alpha
    return rng.choice(k, n, p=chance / chance.sum())


def bounds(samples: int) -> None:
    print(f"Degrees of a power law up to the capacity, {samples} samples, x_min searched.\n")
    print("| exponent | from, to | n | plausible, p > 0.1: bounded | unbounded | alpha: bounded "
          "| unbounded | tails below 50: bounded | unbounded |")  # fmt: skip
    print("|" + "---|" * 9)
    for alpha, low, high, n in (
        (2.0, 40, 1296, 1000), (2.0, 40, 1296, 300), (2.0, 10, 512, 1000), (2.5, 10, 784, 1000),
    ):  # fmt: skip
        plausible, alphas, tiny = Counter(), Counter(), Counter()
        for seed in range(samples):
            data = between(np.random.default_rng(seed), alpha, low, high, n)
            for bound in (high, None):
                law = powerlaw.fit(data, None, bound)
                gof = powerlaw.goodness_of_fit(data, law, stop_at=0.1, seed=seed)
                plausible[bound] += gof.p_value > 0.1
                alphas[bound] += law.alpha / samples
                tiny[bound] += law.n_tail < 50
        shown = [plausible[high], plausible[None], f"{alphas[high]:.3f}", f"{alphas[None]:.3f}",
                 tiny[high], tiny[None]]  # fmt: skip
        print(f"| {alpha} | {low}, {high} | {n} | {' | '.join(map(str, shown))} |")


OTHERS: dict[str, tuple[Draw, int]] = {
    "binomial, 784 at 10 %": (lambda rng: rng.binomial(784, 0.1, 512), 784),
    "lognormal (3, 1.2) up to 784": (
        lambda rng: np.minimum(np.round(np.exp(rng.normal(3, 1.2, 1000))), 784).astype(int), 784
    ),
    "negative binomial up to 512": (
        lambda rng: np.minimum(rng.negative_binomial(1, 0.02, 600), 512), 512
    ),
}  # fmt: skip


def tails_of_no_law(samples: int) -> None:
    print(f"\nDegrees that follow no power law, {samples} samples, x_min searched.\n")
    print("| degrees | tails below 50: bounded | unbounded | median tail: bounded | unbounded "
          "| plausible: bounded | unbounded |")  # fmt: skip
    print("|" + "---|" * 7)
    for name, (draw, high) in OTHERS.items():
        tails: dict[int | None, list[int]] = {high: [], None: []}
        plausible = Counter()
        for seed in range(samples):
            data = draw(np.random.default_rng(seed))
            for bound, found in tails.items():
                law = powerlaw.fit(data, None, bound)
                found.append(law.n_tail)
                gof = powerlaw.goodness_of_fit(data, law, stop_at=0.1, seed=seed)
                plausible[bound] += gof.p_value > 0.1
        few = [sum(n < 50 for n in tails[bound]) for bound in (high, None)]
        middle = [int(np.median(tails[bound])) for bound in (high, None)]
        print(f"| {name} | {few[0]} | {few[1]} | {middle[0]} | {middle[1]} "
              f"| {plausible[high]} | {plausible[None]} |")  # fmt: skip


def thresholds(samples: int) -> None:
    rules = {"all 2,500": None, "0.1": 0.1, "0.1 and 0.95": (0.1, 0.95)}
    decisions: dict[str, list[tuple[bool, bool]]] = {name: [] for name in rules}
    drawn = Counter()
    for seed in range(samples):
        data = np.random.default_rng(seed).zipf(2.5, 200)
        law = powerlaw.fit(data, 1)
        for name, stop_at in rules.items():
            gof = powerlaw.goodness_of_fit(data, law, stop_at=stop_at, seed=seed)
            decisions[name].append((gof.p_value > 0.1, gof.p_value >= 0.95))
            drawn[name] += gof.replicates / samples
    print(f"\nDecisions of replicates that stop early, {samples} samples of a power law.\n")
    print("| stop at | replicates, mean | differ at 0.1 | differ at 0.95 |\n|---|---|---|---|")
    for name, made in decisions.items():
        differ = [
            sum(a[i] != b[i] for a, b in zip(made, decisions["all 2,500"], strict=True))
            for i in range(2)
        ]
        print(f"| {name} | {drawn[name]:.0f} | {differ[0]} | {differ[1]} |")


def nested(samples: int) -> None:
    print(f"\nThe truncated power law on {samples} samples of 400 from a power law.\n")
    print("| exponent | largest degree | R = 0 | p < 0.05 | p < 0.05 if p were not halved |")
    print("|---|---|---|---|---|")
    for alpha, bound in ((1.5, 300), (2.2, 500), (2.2, None), (3.5, None)):
        truth = powerlaw.PowerLawFit(alpha, 0, 2, bound, 0, 0, 0, "support", 0, False)
        rng, p = np.random.default_rng(3), []
        for _ in range(samples):
            data = powerlaw.sample_tail(truth, 400, rng)
            law = powerlaw.fit(data, 2, bound)
            p.append(powerlaw.compare(data, law, "truncated_power_law").p_value)
        at = np.array(p)
        print(f"| {alpha} | {bound or 'none'} | {(at == 1).mean():.2f} | {(at < 0.05).mean():.3f} "
              f"| {(at < 0.025).mean():.3f} |")  # fmt: skip


def simplex(data: np.ndarray, law: powerlaw.PowerLawFit, rival: str) -> float:
    """The highest log-likelihood found by Nelder and Mead from each start, as once was done."""
    spec, tail = RIVALS[rival], tail_of(data, law)

    def cost(q: np.ndarray) -> float:
        value = -float(spec.log_pmf(tail.k, q[None], tail.x_min, tail.x_max)[0] @ tail.weight)
        return value / tail.n if math.isfinite(value) else 1e10

    options = {"xatol": 1e-7, "fatol": 1e-11, "maxiter": 2000, "maxfev": 4000}
    starts = np.clip(spec.starts(tail), *np.array(spec.bounds).T)
    found = [
        minimize(cost, start, method="Nelder-Mead", bounds=spec.bounds, options=options).fun
        for start in starts
    ]
    return -min(found) * tail.n


def speed() -> None:
    print("\nTime of each rival, mean over six tails, and how far its likelihood is from that of a "
          "simplex from the same starts (above 0: higher).\n")  # fmt: skip
    print("| rival | ms | simplex, ms | ratio | log-likelihood, least | most |")
    print("|---|---|---|---|---|---|")
    tails = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        for data, bound in (
            (rng.zipf(2.2, 1000), None), (between(rng, 2.0, 10, 784, 800), 784),
            (np.maximum(np.round(np.exp(rng.normal(3, 0.9, 800))), 1).astype(int), None),
        ):  # fmt: skip
            tails.append((data, powerlaw.fit(data, None, bound)))
    for rival in RIVALS:
        powerlaw.compare(*tails[0], rival)
        ours = theirs = 0.0
        differences = []
        for data, law in tails:
            start = time.perf_counter()
            made = powerlaw.compare(data, law, rival)
            middle = time.perf_counter()
            best = simplex(data, law, rival)
            ours, theirs = ours + middle - start, theirs + time.perf_counter() - middle
            differences.append(made.log_likelihood - best)
        print(f"| {rival.replace('_', ' ')} | {1e3 * ours / len(tails):.1f} "
              f"| {1e3 * theirs / len(tails):.1f} | {theirs / ours:.1f} "
              f"| {min(differences):.1e} | {max(differences):.1e} |")  # fmt: skip


def engines() -> None:
    print("\nThe same degrees by three engines: alpha.\n")
    print("| degrees | x_min | topolab | powerlaw, discrete | powerlaw, continuous |")
    print("|---|---|---|---|---|")
    rng = np.random.default_rng(3)
    for n, first in ((400, 110), (2000, 10), (2000, 2)):
        data = between(rng, 2.7, first, 100_000, n)
        found = [
            powerlaw.fit(data, first),
            powerlaw.fit_by_package(data, first),
            powerlaw.fit_by_package(data, first, discrete=False),
        ]
        alphas = " | ".join(f"{law.alpha:.3f}" for law in found)
        print(f"| {n} of exponent 2.7 | {first} | {alphas} |")


KNOWN: dict[str, tuple[Draw, str]] = {
    "power law, exponent 2.5": (lambda rng: rng.zipf(2.5, 1500), "0.667"),
    "power law, exponent 3.5": (lambda rng: rng.zipf(3.5, 1500), "0.4"),
    "the same law from 40 to 1,296": (lambda rng: between(rng, 2.0, 40, 1296, 1500), "ends"),
    "lognormal (3, 0.8)": (
        lambda rng: np.round(np.exp(rng.normal(3, 0.8, 1500))).astype(int), "0"
    ),
    "geometric": (lambda rng: rng.geometric(0.05, 1500), "0"),
    "binomial, 784 at 10 %": (lambda rng: rng.binomial(784, 0.1, 1500), "0"),
}  # fmt: skip


def indices(samples: int) -> None:
    print(f"\nTail indices of {samples} samples of 1,500: mean (standard deviation).\n")
    print("| degrees | xi | Hill | moments | kernel | categories |\n|---|---|---|---|---|---|")
    for name, (draw, truth) in KNOWN.items():
        xi, words = [], Counter()
        for seed in range(samples):
            values = tail_index.add_noise(draw(np.random.default_rng(seed)), seed)
            made = [
                estimate(values, seed=seed)
                for estimate in (tail_index.hill, tail_index.moments, tail_index.kernel)
            ]
            xi.append([index.xi for index in made])
            words[tail_index.category(made)] += 1
        shown = " | ".join(
            f"{mean:.2f} ({sd:.2f})"
            for mean, sd in zip(np.nanmean(xi, axis=0), np.nanstd(xi, axis=0), strict=True)
        )
        counted = ", ".join(f"{words[word]} {word or 'none'}" for word in
                            (*tail_index.CATEGORIES, "") if words[word])  # fmt: skip
        print(f"| {name} | {truth} | {shown} | {counted} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=100)
    samples = parser.parse_args().samples
    bounds(samples)
    tails_of_no_law(samples)
    thresholds(3 * samples)
    nested(5 * samples)
    speed()
    engines()
    indices(max(5, samples // 5))


if __name__ == "__main__":
    main()
