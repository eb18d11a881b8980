"""Short runs whose every byte is known: one for each kind of method, engine, network and table.

``python tests/golden/runs.py`` trains them, analyses them, and holds their hashes against
``hashes.json`` (numbers of tables to ten digits); ``--write`` writes that file anew, which is
right only where a change of numbers is meant.

Rounding depends on the processor and on torch's version, so hashes are kept under the hash of a
small calculation by torch alone (`machine`): where that differs, there is nothing to compare with.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

import topolab

HASHES = Path(__file__).parent / "hashes.json"
SMALL: dict[str, Any] = {
    "data": "digits", "hidden": (24, 16), "epochs": 2, "batch_size": 64, "seed": 3, "threads": 1,
}  # fmt: skip
DYNAMIC = {**SMALL, "sparsity": 0.8, "update_every": 7}
EVERYTHING = ("weights", "activity", "gradient")

#: name -> (method, settings)
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "dense": ("dense", SMALL),
    "static": ("static", {**SMALL, "sparsity": 0.8}),
    "psn": ("psn", {**SMALL, "sparsity": 0.8, "init": "lognormal", "ccv": 0.6}),
    "rigl": ("rigl", {**DYNAMIC, "record": EVERYTHING}),
    "rigl-csr": ("rigl", {**DYNAMIC, "engine": "csr"}),
    "rigl-masked-gradient": ("rigl", {**DYNAMIC, "gradient": "masked"}),
    "set": ("set", {**DYNAMIC, "record": ("weights",)}),
    "random": ("random", DYNAMIC),
    "random-inactive": ("random", {**DYNAMIC, "candidates": "inactive-before"}),
    "switched": ("random", {**DYNAMIC, "switch_at": 0.5, "switch_grow": "gradient"}),
    "momentum": ("momentum", {**DYNAMIC, "redistribute": "momentum"}),
    "srigl": ("srigl", DYNAMIC),
    "nist": ("nist", {**SMALL, "prune_to": 0.85, "neuroseeds": (3, 8, 5), "epochs": 5}),
    "lottery": ("lottery", {**DYNAMIC, "rounds": 2, "epochs": 1}),
    "snip": ("snip", {**SMALL, "sparsity": 0.8}),
    "grasp": ("grasp", {**SMALL, "sparsity": 0.8}),
    "synflow": ("synflow", {**SMALL, "sparsity": 0.8}),
    "sgd": ("set", {**DYNAMIC, "optimizer": "sgd", "lr": 0.05, "lr_schedule": "nsh"}),
    "updated-each-epoch": ("set", {**DYNAMIC, "update_every": "epoch", "dense_output": False}),
}
#: Trained together as one program.
TOGETHER: dict[str, tuple[str, dict[str, Any]]] = {
    "together-set": ("set", {**DYNAMIC, "seed": 1}),
    "together-random": ("random", {**DYNAMIC, "seed": 2}),
    "together-rigl": ("rigl", {**DYNAMIC, "seed": 1, "sparsity": 0.9}),
    "together-rigl-2": ("rigl", {**DYNAMIC, "seed": 2, "sparsity": 0.9}),
}
#: Whose tables are kept too, from every analysis.
ANALYSED = ("rigl", "set", "static", "together-rigl")


def machine() -> str:
    """A name for how this processor and this torch round."""
    draw = torch.Generator().manual_seed(0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        weights = [torch.randn(a, b, generator=draw) for a, b in ((64, 24), (24, 16), (16, 10))]
        for weight in weights:
            weight.requires_grad_()
        optimizer = torch.optim.Adam(weights, 1e-3, fused=True)
        for _ in range(5):
            x = torch.randn(64, 64, generator=draw)
            for weight in weights:
                x = torch.nn.functional.layer_norm(x @ weight, (weight.shape[1],)).relu()
            loss = torch.nn.functional.cross_entropy(x, torch.arange(64) % 10)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    finally:
        torch.set_num_threads(threads)
    found = hashlib.sha256(torch.__version__.encode())
    for weight in weights:
        found.update(weight.detach().numpy().tobytes())
    return found.hexdigest()[:16]


def of_run(run: topolab.Run) -> dict[str, str]:
    """Hashes of what a training wrote: all snapshots, the final weights, the configuration."""
    snapshots = hashlib.sha256()
    for path in sorted((run.path / "snapshots").iterdir()):
        snapshots.update(path.name.encode() + path.read_bytes())
    config = json.dumps(run.config, sort_keys=True).encode()
    return {
        "snapshots": snapshots.hexdigest()[:24],
        "final": hashlib.sha256((run.path / "final.safetensors").read_bytes()).hexdigest()[:24],
        "config": hashlib.sha256(config).hexdigest()[:24],
    }


def of_tables(run: topolab.Run, only: list[str] | None = None) -> dict[str, str]:
    """Hashes of every table that the analyses make of a run."""
    found = {}
    for name, result in topolab.analyse(run, only, cache=False).items():
        for table, frame in result.tables.items():
            text = frame.to_csv(index=False, float_format="%.10g")
            key = table if table == name else f"{name}/{table}"
            found[key] = hashlib.sha256(text.encode()).hexdigest()[:24]
    return found


def train(folder: Path) -> dict[str, topolab.Run]:
    """Every run."""
    runs = {}
    for name, (method, settings) in RUNS.items():
        runs[name] = topolab.train(method, folder / name, **settings)
    from topolab_trainers.recipes import PlannedRun

    plan = [PlannedRun(name, method, settings) for name, (method, settings) in TOGETHER.items()]
    runs |= {run.name: run for run in topolab.train(plan, folder, batched=True)}
    return runs


def hashes(folder: Path) -> dict[str, Any]:
    """Of every run and of the tables of some."""
    runs = train(folder)
    return {
        "runs": {name: of_run(run) for name, run in runs.items()},
        "tables": {name: of_tables(runs[name]) for name in ANALYSED},
    }


def differences(found: dict[str, Any], expected: dict[str, Any], at: str = "") -> list[str]:
    """Where two nested dictionaries differ, as paths."""
    out = []
    for key in sorted(set(found) | set(expected)):
        a, b = found.get(key), expected.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            out += differences(a, b, f"{at}/{key}")
        elif a != b:
            out.append(f"{at}/{key}: {b} expected, {a} found")
    return out


def main() -> int:
    kept = json.loads(HASHES.read_text()) if HASHES.exists() else {}
    name = machine()
    with tempfile.TemporaryDirectory() as folder:
        found = hashes(Path(folder))
    if "--write" in sys.argv:
        HASHES.write_text(json.dumps({**kept, name: found}, indent=1, sort_keys=True) + "\n")
        print(f"written for {name}")
        return 0
    if name not in kept:
        print(f"no hashes are kept for {name}; there are some for {', '.join(kept) or 'none'}")
        return 4
    wrong = differences(found, kept[name])
    print("\n".join(wrong) or f"all {len(found['runs'])} runs and their tables are as they were")
    return 3 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
