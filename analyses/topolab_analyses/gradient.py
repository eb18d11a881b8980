"""Gradient hierarchy: do neurons with many inputs get larger gradients?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from topolab.analysis import Analysis
from topolab.errors import AnalysisError
from topolab.hooks import LAYER, WHEN, check_chain, rows_of
from topolab.metrics.degree import ccv
from topolab.metrics.hierarchy import fan_in_ratio, gradient_by_decile, gradient_ratio
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["Gradient"]

_COLUMNS = (
    *WHEN,
    LAYER,
    Column(
        "ratio_all",
        float,
        "1",
        "Mean |gradient| of hubs over that of specialists, over all entries of the masked one.",
    ),
    Column("ratio_active", float, "1", "The same over the entries of active weights alone."),
    Column("fan_in_ratio", float, "1", "Mean fan-in of hubs over that of specialists."),
    Column("fan_in_ccv", float, "1", "Coefficient of variation of the fan-in."),
    Column(
        "source",
        str,
        "1",
        "gradient = from the neurons' gradients; metric = ratio_active as recorded, ratio_all from "
        "it and the mask; none = there is no ratio.",
    ),
    Column("reason", str, "1", "Why there is no ratio; empty where there is one."),
)
_DECILES = (
    *WHEN,
    LAYER,
    Column("decile", int, "1", "Part of the neurons by fan-in, 1 = those with the fewest inputs."),
    Column("fan_in", float, "weights", "Mean fan-in of the part."),
    Column("gradient", float, "loss / weight", "Mean |gradient| over the part's active weights."),
    Column("n_neurons", int, "neurons", "Neurons of the part."),
)


@dataclass(frozen=True)
class Gradient(Analysis):
    """The ratio of gradients hub to specialist, and the gradient by decile of the fan-in.

    The ratio is read in two ways: `ratio_all` is the mean over all entries of the neurons' rows of
    the masked gradient, `ratio_active` over their active weights alone. The first is the second
    times `fan_in_ratio`.

    Parameters
    ----------
    parts : int
        How many parts of equal size the neurons of a layer are ordered into.
    """

    parts: int = 10

    name = "gradient"
    version = 2
    summary = "Gradient hierarchy: hub to specialist ratio, gradient by fan-in decile (PSN)"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "gradient": _COLUMNS,
        "gradient_deciles": _DECILES,
    }
    compares = ("ratio_all", "ratio_active")
    words = ("source",)

    def prepare(self, run: Run) -> Any:
        """Check parameters and that the layers chain."""
        check_chain(run)
        if self.parts < 1:
            raise AnalysisError(f"gradient: parts = {self.parts} must be at least 1")

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """One row per layer of weights, and one per layer and decile."""
        summary: list[dict[str, Any]] = []
        deciles: list[dict[str, Any]] = []
        for layer in snapshot.layers:
            fan_in = snapshot.masks[layer.name].reshape(layer.n_out, -1).sum(1)
            spread = fan_in_ratio(fan_in) if layer.n_out > 1 else math.nan
            gradient = snapshot.gradient[layer.name]
            recorded = snapshot.metrics.get(f"gradient_ratio.{layer.name}", math.nan)
            active, source, reason = math.nan, "none", ""
            usable = gradient is not None and bool(np.isfinite(gradient).all())
            if layer.n_out < 2:
                reason = "a single neuron has no hubs"
            elif np.ptp(fan_in) == 0:
                reason = "all neurons have the same fan-in: none is a hub"
            elif gradient is not None and usable:
                active, source = gradient_ratio(gradient, fan_in), "gradient"
                reason = "" if math.isfinite(active) else "specialists have no weights or gradient"
            elif math.isfinite(recorded):
                active, source = recorded, "metric"
            elif gradient is None:
                reason = "no gradients were recorded (record = gradient)"
            else:
                reason = "the gradients are not finite"
            summary.append(
                {
                    "layer": layer.name,
                    # Both halves have as many entries, so this is exact.
                    "ratio_all": active * spread,
                    "ratio_active": active,
                    "fan_in_ratio": spread,
                    "fan_in_ccv": ccv(fan_in),
                    "source": source,
                    "reason": reason,
                }
            )
            if gradient is None or not usable or np.ptp(fan_in) == 0:
                gradient = np.full(layer.n_out, np.nan, dtype=np.float32)
            parts = zip(*gradient_by_decile(gradient, fan_in, self.parts), strict=True)
            for number, (value, mean, size) in enumerate(parts, start=1):
                deciles.append(
                    {
                        "layer": layer.name,
                        "decile": number,
                        "fan_in": mean,
                        "gradient": value,
                        "n_neurons": size,
                    }
                )
        return {
            "gradient": rows_of(snapshot, summary, _COLUMNS),
            "gradient_deciles": rows_of(snapshot, deciles, _DECILES),
        }
