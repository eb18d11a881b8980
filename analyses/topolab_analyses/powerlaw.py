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
from topolab.hooks import LAYER, WHEN, check_chain, check_name_free, hidden_layers, rows_of
from topolab.metrics import powerlaw as metrics
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["PowerLaw"]

_COLUMNS = (
    *WHEN,
    LAYER,
    Column("variant", str, "1", "searched = x_min of least KS distance; fixed = the given x_min."),
    Column("alpha", float, "1", "Exponent, by maximum likelihood; NaN without a fit."),
    Column("sigma", float, "1", "Standard error of alpha from the observed information."),
    Column("x_min", int, "edges", "Smallest degree of the tail; 0 without a fit."),
    Column("x_min_error", float, "edges", "Standard error of a searched x_min; last step only."),
    Column("n", int, "neurons", "Neurons of the layer."),
    Column("n_tail", int, "neurons", "Neurons with a degree of at least x_min."),
    Column("ks_distance", float, "1", "KS distance at the observed degrees (as plfit, igraph)."),
    Column("ks_integers", float, "1", "KS distance at every integer (as Clauset et al.)."),
    Column("log_likelihood", float, "1", "Natural log-likelihood of the tail."),
    Column("p_value", float, "1", "Goodness of fit by bootstrap; NaN where not asked for."),
    Column("p_low", float, "1", "Lower end of its 99 % interval."),
    Column("p_high", float, "1", "Upper end."),
    Column("replicates", int, "1", "Bootstrap replicates behind it."),
    Column("stopped", bool, "1", "Whether they ended early: the interval excludes stop_at."),
    Column("reason", str, "1", "Why there is no fit; empty where there is one."),
)
_RIVALS = (
    *WHEN,
    LAYER,
    Column("variant", str, "1", "searched or fixed, as for the fits."),
    Column("rival", str, "1", "The distribution the power law is held against."),
    Column("ratio", float, "1", "Log-likelihood ratio R; above 0 favours the power law."),
    Column("normalised", float, "1", "R / (sqrt(n_tail) s): Vuong's statistic."),
    Column("p_value", float, "1", "Two-sided (Vuong); nested for the truncated power law."),
    Column("favours", str, "1", "power law, the rival, or neither, at 0.05."),
    Column("parameters", str, "1", "Of the rival, by maximum likelihood."),
    Column("boundary", str, "1", "The law the rival has become, at a rim where p is rough."),
    Column("aic", float, "1", "Akaike's criterion of the rival; the lower the better."),
    Column("aic_law", float, "1", "Akaike's criterion of the power law on the same tail."),
    Column("bic", float, "1", "Schwarz's criterion of the rival."),
    Column("bic_law", float, "1", "Schwarz's criterion of the power law."),
    Column("reason", str, "1", "Why there is no ratio; empty where there is one."),
)


