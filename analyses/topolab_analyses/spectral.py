"""Spectra of the layers: how well each mixes what it is given."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import pandas as pd

from topolab.analysis import Analysis
from topolab.graph import LayeredGraph
from topolab.hooks import WHEN, check_chain, rows_of
from topolab.metrics.spectral import spectrum
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["Spectral"]

_COLUMNS = (
    *WHEN,
    Column("layer", str, "1", "A layer of weights."),
    Column("sigma1", float, "1", "Largest singular value of the 0/1 biadjacency."),
    Column("sigma2", float, "1", "Second largest."),
    Column("gap", float, "1", "sigma1 - sigma2."),
    Column("bound", float, "1", "sqrt(d_in - 1) + sqrt(d_out - 1) of the mean degrees."),
    Column("margin", float, "1", "(bound - sigma2) / bound: above 0 the layer is Ramanujan."),
    Column("normalised2", float, "1", "Second singular value with degrees divided out (first: 1)."),
    Column("proven", bool, "1", "Whether all neurons with edges have two, as the bound asks."),
    Column("reason", str, "1", "Why a number is missing; empty where none is."),
)  # fmt: skip


@dataclass(frozen=True)
class Spectral(Analysis):
    """Two largest singular values of each layer, its spectral gap and the Ramanujan bound.

    Parameters
    ----------
    seed : int
        Of the vectors that the iteration for large layers begins with.
    """

    seed: int = 0

    name = "spectral"
    version = 2
    summary = "Singular values of the layers, spectral gap, Ramanujan bound for irregular graphs"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"spectral": _COLUMNS}
    compares = ("margin", "normalised2")

    def prepare(self, run: Run) -> Any:
        """Check that the layers chain."""
        check_chain(run)

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """One row per layer of weights."""
        graph = LayeredGraph.from_snapshot(snapshot)
        records = [
            {"layer": name, **asdict(spectrum(graph.block(name), self.seed))}
            for name in graph.weight_layers
        ]
        return {"spectral": rows_of(snapshot, records, _COLUMNS)}
