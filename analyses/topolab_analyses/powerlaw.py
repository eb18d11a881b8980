"""Power-law fits to the degrees of the hidden neurons, through time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab.analysis import Analysis
from topolab.errors import AnalysisError
from topolab.hooks import LAYER, WHEN, check_chain, check_name_free, rows_of
from topolab.metrics import powerlaw as metrics
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.hidden import ENDS, chosen_ends, hidden_degrees
from topolab_analyses.scale_free import (
    SCALE_FREE,
    SCALE_FREE_POOLED,
    pool_counts,
    scale_free_rows,
    scale_free_statements,
)

__all__ = ["PowerLaw"]

_END = Column("end", str, "1", "in = edges from its inputs, out = to its outputs, total = both.")
_VARIANT = Column("variant", str, "1", "searched = x_min of least KS distance; fixed = as given.")
_COLUMNS = (
    *WHEN,
    LAYER,
    _END,
    _VARIANT,
    Column("alpha", float, "1", "Exponent, by maximum likelihood; NaN without a fit."),
    Column("sigma", float, "1", "Standard error of alpha from the observed information."),
    Column("alpha_error", float, "1", "The same by bootstrap with x_min searched; last step only."),
    Column("x_min", int, "edges", "Smallest degree of the tail; 0 without a fit."),
    Column("x_min_error", float, "edges", "Standard error of a searched x_min; last step only."),
    Column("x_max", int, "edges", "Largest possible degree, which bounds the law; 0 for none."),
    Column("n", int, "neurons", "Neurons of the layer."),
    Column("n_tail", int, "neurons", "Neurons with a degree of at least x_min."),
    Column("n_tail_error", float, "neurons", "Its standard error by bootstrap; last step only."),
    Column("ks_distance", float, "1", "KS distance at the observed degrees (as plfit, igraph)."),
    Column("ks_integers", float, "1", "KS distance at every integer (as Clauset et al.)."),
    Column("log_likelihood", float, "1", "Natural log-likelihood of the tail."),
    Column("p_value", float, "1", "Goodness of fit by bootstrap; NaN where not asked for."),
    Column("p_low", float, "1", "Lower end of its 99 % interval."),
    Column("p_high", float, "1", "Upper end."),
    Column("replicates", int, "1", "Bootstrap replicates behind it."),
    Column("stopped", bool, "1", "Whether they ended early: the interval excludes all stop_at."),
    Column("reason", str, "1", "Why a fit or its p is missing; empty where neither is."),
)
_RIVALS = (
    *WHEN,
    LAYER,
    _END,
    _VARIANT,
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


_ENGINES = ("topolab", "powerlaw", "powerlaw-continuous")


@dataclass(frozen=True)
class PowerLaw(Analysis):
    """Discrete power-law fits: per hidden layer, and all hidden neurons pooled.

    Parameters
    ----------
    x_min : int
        The fixed beginning of the tail, beside the searched one. NSH uses 110.
    x_max : int
        The largest degree that is possible, by which the law is bounded. -1 for the layer's
        capacity, 0 for no bound; larger degrees than a number given here are left out.
    direction : {"all", "in", "out", "total"}
        The ends that are fitted, each apart.
    replicates : int
        Bootstrap replicates for the goodness of fit of each row, at most; 0 leaves it out.
    stop_at : tuple of float
        Replicates end early once the 99 % interval of p excludes all of these; 0 draws all.
    errors : int
        Replicates of the ordinary bootstrap for the standard errors of a searched x_min, its
        alpha and its tail, at the last step only; 0 leaves it out.
    rivals : {"last", "all", "none"}
        At which steps the laws are held against rival distributions.
    engine : {"topolab", "powerlaw", "powerlaw-continuous"}
        What fits: this package, or the powerlaw package with its discrete or continuous law.
    seed : int
        Of both bootstraps.
    """

    x_min: int = 110
    x_max: int = -1
    direction: str = "all"
    replicates: int = 2500
    stop_at: tuple[float, ...] = (0.1, 0.95)
    errors: int = 200
    rivals: str = "last"
    engine: str = "topolab"
    seed: int = 0

    name = "powerlaw"
    version = 3
    summary = "Power-law fits of the hidden degrees through time, their plausibility and rivals"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "powerlaw": _COLUMNS,
        "powerlaw_rivals": _RIVALS,
        "powerlaw_scale_free": SCALE_FREE,
    }
    compares = ("alpha", "ks_distance", "p_value")
    words = ("end",)  # a comparison has one of them only
    across_schema = (Column("run", str, "1", "Name of the run."), *SCALE_FREE)
    pooled_schema = SCALE_FREE_POOLED
    verdicts = ("scale_free",)

    def prepare(self, run: Run) -> Any:
        """Check parameters and that there are hidden neurons."""
        check_chain(run)
        check_name_free(run, "hidden")
        if self.x_min < 1 or self.replicates < 0 or self.direction not in ("all", *ENDS):
            raise AnalysisError(
                "powerlaw: x_min must be at least 1, replicates at least 0, direction one of "
                "all, in, out, total"
            )
        if self.rivals not in ("last", "all", "none") or self.engine not in _ENGINES:
            raise AnalysisError(
                f"powerlaw: rivals is one of last, all, none; engine one of {', '.join(_ENGINES)}"
            )
        if self.stop_at != (0,) and not all(0 < at < 1 for at in self.stop_at):
            raise AnalysisError("powerlaw: stop_at are numbers in (0, 1), or 0 for no early end")
        if self.errors < 0 or self.errors == 1 or (
            self.x_max not in (-1, 0) and self.x_max <= self.x_min
        ):  # fmt: skip
            raise AnalysisError(
                "powerlaw: errors must be 0 or at least 2; x_max above x_min, 0 for no bound, or "
                "-1 for each layer's capacity"
            )
        if len(run.layers) < 2:
            raise AnalysisError(f"{run.path}: a single layer of weights has no hidden neurons")
        return run.steps[-1]

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """A searched and a fixed fit for every hidden layer and for all pooled, at each end."""
        last = snapshot.step == state
        records: list[dict[str, Any]] = []
        rivals: list[dict[str, Any]] = []
        for layer, end, degrees, capacity in hidden_degrees(snapshot, chosen_ends(self.direction)):
            x_max = capacity if self.x_max == -1 else self.x_max
            for variant, x_min in (("searched", None), ("fixed", self.x_min)):
                key = {"layer": layer, "end": end, "variant": variant}
                law = self._fit(degrees, x_min, x_max or None)
                records.append({**key, **self._row(degrees, law, last=last)})
                if self.rivals == "all" or (self.rivals == "last" and last):
                    rivals += [{**key, **row} for row in self._rival_rows(degrees, law)]
        return {
            "powerlaw": rows_of(snapshot, records, _COLUMNS),
            "powerlaw_rivals": rows_of(snapshot, rivals, _RIVALS),
        }

    def _fit(
        self, degrees: npt.NDArray[np.int64], x_min: int | None, x_max: int | None
    ) -> metrics.PowerLawFit:
        least = x_min or 1
        if x_max is not None and x_max < least + 9:  # one exponent fits any few degrees
            held = int((degrees >= least).sum())
            return metrics.PowerLawFit(
                np.nan, np.nan, x_min or 0, x_max, len(degrees), held, np.nan, "support", np.nan,
                x_min is None, f"no room for a tail of ten degrees from {least} to x_max = {x_max}",
            )  # fmt: skip
        if self.engine == "topolab":
            return metrics.fit(degrees, x_min, x_max)
        return metrics.fit_by_package(degrees, x_min, x_max, discrete=self.engine == "powerlaw")

    def _row(
        self, degrees: npt.NDArray[np.int64], law: metrics.PowerLawFit, *, last: bool
    ) -> dict[str, Any]:
        own = self.engine == "topolab"
        gof = metrics.GoodnessOfFit(np.nan, np.nan, 0)
        if own and self.replicates and not law.reason:
            gof = metrics.goodness_of_fit(
                degrees,
                law,
                replicates=self.replicates,
                seed=self.seed,
                stop_at=self.stop_at if self.stop_at != (0,) else None,
            )
        error = metrics.Bootstrap(np.nan, np.nan, np.nan, 0)
        if own and self.errors and last and law.searched and not law.reason:
            error = metrics.bootstrap(
                degrees, None, law.x_max, replicates=self.errors, seed=self.seed
            )
        integers = metrics.ks_distance(degrees, law, "integers") if own else np.nan
        return {
            "alpha": law.alpha,
            "sigma": law.sigma,
            "alpha_error": error.alpha,
            "x_min": law.x_min,
            "x_min_error": error.x_min,
            "x_max": law.x_max or 0,
            "n": law.n,
            "n_tail": law.n_tail,
            "n_tail_error": error.n_tail,
            "ks_distance": law.ks_distance,
            "ks_integers": integers,
            "log_likelihood": law.log_likelihood,
            "p_value": gof.p_value,
            "p_low": gof.low,
            "p_high": gof.high,
            "replicates": gof.replicates,
            "stopped": gof.stopped,
            "reason": law.reason or self._reason_without_p(gof),
        }

    def _reason_without_p(self, gof: metrics.GoodnessOfFit) -> str:
        if self.engine != "topolab":
            return "no p: the powerlaw package tests no fit"
        if gof.replicates and np.isnan(gof.p_value):
            return "no p: more than half of the replicates have no fit"
        return ""

    def _rival_rows(
        self, degrees: npt.NDArray[np.int64], law: metrics.PowerLawFit
    ) -> Iterator[dict[str, Any]]:
        if self.engine != "topolab":
            return
        for made in (metrics.compare(degrees, law, rival) for rival in metrics.RIVALS):
            parameters = (f"{key} = {value:.6g}" for key, value in made.parameters.items())
            yield {
                "rival": made.rival,
                "ratio": made.ratio,
                "normalised": made.normalised,
                "p_value": made.p_value,
                "favours": made.favours,
                "parameters": ", ".join(parameters),
                "boundary": made.boundary,
                "aic": made.aic,
                "aic_law": made.aic_law,
                "bic": made.bic,
                "bic_law": made.bic_law,
                "reason": made.reason,
            }

    def conclude(self, rows: dict[str, pd.DataFrame], state: Any) -> dict[str, pd.DataFrame]:
        """The tables as they are, and Broido and Clauset's categories of them.

        Where no rivals were asked for, a row says so.
        """
        categories = list(scale_free_rows(rows["powerlaw"], rows["powerlaw_rivals"]))
        if not len(rows["powerlaw_rivals"]):
            why = f"engine = {self.engine}"
            if self.engine == "topolab":
                why = "rivals = none"
            row: dict[str, Any] = {c.name: np.nan if c.dtype is float else "" for c in _RIVALS}
            row.update(step=state, layer="hidden", reason=f"not asked for ({why})")
            rows["powerlaw_rivals"] = pd.DataFrame([row])
        return {**rows, "powerlaw_scale_free": pd.DataFrame(categories)}

    def across(self, tables: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
        """The categories of every run."""
        parts = [found["powerlaw_scale_free"].assign(run=run) for run, found in tables.items()]
        names = [column.name for column in self.across_schema]
        return pd.concat(parts, ignore_index=True)[names]

    def pool(self, across: pd.DataFrame) -> pd.DataFrame:
        """The categories of all degree sequences of the runs of a group together."""
        return pool_counts(across)

    def statements(self, table: pd.DataFrame) -> tuple[str, ...]:
        """What the categories say, with their counts."""
        return tuple(scale_free_statements(table)) if "scale_free" in table else ()

    def headline(self, table: pd.DataFrame) -> pd.DataFrame:
        """The last step's fits to all edges, or to those of the end that was asked for."""
        end = "total" if self.direction == "all" else self.direction
        return super().headline(table[table["end"] == end])
