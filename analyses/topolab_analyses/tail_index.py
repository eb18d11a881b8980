"""Tail indices of the hidden degrees: power laws in the wide sense, without a fitted law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab.analysis import Analysis
from topolab.errors import AnalysisError
from topolab.hooks import LAYER, WHEN, check_chain, check_name_free, rows_of
from topolab.metrics import tail_index as metrics
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.hidden import ENDS, chosen_ends, hidden_degrees

__all__ = ["TailIndices"]

_ESTIMATORS = {"hill": metrics.hill, "moments": metrics.moments, "kernel": metrics.kernel}


def _columns_of(name: str, author: str) -> tuple[Column, ...]:
    return (
        Column(f"xi_{name}", float, "1", f"Tail index, {author}; above 0 for a power law."),
        Column(f"gamma_{name}", float, "1", "Exponent 1 + 1 / xi; infinite where xi <= 0."),
        Column(f"k_{name}", int, "neurons", "How many of the largest degrees it rests on."),
    )


_COLUMNS = (
    *WHEN,
    LAYER,
    Column("end", str, "1", "in = edges from its inputs, out = to its outputs, total = both."),
    Column("n", int, "neurons", "Neurons with an edge at this end."),
    *_columns_of("hill", "Hill"),
    *_columns_of("moments", "Dekkers, Einmahl and de Haan's moments"),
    *_columns_of("kernel", "Groeneboom, Lopuhaa and de Wolf's kernel"),
    Column("category", str, "1", "What the three say together; empty where one is missing."),
    Column("reason", str, "1", "Why an estimate is missing; empty where none is."),
)


@dataclass(frozen=True)
class TailIndices(Analysis):
    """Hill's, the moment and the kernel-type estimator, per hidden layer and for all pooled.

    Parameters
    ----------
    direction : {"all", "in", "out", "total"}
        The ends that are looked at, each apart.
    steps : {"last", "all"}
    replicates : int
        Samples of each size in the double bootstrap that finds how many degrees count.
    seed : int
        Of the noise and of the bootstraps.
    """

    direction: str = "all"
    steps: str = "last"
    replicates: int = 500
    seed: int = 0

    name = "tail_index"
    version = 1
    summary = "Tail indices of the hidden degrees: Hill, moments, kernel, with double bootstrap"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"tail_index": _COLUMNS}
    compares = ("xi_hill", "xi_moments", "xi_kernel")
    words = ("category",)

    def prepare(self, run: Run) -> Any:
        """Check parameters and that there are hidden neurons."""
        check_chain(run)
        check_name_free(run, "hidden")
        if self.direction not in ("all", *ENDS) or self.steps not in ("last", "all"):
            raise AnalysisError(
                "tail_index: direction is one of all, in, out, total; steps one of last, all"
            )
        if self.replicates < 10:
            raise AnalysisError("tail_index: replicates must be at least 10")
        if len(run.layers) < 2:
            raise AnalysisError(f"{run.path}: a single layer of weights has no hidden neurons")
        return run.steps[-1]

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """Three estimates for every hidden layer and for all pooled, at each end."""
        if self.steps == "last" and snapshot.step != state:
            return {}
        records = [
            {"layer": found.layer, "end": found.end, **self._row(found.degrees)}
            for found in hidden_degrees(snapshot, chosen_ends(self.direction))
        ]
        return {"tail_index": rows_of(snapshot, records, _COLUMNS)}

    def _row(self, degrees: npt.NDArray[np.int64]) -> dict[str, Any]:
        values = metrics.add_noise(degrees, self.seed)
        distinct = len(np.unique(degrees[degrees > 0]))
        row: dict[str, Any] = {"n": len(values)}
        found = []
        for name, estimate in _ESTIMATORS.items():
            if distinct > 1:
                made = estimate(values, replicates=self.replicates, seed=self.seed)
            else:  # noise alone would be estimated
                reason = "fewer than two distinct positive degrees"
                made = metrics.TailIndex(name, np.nan, 0, len(values), reason)
            found.append(made)
            row |= {f"xi_{name}": made.xi, f"gamma_{name}": made.gamma, f"k_{name}": made.k}
        reasons = dict.fromkeys(made.reason for made in found if made.reason)
        return {**row, "category": metrics.category(found), "reason": "; ".join(reasons)}

    def headline(self, table: pd.DataFrame) -> pd.DataFrame:
        """The last step's indices of all edges, or of those of the end that was asked for."""
        end = "total" if self.direction == "all" else self.direction
        return super().headline(table[table["end"] == end])
