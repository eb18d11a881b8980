"""The tables of docs/evidence.md, from finished runs of recipes.

    topolab train --recipe psn-fashion-mnist  --seeds 42,123 --out runs/evidence/psn
    topolab train --recipe rigl-variants      --seeds 42     --out runs/evidence/variants
    topolab train --recipe rigl-variants --seeds 123 --out runs/evidence/variants \\
        --only textbook-uniform,masked-torch-uniform,masked-torch-erk,masked-torch-lognormal-2.5
    topolab train --recipe selection-fashion-mnist --out runs/evidence/selection
    python benchmarks/evidence.py runs/evidence

The gradient ratio has a script of its own, gradient_ratio.py.
Prints Markdown; nothing is computed but what is said, and no run is left out.
"""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd

import topolab
from topolab_analyses.judgement import CLAIMS, pool

LAYERS = ("fc1", "fc2")


def ccv(run: topolab.Run, index: int, layer: str) -> float:
    fan_in = run[index].masks[layer].sum(axis=1)
    return float(fan_in.std() / fan_in.mean())


def grouped(folder: Path) -> dict[str, list[topolab.Run]]:
    """Finished runs by name without the seed, in the order they were made."""
    found: dict[str, list[topolab.Run]] = {}
    runs = [run for run in topolab.runs(folder) if run.state == "done"]
    for run in sorted(runs, key=lambda run: run.manifest["created"]):
        found.setdefault(re.sub(r"-s\d+$", "", run.name), []).append(run)
    return found


def accuracies(folder: Path) -> None:
    print("| first masks | fan-in CCV, fc1 | test accuracy, % | mean | epochs to 95 % |")
    print("|---|---|---|---|---|")
    means = {}
    for name, runs in grouped(folder).items():
        values = [100 * run.summary["test_accuracy"] for run in runs]
        means[name] = float(np.mean(values))
        each = ", ".join(f"{v:.2f}" for v in values)
        reached = ", ".join(str(run.summary["epochs_to_95"]) for run in runs)
        print(
            f"| {name} | {ccv(runs[0], -1, 'fc1'):.2f} | {each} | {means[name]:.2f} | {reached} |"
        )
    sparse = {k: v for k, v in means.items() if k != "dense"}
    spread = max(sparse.values()) - min(sparse.values())
    print(f"\nMeans of the sparse ones spread over {spread:.2f} points.")
    if "random" in sparse:
        better = {k: v - sparse["random"] for k, v in sparse.items() if v > sparse["random"]}
        seeds = [100 * run.summary["test_accuracy"] for run in grouped(folder)["random"]]
        print(
            f"Above random: {', '.join(f'{k} (+{v:.2f})' for k, v in better.items()) or 'none'}; "
            f"the seeds of random alone differ by {max(seeds) - min(seeds):.2f}."
        )


