"""An analysis: how alike the neurons of a layer are wired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from topolab.analysis import Analysis
from topolab.hooks import LAYER, WHEN, check_chain, rows_of
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["Overlap"]

_COLUMNS = (
    *WHEN,
    LAYER,
    Column("overlap", float, "1", "Mean Jaccard index of the input sets of two of its neurons."),
    Column("reason", str, "1", "Why there is no number; empty where there is one."),
)


@dataclass(frozen=True)
class Overlap(Analysis):
    """Share of inputs that two neurons of a layer have in common, over all pairs with an input."""

    name = "overlap"
    version = 1
    summary = "How alike the neurons of each layer are wired: the Jaccard index of their inputs"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"overlap": _COLUMNS}
    compares = ("overlap",)

    def prepare(self, run: Run) -> Any:
        """Check that the layers chain."""
        check_chain(run)

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """One row per layer."""
        records = []
        for layer in snapshot.layers:
            mask = snapshot.masks[layer.name].reshape(layer.shape[0], -1)
            value = mean_jaccard(mask)
            reason = "" if np.isfinite(value) else "fewer than two neurons have an input"
            records.append({"layer": layer.name, "overlap": value, "reason": reason})
        return {"overlap": rows_of(snapshot, records, _COLUMNS)}


def mean_jaccard(mask: np.ndarray) -> float:
    """Mean Jaccard index of the rows that are not empty; NaN of fewer than two.

    Examples
    --------
    >>> float(mean_jaccard(np.array([[1, 1, 0], [0, 1, 1]], dtype=bool)))
    0.3333333333333333
    """
    filled = mask[mask.any(axis=1)].astype(np.float64)
    if len(filled) < 2:
        return float("nan")
    common = filled @ filled.T
    size = filled.sum(axis=1)
    pairs = np.triu_indices(len(filled), 1)
    return float(np.mean((common / (size[:, None] + size[None, :] - common))[pairs]))
