"""PSN's gradient ratio on its own grid, untrained and trained, read in two ways; as Markdown.

    python benchmarks/gradient_ratio.py                    # untrained networks, five seeds
    python benchmarks/gradient_ratio.py --seeds 42
    topolab train --recipe psn-gradient-ratio --seeds 42 --out runs/ratio
    python benchmarks/gradient_ratio.py --trained runs/ratio

It needs MNIST (`topolab data mnist`). Networks and batches are those of the recipe
psn-gradient-ratio: a network is built, one training batch goes forward and back, none is trained.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy import stats

import topolab
from topolab.metrics.degree import ccv
from topolab.metrics.hierarchy import fan_in_ratio, gradient_ratio
from topolab.registry import find
from topolab_trainers.measures import probe_gradient
from topolab_trainers.network import make_network
from topolab_trainers.recipes import PlannedRun, find_recipe
from topolab_trainers.seeds import generator

RECIPE = "psn-gradient-ratio"
SHOWN = ("random", "quadratic", "linear", "bell", "exponential", "k1-b12", "k5-b12", "k1-b50",
         "k2-b50", "k5-b50", "k10-b50", "k1-b1200", "k2-b1200", "k5-b1200", "k10-b1200",
         "k20-b1200", "k50-b1200")  # fmt: skip
#: What is shown, and correlated with the fan-in CCV.
READINGS = {
    "all": "all entries",
    "active": "active weights",
    "fan_in_ratio": "fan-in alone",
    "unmasked": "unmasked gradient",
}


def measured(planned: PlannedRun, batch: int) -> Iterator[dict[str, object]]:
    """Rows of an untrained network, one for each masked layer."""
    method = find("methods", planned.method)()
    config = method.configure(**{**planned.settings, "engine": "masked"})
    dataset = find("datasets", config.data).load()
    network = make_network(method, config, dataset)
    storages = network.stored(config, frozenset())
    order = torch.randperm(len(dataset.x_train), generator=generator(config.seed, "probe"))
    x, y = (torch.from_numpy(a)[order[:batch]] for a in (dataset.x_train, dataset.y_train))
    gradient, _ = probe_gradient(network.model, storages, x, y)
    torch.nn.functional.cross_entropy(network.model(x), y).backward()
    for layer in network.layers:
        if layer.maskable:
            fan_in = network.masks[layer.name].sum(1).numpy()
            dense = storages[layer.name].gradient().abs().mean(1).numpy()
            order = np.argsort(-fan_in, kind="stable")
            half = len(order) // 2
            yield {
                "name": planned.name.rpartition("-s")[0],
                "seed": config.seed,
                "layer": layer.name,
                "ccv": ccv(fan_in),
                "all": gradient_ratio(gradient[layer.name].numpy(), fan_in, reading="all"),
                "active": gradient_ratio(gradient[layer.name].numpy(), fan_in),
                "fan_in_ratio": fan_in_ratio(fan_in),
                "unmasked": float(dense[order[:half]].mean() / dense[order[-half:]].mean()),
            }


def trained(folder: Path) -> pd.DataFrame:
    """The same of finished runs of the recipe, at every epoch, from the analysis `gradient`."""
    parts = []
    for run in topolab.runs(folder):
        table = topolab.analyse(run, ["gradient"])["gradient"].tables["gradient"]
        table = table[table["source"] != "none"]
        name, _, seed = run.name.rpartition("-s")
        parts.append(
            table.rename(
                columns={"ratio_all": "all", "ratio_active": "active", "fan_in_ccv": "ccv"}
            ).assign(name=name, seed=int(seed))
        )
    return pd.concat(parts, ignore_index=True)


def profiles(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Means over seeds of some profiles, layer by layer."""
    layers = list(table["layer"].unique())
    names = ", ".join(layers)
    print(f"| profile | fan-in CCV | {' | '.join(f'{READINGS[c]}, {names}' for c in columns)} |")
    print("|---" * (2 + len(columns)) + "|")
    mean = table.groupby(["name", "layer"])[["ccv", *columns]].mean()
    for name in SHOWN:
        if name in mean.index:
            cells = [", ".join(f"{mean.loc[(name, layer), c]:.2f}" for layer in layers)
                     for c in columns]  # fmt: skip
            print(f"| {name} | {mean.loc[(name, layers[0]), 'ccv']:.2f} | {' | '.join(cells)} |")


def correlations(table: pd.DataFrame, columns: Sequence[str], title: str = "") -> None:
    """Of ratio and CCV over the grid: Pearson's r, also of the logarithm, and Spearman's rho."""
    grid = table[table["name"].str.startswith("k")]
    layers = list(grid["layer"].unique())
    print(f"| {title or 'entries'} | layer | runs | r | r of the logarithm | rank correlation |")
    print("|---|---|---|---|---|---|")
    both = grid.groupby(["name", "seed"], as_index=False)[["ccv", *columns]].mean()
    for column in columns:
        for layer in (*layers, "mean of both"):
            part = both if layer == "mean of both" else grid[grid["layer"] == layer]
            part = part.dropna(subset=[column])
            x, y = part["ccv"].to_numpy(), part[column].to_numpy()
            r, log_r = np.corrcoef(x, y)[0, 1], np.corrcoef(x, np.log(y))[0, 1]
            rho = stats.spearmanr(x, y).statistic
            numbers = f"{r:.2f} | {log_r:.2f} | {rho:.2f}"
            print(f"| {READINGS[column]} | {layer} | {len(part)} | {numbers} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", help="of untrained networks, such as 42,123")
    parser.add_argument("--batch", type=int, default=128, help="training samples of the pass")
    parser.add_argument(
        "--trained", type=Path, help="folder of finished runs of the recipe instead"
    )
    options = parser.parse_args()
    if options.trained:
        table = trained(options.trained)
        columns: Sequence[str] = ("all", "active")
        for epoch, part in table.groupby("epoch"):
            print(f"\nAfter {epoch:g} epoch(s):\n")
            profiles(part, columns)
            print()
            correlations(part, columns)
        return
    seeds = [int(s) for s in options.seeds.split(",")] if options.seeds else None
    rows = []
    for planned in find_recipe(RECIPE).plan(seeds=seeds):
        rows += list(measured(planned, options.batch))
        print(f"\r{planned.name:<20}", end="", file=sys.stderr)
    table = pd.DataFrame(rows)
    profiles(table, tuple(READINGS))
    print()
    correlations(table, tuple(READINGS))


if __name__ == "__main__":
    main()
