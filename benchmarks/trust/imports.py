"""Every convention that can be imported, as its own project writes it, to be damaged."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from targets import Ask, Target

from topolab.importers import import_run

__all__ = ["import_targets"]

#: Bytes that an array may claim: half of what a case may grow by.
CLAIM = 2**29
WRITERS = Path(__file__).parents[2] / "tests" / "topolab" / "importers" / "conftest.py"


def _writers() -> ModuleType:
    """The writers of the importers' own tests."""
    spec = importlib.util.spec_from_file_location("trust_writers", WRITERS)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _series(writers: ModuleType) -> list[Any]:
    """Two checkpoints: hidden layers 70 % sparse, the last one dense."""
    found = []
    for step in (10, 20):
        rng = np.random.default_rng(step)
        masks = {name: rng.random(shape) < 0.3 for name, shape in writers.SHAPES.items()}
        masks["fc3"][:] = True
        weights = {
            name: (rng.normal(size=mask.shape) * mask).astype(np.float32)
            for name, mask in masks.items()
        }
        found.append(writers.SeriesPoint(step, masks, weights))
    return found


def _target(name: str, layout: Any, writers: ModuleType) -> Target:
    def make(folder: Path) -> None:
        (folder / "series").mkdir()
        layout.write(folder / "series", _series(writers))

    def imported(folder: Path) -> Any:
        run = import_run(folder / "series", folder / "imported", max_bytes=CLAIM, **layout.options)
        return [[[s.masks[k.name], s.weights[k.name]] for k in run.layers] for s in run]

    def read(folder: Path, ask: Ask) -> None:
        ask("import", lambda: imported(folder))

    # Other people's formats carry no checksums: nobody can tell that a weight is another.
    return Target(f"import: {name}", make, read, ("series/**/*.*",), checked=False)


def import_targets() -> list[Target]:
    """A target for every layout that the importers' tests write."""
    writers = _writers()
    return [_target(name, layout, writers) for name, layout in sorted(writers.LAYOUTS.items())]