@dataclass(frozen=True)
class PowerLaw(Analysis):
    """Discrete power-law fits: per hidden layer, and all hidden neurons pooled.

    Parameters
    ----------
    x_min : int
        The fixed beginning of the tail, beside the searched one. NSH uses 110.
    x_max : int
        The largest degree that is possible; larger ones are left out. 0 for no bound.
    direction : {"total", "in", "out"}
    replicates : int
        Bootstrap replicates for the goodness of fit of each row, at most; 0 leaves it out.
    stop_at : float
        Replicates end early once the 99 % interval of p excludes this; 0 draws all of them.
    errors : int
        Replicates of the ordinary bootstrap for the standard error of a searched x_min, at the
        last step only; 0 leaves it out.
    rivals : {"last", "all", "none"}
        At which steps the laws are held against rival distributions.
    seed : int
        Of both bootstraps.
    """

    x_min: int = 110
    x_max: int = 0
    direction: str = "total"
    replicates: int = 2500
    stop_at: float = 0.1
    errors: int = 200
    rivals: str = "last"
    seed: int = 0

    name = "powerlaw"
    version = 3
    summary = "Power-law fits of the hidden degrees through time, their plausibility and rivals"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "powerlaw": _COLUMNS,
        "powerlaw_rivals": _RIVALS,
    }
    compares = ("alpha", "ks_distance", "p_value")

    def prepare(self, run: Run) -> Any:
        """Check parameters and that there are hidden neurons."""
        check_chain(run)
        check_name_free(run, "hidden")
        if self.x_min < 1 or self.replicates < 0 or self.direction not in ("in", "out", "total"):
            raise AnalysisError(
                "powerlaw: x_min must be at least 1, replicates at least 0, direction one of "
                "in, out, total"
            )
        if self.rivals not in ("last", "all", "none") or not 0 <= self.stop_at < 1:
            raise AnalysisError(
                "powerlaw: rivals is one of last, all, none; stop_at in [0, 1), 0 for no early end"
            )
        if self.errors < 0 or self.errors == 1 or 0 != self.x_max <= self.x_min:
            raise AnalysisError(
                "powerlaw: errors must be 0 or at least 2; x_max above x_min, or 0 for no bound"
            )
        if len(run.layers) < 2:
            raise AnalysisError(f"{run.path}: a single layer of weights has no hidden neurons")
        return run.steps[-1]

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """A searched and a fixed fit for every hidden layer and for all pooled."""
        last = snapshot.step == state
        records: list[dict[str, Any]] = []
        rivals: list[dict[str, Any]] = []
        for layer, degrees in self._sequences(LayeredGraph.from_snapshot(snapshot)):
            for variant, x_min in (("searched", None), ("fixed", self.x_min)):
                law = metrics.fit(degrees, x_min, self.x_max or None)
                records.append(
                    {"layer": layer, "variant": variant, **self._row(degrees, law, last=last)}
                )
                if self.rivals == "all" or (self.rivals == "last" and last):
                    rivals += [
                        {
                            "layer": layer,
                            "variant": variant,
                            "rival": made.rival,
                            "ratio": made.ratio,
                            "normalised": made.normalised,
                            "p_value": made.p_value,
                            "favours": made.favours,
                            "parameters": ", ".join(
                                f"{key} = {value:.6g}" for key, value in made.parameters.items()
                            ),
                            "boundary": made.boundary,
                            "aic": made.aic,
                            "aic_law": made.aic_law,
                            "bic": made.bic,
                            "bic_law": made.bic_law,
                            "reason": made.reason,
                        }
                        for made in (metrics.compare(degrees, law, r) for r in metrics.RIVALS)
                    ]
        return {
            "powerlaw": rows_of(snapshot, records, _COLUMNS),
            "powerlaw_rivals": rows_of(snapshot, rivals, _RIVALS),
        }

    def _row(
        self, degrees: npt.NDArray[np.int64], law: metrics.PowerLawFit, *, last: bool
    ) -> dict[str, Any]:
        gof = metrics.GoodnessOfFit(np.nan, np.nan, 0)
        if self.replicates and not law.reason:
            gof = metrics.goodness_of_fit(
                degrees,
                law,
                replicates=self.replicates,
                seed=self.seed,
                stop_at=self.stop_at or None,
            )
        error = np.nan
        if self.errors and last and law.searched and not law.reason:
            error = metrics.bootstrap(
                degrees, None, self.x_max or None, replicates=self.errors, seed=self.seed
            ).x_min
        return {
            "alpha": law.alpha,
            "sigma": law.sigma,
            "x_min": law.x_min,
            "x_min_error": error,
            "n": law.n,
            "n_tail": law.n_tail,
            "ks_distance": law.ks_distance,
            "ks_integers": metrics.ks_distance(degrees, law, "integers"),
            "log_likelihood": law.log_likelihood,
            "p_value": gof.p_value,
            "p_low": gof.low,
            "p_high": gof.high,
            "replicates": gof.replicates,
            "stopped": gof.stopped,
            "reason": law.reason
            or (
                "no p: more than half of the replicates have no fit"
                if gof.replicates and np.isnan(gof.p_value)
                else ""
            ),
        }

    def _sequences(self, graph: LayeredGraph) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        degrees = graph.degrees(self.direction)  # type: ignore[arg-type]  # checked in prepare
        names = hidden_layers(graph)
        for name in names:
            yield name, degrees[graph.layer_slice(name)]
        yield "hidden", np.concatenate([degrees[graph.layer_slice(name)] for name in names])

    def conclude(self, rows: dict[str, pd.DataFrame], state: Any) -> dict[str, pd.DataFrame]:
        """The tables as they are; where no rivals were asked for, a row that says so."""
        if not len(rows["powerlaw_rivals"]):
            row: dict[str, Any] = {c.name: np.nan if c.dtype is float else "" for c in _RIVALS}
            row.update(step=state, layer="hidden", reason="not asked for (rivals = none)")
            rows["powerlaw_rivals"] = pd.DataFrame([row])
        return rows
