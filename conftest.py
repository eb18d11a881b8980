"""Fixtures for every test and doctest."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import topolab

pytest_plugins = ["long_form"]

# Callbacks of packages that are not installed cannot be imported, so their examples cannot run.
collect_ignore = [
    f"topolab/integrations/{name}.py"
    for name in ("lightning", "transformers")
    if find_spec(name) is None
]


def pytest_collect_file(file_path: Path) -> None:
    """Import a module of ours as Python does, before pytest imports it for its doctests.

    pytest would execute it once more where the package around it has imported it already, and of
    every class and function in it there would be two.
    """
    if file_path.suffix != ".py" or file_path.stem in ("__init__", "__main__"):
        return
    parts = [file_path.stem]
    folder = file_path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    if len(parts) > 1:
        with suppress(ImportError):  # what cannot be imported is pytest's to say
            import_module(".".join(parts))


def record_example(
    path: Path, *, snapshots: int = 4, seed: int = 7, method: str = "set", rich: bool = False
) -> topolab.Run:
    """A small run with random rewiring: 6 x 6 inputs, hidden layers of 24 and 16, 4 outputs.

    A rich one has weights, activity and gradients too.
    """
    rng = np.random.default_rng(seed)
    layers = (
        topolab.LayerSpec("fc1", "linear", (24, 36), image_shape=(1, 6, 6)),
        topolab.LayerSpec("fc2", "linear", (16, 24)),
        topolab.LayerSpec("fc3", "linear", (4, 16), maskable=False),
    )
    masks = {layer.name: np.ones(layer.shape, dtype=bool) for layer in layers}
    for name in ("fc1", "fc2"):
        masks[name] = rng.random(masks[name].shape) < 0.2
    config = {"method": method, "sparsity": 0.8, "epochs": snapshots - 1}
    data = {"name": "random", "sha256": "0" * 64}
    with topolab.Recorder(path, layers=layers, config=config, seed=seed, data=data) as recorder:
        for index in range(snapshots):
            metrics = {"test_accuracy": 1 - 0.5 ** (index + 1), "train_loss": 0.5**index}
            more: dict[str, Any] = {}
            if rich:
                metrics |= {"dropped.fc1": 5.0, "dropped.fc2": 4.0} if index else {}
                more = {
                    "weights": {n: m * rng.normal(size=m.shape) for n, m in masks.items()},
                    "activity": {n: rng.random(len(m)) for n, m in masks.items()},
                    "gradient": {n: rng.random(len(m)) for n, m in masks.items()},
                }
            recorder.record(10 * index, masks, epoch=float(index), metrics=metrics, **more)
            for name in ("fc1", "fc2"):
                flat = masks[name].copy().reshape(-1)
                moved = min(5, int(flat.sum()))
                dropped = rng.choice(np.flatnonzero(flat), moved, replace=False)
                grown = rng.choice(np.flatnonzero(~flat), moved, replace=False)
                flat[dropped], flat[grown] = False, True
                masks[name] = flat.reshape(masks[name].shape)
    return topolab.open_run(path)


@pytest.fixture
def example_run(tmp_path: Path) -> topolab.Run:
    """A finished run of four snapshots."""
    return record_example(tmp_path / "example")
