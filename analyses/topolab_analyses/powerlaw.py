"""Power-law fits to the degrees of the hidden neurons, through time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab.analysis import Analysis
from topolab.errors import AnalysisError
from topolab.graph import LayeredGraph
from topolab.metrics import powerlaw as metrics
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.common import LAYER, WHEN, check_chain, hidden_names, rows

__all__ = ["PowerLaw"]

_COLUMNS = (
    *WHEN,
    LAYER,
    Column("variant", str, "1", "searched = x_min of least KS distance; fixed = the given x_min."),
    Column("alpha", float, "1", "Exponent, by maximum likelihood; NaN without a fit."),
    Column("sigma", float, "1", "Standard error of alpha from the observed information."),
    Column("x_min", int, "edges", "Smallest degree of the tail; 0 without a fit."),
    Column("n", int, "neurons", "Neurons of the layer."),
    Column("n_tail", int, "neurons", "Neurons with a degree of at least x_min."),
    Column("ks_distance", float, "1", "KS distance at the observed degrees (as plfit, igraph)."),
    Column("ks_integers", float, "1", "KS distance at every integer (as Clauset et al.)."),
    Column("log_likelihood", float, "1", "Natural log-likelihood of the tail."),
    Column("p_value", float, "1", "Goodness of fit by bootstrap; NaN where not asked for."),
    Column("reason", str, "1", "Why there is no fit; empty where there is one."),
)


@dataclass(frozen=True)
class PowerLaw(Analysis):
    """Discrete power-law fits: per hidden layer, and all hidden neurons pooled.

    Parameters
    ----------
    x_min : int
        The fixed beginning of the tail, beside the searched one. NSH uses 110.
    direction : {"total", "in", "out"}
    replicates : int
        Bootstrap replicates for the goodness of fit of each row; 0 leaves it out.
    seed : int
        Of the bootstrap.
    """

    x_min: int = 110
    direction: str = "total"
    replicates: int = 0
    seed: int = 0

    name = "powerlaw"
    version = 1
    summary = "Power-law fits of the hidden degrees through time: alpha, x_min, KS distance"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"powerlaw": _COLUMNS}

    def prepare(self, run: Run) -> Any:
        """Check parameters and that there are hidden neurons."""
        check_chain(run)
        if self.x_min < 1 or self.replicates < 0 or self.direction not in ("in", "out", "total"):
            raise AnalysisError(
                "powerlaw: x_min must be at least 1, replicates at least 0, direction one of "
                "in, out, total"
            )
        if len(run.layers) < 2:
            raise AnalysisError(f"{run.path}: a single layer of weights has no hidden neurons")

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """A searched and a fixed fit for every hidden layer and for all pooled."""
        records = []
        for layer, degrees in self._sequences(LayeredGraph.from_snapshot(snapshot)):
            for variant, x_min in (("searched", None), ("fixed", self.x_min)):
                law = metrics.fit(degrees, x_min)
                p_value = np.nan
                if self.replicates and not law.reason:
                    p_value = metrics.goodness_of_fit(
                        degrees, law, replicates=self.replicates, seed=self.seed
                    ).p_value
                records.append(
                    {
                        "layer": layer,
                        "variant": variant,
                        "alpha": law.alpha,
                        "sigma": law.sigma,
                        "x_min": law.x_min,
                        "n": law.n,
                        "n_tail": law.n_tail,
                        "ks_distance": law.ks_distance,
                        "ks_integers": metrics.ks_distance(degrees, law, "integers"),
                        "log_likelihood": law.log_likelihood,
                        "p_value": p_value,
                        "reason": law.reason,
                    }
                )
        return {"powerlaw": rows(snapshot, records, _COLUMNS)}

    def _sequences(self, graph: LayeredGraph) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        degrees = graph.degrees(self.direction)  # type: ignore[arg-type]  # checked in prepare
        names = hidden_names(graph)
        for name in names:
            yield name, degrees[graph.layer_slice(name)]
        yield "hidden", np.concatenate([degrees[graph.layer_slice(name)] for name in names])