def variants(folder: Path) -> None:
    print("| update, initial weights, first masks | sparsity | CCV at the start, fc1, fc2 "
          "| at the end, fc1, fc2 "
          "| hubs' median place, fc1 | all-or-none CCV | end, mean, over all-or-none "
          "| accuracy, % |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for name, runs in grouped(folder).items():
        for run in runs:
            s = run.config["sparsity"]
            start = ", ".join(f"{ccv(run, 0, layer):.2f}" for layer in LAYERS)
            ends = [ccv(run, -1, layer) for layer in LAYERS]
            end = ", ".join(f"{value:.2f}" for value in ends)
            extreme = math.sqrt(s / (1 - s))
            fan_in = run[-1].masks["fc1"].sum(axis=1)
            top = np.argsort(-fan_in, kind="stable")[: max(1, round((1 - s) * len(fan_in)))]
            place = float(np.median(top)) / len(fan_in)
            print(
                f"| {name} | {s} | {start} | {end} | {place:.2f} | {extreme:.2f} | "
                f"{np.mean(ends) / extreme:.2f} | "
                f"{100 * run.summary['test_accuracy']:.2f} |"
            )


def selection(folder: Path) -> None:
    runs = [(name, run) for name, of_name in grouped(folder).items() for run in of_name]
    accuracy: dict[str, list[float]] = {}
    tables, scores = [], []
    for name, run in runs:
        accuracy.setdefault(name, []).append(100 * run.summary["test_accuracy"])
        found = topolab.analyse(run, ["selection", "prediction"], progress=False)
        tables.append(found["selection"].table.assign(group=name, run=run.name))
        scores.append(found["prediction"].table.assign(group=name, run=run.name))
    table = pd.concat(tables, ignore_index=True)
    exponents(table, accuracy)
    laws(table)
    words(pool(table))
    forecasts(pd.concat(scores, ignore_index=True))


def span(values: pd.Series, form: str = ".2f") -> str:
    """Mean, smallest and largest."""
    known = values.dropna()
    if known.empty:
        return "-"
    low, high = format(known.min() + 0.0, form), format(known.max() + 0.0, form)
    return f"{known.mean() + 0.0:{form}} ({low} to {high})" if low != high else low


def exponents(table: pd.DataFrame, accuracy: dict[str, list[float]]) -> None:
    print("| method | accuracy, % | layer | gain exponent | within neurons | SD of fitness "
          "| loss exponent | poor that became dormant (by chance) | edges of those first poor |"
          "\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for (name, layer), part in table.groupby(["group", "layer"], sort=False):
        print(
            f"| {name} | {np.mean(accuracy[name]):.2f} | {layer} | {span(part['gain_slope'])} "
            f"| {span(part['within'])} | {span(part['fitness_spread'])} "
            f"| {span(part['loss_slope'])} | {part['dormant'].sum()} "
            f"({part['dormant_null'].sum():.1f}) | {span(part['drift'], '+.2f')} |"
        )


def laws(table: pd.DataFrame) -> None:
    print(
        "\n| method | layer | alpha | x_min | neurons in the tail | p | a rival that beats it "
        "| plausible, CSN's rule (x_min = 110) | plausible, NSH's rule (x_min = 110) |"
        "\n|---|---|---|---|---|---|---|---|---|"
    )
    for (name, layer), part in table.groupby(["group", "layer"], sort=False):
        p = ", ".join(f"{value:.2f}" for value in part["p_law"])
        rivals = part.loc[part["best_rival"] != "", "best_rival"].value_counts()
        counts = {
            rule: int((part[rule] == "plausible").sum())
            for rule in ("csn_rule", "paper_rule", "csn_rule_fixed", "paper_rule_fixed")
        }
        print(
            f"| {name} | {layer} | {span(part['alpha'])} | {span(part['x_min'], '.0f')} "
            f"| {span(part['n_tail'], '.0f')} | {p} "
            f"| {', '.join(f'{k.replace(chr(95), chr(32))} {v}' for k, v in rivals.items())} "
            f"| {counts['csn_rule']} ({counts['csn_rule_fixed']}) of {len(part)} "
            f"| {counts['paper_rule']} ({counts['paper_rule_fixed']}) of {len(part)} |"
        )


def words(pooled: pd.DataFrame) -> None:
    print("\n| method | layer | power law | attachment | decay | verdict | one by one |"
          "\n|---|---|---|---|---|---|---|")  # fmt: skip
    for _, row in pooled.iterrows():
        print(
            f"| {row['group']} | {row['layer']} | {row['power_law']} | {row['attachment']} "
            f"| {row['decay']} | {row['verdict']} | {row['tally']} |"
        )
    print()
    for _, row in pooled.iterrows():
        said = " ".join(row[f"why_{claim}"] for claim in CLAIMS)
        print(f"- {row['group']}, {row['layer']}: {said}")


def forecasts(scores: pd.DataFrame) -> None:
    print("\n| method | layer | kernel | by degree | by fitness | by both |")
    print("|---|---|---|---|---|---|")
    for (name, layer, kernel, _), part in scores[scores["end"] != "out"].groupby(
        ["group", "layer", "kernel", "end"], sort=False
    ):
        total = scores[(scores["group"] == name) & (scores["layer"] == layer)]
        if "total" in set(total["end"]) and part["end"].iloc[0] != "total":
            continue
        each = [part.loc[part["model"] == m, "score"] for m in ("degree", "fitness", "both")]
        print(f"| {name} | {layer} | {kernel} | {' | '.join(span(x, '.3f') for x in each)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with psn, variants or selection inside")
    options = parser.parse_args()
    parts = {"psn": accuracies, "variants": variants, "selection": selection}
    for name, draw in parts.items():
        if (options.folder / name).is_dir():
            print(f"\n### {name}\n")
            draw(options.folder / name)


if __name__ == "__main__":
    main()
