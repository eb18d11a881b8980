"""Strengths: degrees that count how strong the connections are, not only that they are there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from topolab.analysis import Analysis
from topolab.chaining import chain_layers
from topolab.hooks import LAYER, WHEN, check_chain, rows_of
from topolab.metrics import degree as metrics
from topolab.run import Run
from topolab.snapshot import Snapshot, weighted_biadjacency
from topolab.tables import Column

__all__ = ["Strength"]

_COLUMNS = (
    *WHEN,
    LAYER,
    Column("direction", str, "1", "in = over the inputs, out = over the outputs of a neuron."),
    Column("n_neurons", int, "neurons", "Neurons of the layer."),
    Column("mean", float, "weight", "Mean strength: sum of |w| over a neuron's edges."),
    Column("std", float, "weight", "Population standard deviation of the strengths."),
    Column("ccv", float, "1", "Coefficient of variation, std / mean."),
    Column("gini", float, "1", "Gini coefficient of the strengths."),
    Column("top1_share", float, "1", "Share of all strength held by the top 1 % of neurons."),
    Column("rank_correlation", float, "1", "Kendall tau-b of strength and degree."),
    Column("reason", str, "1", "Why there are no numbers; empty where there are."),
)
_QUANTILES = (
    *WHEN,
    LAYER,
    Column("direction", str, "1", "As in the main table."),
    Column("quantile", float, "1", "Share of the layer's neurons at or below the strength."),
    Column("strength", float, "weight", "Sum of |w| over a neuron's edges."),
)
_AT = np.array([0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1])


@dataclass(frozen=True)
class Strength(Analysis):
    """Distributions of neuron strength, the sum of |w| over a neuron's edges."""

    name = "strength"
    version = 1
    summary = "Neuron strengths, sums of |w|: their distribution, and how they go with degree"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "strength": _COLUMNS,
        "strength_quantiles": _QUANTILES,
    }
    compares = ("ccv", "gini")

    def prepare(self, run: Run) -> Any:
        """Check that the layers chain."""
        check_chain(run)

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """One row per layer and direction."""
        from scipy.stats import kendalltau

        summary: list[dict[str, Any]] = []
        quantiles: list[dict[str, Any]] = []
        for link in chain_layers(snapshot.layers):
            name = link.layer.name
            block = weighted_biadjacency(snapshot, name)
            for layer, direction, axis in ((name, "in", 1), (link.source, "out", 0)):
                key = {"layer": layer, "direction": direction}
                size = link.layer.n_out if axis else link.layer.n_in // link.repeat
                if block is None:
                    reason = f"the weights of {name} were not recorded (record = weights)"
                    summary.append({**key, "n_neurons": size, **_none(reason)})
                    continue
                if not np.isfinite(block.data).all():
                    reason = f"weights of {name} are not finite"
                    summary.append({**key, "n_neurons": size, **_none(reason)})
                    continue
                values = np.asarray(block.sum(axis)).ravel()
                degrees = np.diff(block.tocsc().indptr if axis == 0 else block.indptr)
                if axis == 0 and link.repeat > 1:
                    values = values.reshape(-1, link.repeat).sum(1)
                    degrees = degrees.reshape(-1, link.repeat).sum(1)
                tau = math.nan
                reason = "" if values.any() else "no edge has a weight other than 0"
                if np.ptp(values) > 0 and np.ptp(degrees) > 0:
                    tau = float(kendalltau(values, degrees).statistic)
                elif not reason:
                    reason = "all neurons have the same degree or strength: no rank correlation"
                summary.append(
                    {
                        **key,
                        "n_neurons": size,
                        "mean": values.mean(),
                        "std": values.std(),
                        "ccv": metrics.ccv(values),
                        "gini": metrics.gini(values),
                        "top1_share": metrics.top_share(values, 0.01),
                        "rank_correlation": tau,
                        "reason": reason,
                    }
                )
                for q, value in zip(_AT, np.quantile(values, _AT), strict=True):
                    quantiles.append({**key, "quantile": q, "strength": value})
        if not quantiles:
            quantiles.append({"layer": "", "direction": "", "quantile": np.nan, "strength": np.nan})
        return {
            "strength": rows_of(snapshot, summary, _COLUMNS),
            "strength_quantiles": rows_of(snapshot, quantiles, _QUANTILES),
        }


def _none(reason: str) -> dict[str, Any]:
    names = ("mean", "std", "ccv", "gini", "top1_share", "rank_correlation")
    return {**dict.fromkeys(names, np.nan), "reason": reason}
