"""The small network that most analyses are worked out for by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import topolab
from topolab.api import analyse

# Four inputs in a 2 x 2 image, three hidden neurons, two outputs:
#   h0 reads 0, 1, 2; h1 reads 0 and feeds nobody; h2 reads nothing and feeds output 1.
LAYERS = (
    topolab.LayerSpec("fc1", "linear", (3, 4), image_shape=(1, 2, 2)),
    topolab.LayerSpec("fc2", "linear", (2, 3)),
)
MASKS = {
    "fc1": np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]),
    "fc2": np.array([[1, 0, 0], [1, 0, 1]]),
}
LATER = {**MASKS, "fc1": np.array([[0, 0, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0]])}


def recorded(
    path: Path, frames: list[dict[str, Any]], layers: Any = LAYERS, **more: list[Any]
) -> topolab.Run:
    """A run of these masks, at steps and epochs 0, 1, ..."""
    with topolab.Recorder(path, layers=layers) as recorder:
        for i, masks in enumerate(frames):
            extra = {k: v[i] for k, v in more.items()}
            recorder.record(i, masks, epoch=float(i), **extra)
    return topolab.open_run(path)


def first(run: topolab.Run, name: str, table: str | None = None, **parameters: Any) -> pd.DataFrame:
    """The rows of a table at step 0; all of them where it has no steps."""
    frame = analyse(run, [name], parameters={name: parameters})[name].tables[table or name]
    return frame[frame["step"] == 0] if "step" in frame else frame
