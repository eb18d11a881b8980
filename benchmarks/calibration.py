"""Is the goodness of fit calibrated, and are attachment kernels recovered? Prints and draws both.

    python benchmarks/calibration.py [--samples 500] [--runs 60] [--out docs/images]

1. p-values of true power laws must be uniform; lognormal samples should be rejected.
2. Exponents put into a synthetic rewiring must come out again (attachment_calibration.py, which
   also runs alone).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import attachment_calibration
import igraph
import matplotlib
import numpy as np
import powerlaw as powerlaw_package
from attachment_calibration import rewire
from scipy.stats import kstest

from topolab.metrics import powerlaw
from topolab.metrics.attachment import fit_kernel

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, NullLocator

TRUTH = powerlaw.PowerLawFit(2.5, 0, 6, None, 0, 0, 0, "support", 0, False)


def heavy(rng: np.random.Generator, n: int) -> np.ndarray:
    """A power law above 6 with a body below that is none."""
    in_tail = rng.binomial(n, 0.6)
    return np.concatenate(
        [powerlaw.sample_tail(TRUTH, in_tail, rng), rng.choice([1, 2, 3, 4, 5], n - in_tail)]
    )


def wide(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.maximum(np.round(np.exp(rng.normal(3.0, 0.8, n))), 1).astype(int)


def p_values(samples: int, replicates: int) -> dict[str, np.ndarray]:
    names = ("fixed", "searched", "searched, no body")
    found: dict[str, list[float]] = {name: [] for name in names}
    rng = np.random.default_rng(0)
    for seed in range(samples):
        data, pure = heavy(rng, 500), powerlaw.sample_tail(TRUTH, 500, rng)
        for name, x_min in zip(names, (6, None, None), strict=True):
            data = pure if name == "searched, no body" else data
            law = powerlaw.fit(data, x_min)
            gof = powerlaw.goodness_of_fit(data, law, replicates=replicates, seed=seed)
            found[name].append(gof.p_value)
    return {name: np.array(values) for name, values in found.items()}


def power(samples: int) -> None:
    print("\nLognormal samples (mu 3, sigma 0.8), x_min searched; shares of samples.\n")
    print("| n | power law rejected, p <= 0.1 | lognormal favoured, p < 0.05 | median tail |")
    print("|---|---|---|---|")
    for n in (100, 300, 1000, 3000):
        rng = np.random.default_rng(n)
        rejected = favoured = 0
        tails = []
        for seed in range(samples):
            data = wide(rng, n)
            law = powerlaw.fit(data)
            gof = powerlaw.goodness_of_fit(data, law, replicates=500, seed=seed, stop_at=0.1)
            rejected += gof.p_value <= 0.1
            favoured += powerlaw.compare(data, law, "lognormal").favours == "lognormal"
            tails.append(law.n_tail)
        print(f"| {n} | {rejected / samples:.2f} | {favoured / samples:.2f} "
              f"| {int(np.median(tails))} |")  # fmt: skip


def words() -> None:
    """The word frequencies of Clauset, Shalizi and Newman, which the powerlaw package ships."""
    data = np.loadtxt(Path(powerlaw_package.__file__).parent / "reference_data" / "words.txt")
    law = powerlaw.fit(data)
    gof = powerlaw.goodness_of_fit(data, law, replicates=5000)
    error = powerlaw.bootstrap(data, replicates=500)
    print("\nWord frequencies (18,855 values).\n")
    print("| | ours | CSN |\n|---|---|---|")
    print(f"| x_min | {law.x_min} +- {error.x_min:.1f} | 7 +- 2 |")
    print(f"| alpha | {law.alpha:.5f} +- {error.alpha:.3f} | 1.95 +- 0.02 |")
    print(f"| n_tail | {law.n_tail} +- {error.n_tail:.0f} | 2958 +- 987 |")
    whole = data.astype(int).tolist()
    theirs = str(igraph.power_law_fit(whole)).split("p-value")[1].split()[1]
    print(f"| p, 5,000 replicates | {gof.p_value:.3f} (igraph: {float(theirs):.3f}) | 0.49 |")
    published = {"lognormal": "0.395 (0.69)", "exponential": "9.09 (0.00)",
                 "stretched_exponential": "4.13 (0.00)", "truncated_power_law": ""}  # fmt: skip
    for rival, theirs in published.items():
        made = powerlaw.compare(data, law, rival)
        shown = made.ratio if made.nested else made.normalised
        print(f"| {rival.replace('_', ' ')}{', R' if made.nested else ', normalised R'} (p) "
              f"| {shown:.3f} ({made.p_value:.2g}) | {theirs} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=60, help="of every planted kernel")
    parser.add_argument("--out", type=Path, default=None, help="folder for the two figures")
    options = parser.parse_args()
    found = p_values(options.samples, options.replicates)
    print(f"p of {options.samples} samples of a power law (alpha 2.5 from 6 on, n 500, 60 % in the "
          f"tail or all of them), {options.replicates} replicates each.\n")  # fmt: skip
    print("| x_min | mean p | share p <= 0.05 | <= 0.1 | <= 0.5 | KS test of uniformity, p |")
    print("|---|---|---|---|---|---|")
    for name, p in found.items():
        shares = " | ".join(f"{(p <= level).mean():.3f}" for level in (0.05, 0.1, 0.5))
        print(f"| {name} | {p.mean():.3f} | {shares} | {kstest(p, 'uniform').pvalue:.3f} |")
    power(max(20, options.samples // 5))
    words()

    attachment_calibration.report(options.runs)
    if options.out is None:
        return
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    grid = np.linspace(0, 1, 200)
    for name, p in found.items():
        axes[0].step(np.sort(p), np.arange(1, len(p) + 1) / len(p), where="post", label=name)
    axes[0].plot(grid, grid, color="0.6", lw=1, zorder=0)
    axes[0].set(xlabel="p-value", ylabel="share of samples with at most this p",
                title="Goodness of fit of true power laws")  # fmt: skip
    axes[0].legend(title="x_min", frameon=False)
    for truth in (0.0, 0.5, 1.0):
        made = rewire(np.random.default_rng(7), truth, 0.0, drop=0.3, updates=90, shape=(500, 400))
        kernel = fit_kernel(made.gained, made.room)
        known = kernel.events >= 30
        k, value = kernel.mean_degree[known], kernel.value[known]
        low, high = kernel.value_low[known], kernel.value_high[known]
        (line,) = axes[1].plot(k, value, "o", ms=3.5, label=f"{truth:g}")
        axes[1].vlines(k, low, high, color=line.get_color(), lw=1)
        expected = np.maximum(kernel.mean_degree, 1) ** truth
        expected *= np.nansum(kernel.value * kernel.expected) / np.nansum(
            expected * kernel.expected
        )
        axes[1].plot(k, expected[known], color=line.get_color(), lw=1, alpha=0.6)
    axes[1].set(xscale="log", yscale="log", xlabel="degree (edges)", ylabel="gain kernel (1)",
                title="Kernels put in (lines) and found")  # fmt: skip
    for axis, at in ((axes[1].xaxis, (5, 10, 20, 40, 80)), (axes[1].yaxis, (0.2, 0.5, 1, 2))):
        axis.set_major_locator(FixedLocator(at))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
    axes[1].legend(title="exponent", frameon=False)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    path = options.out / "calibration.png"
    figure.savefig(path, dpi=150)
    print(f"\nDrawn: {path}")


if __name__ == "__main__":
    main()
