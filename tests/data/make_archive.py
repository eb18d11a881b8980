"""Made the archived run of format version 1. Run once per version; the result is committed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import topolab

HERE = Path(__file__).resolve().parent / "archives"


def main() -> None:
    rng = np.random.default_rng(1)
    layers = (
        topolab.LayerSpec("conv1", "conv", (2, 1, 3, 3), image_shape=(1, 5, 5)),
        topolab.LayerSpec("fc1", "linear", (10, 18)),
        topolab.LayerSpec("fc2", "linear", (3, 10), maskable=False),
    )
    counts = {"conv1": 9, "fc1": 60}
    positions = {}
    config = {"made_for": "format version 1"}
    with topolab.Recorder(HERE / "v1", layers=layers, config=config, seed=1) as recorder:
        for index in range(3):
            masks = {"fc2": np.ones((3, 10), bool)}
            for layer in layers[:2]:
                mask = np.zeros(layer.size, bool)
                mask[rng.choice(layer.size, counts[layer.name], replace=False)] = True
                masks[layer.name] = mask.reshape(layer.shape)
            weights = {"fc1": rng.normal(size=(10, 18)).astype(np.float32)}
            step = 100 * index
            recorder.record(
                step, masks, epoch=index / 2, weights=weights,
                metrics={"test_accuracy": 0.25 * (index + 1)},
            )  # fmt: skip
            positions[str(step)] = {n: np.flatnonzero(m).tolist() for n, m in masks.items()}
    run = topolab.open_run(HERE / "v1")
    expected = {
        "identity": run.identity,
        "digests": [snapshot.digest for snapshot in run],
        "positions": positions,
    }
    (HERE / "v1.json").write_text(json.dumps(expected) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
