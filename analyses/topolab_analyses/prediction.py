"""Prediction: which neurons gain and lose edges next, told from the updates before."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab.analysis import SequentialAnalysis
from topolab.errors import AnalysisError
from topolab.hooks import LAYER, WHEN, check_chain
from topolab.metrics.prediction import LEAST, MODELS, compare, fit_rates, forecast
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.edge_history import EdgeHistory, Ends, KernelName
from topolab_analyses.rewiring import changing_layers

__all__ = ["Prediction"]

_END = Column("end", str, "1", "in = edges from its inputs, out = to its outputs, total = both.")
_KERNEL = Column("kernel", str, "1", "gain = edges grown, loss = edges dropped.")
_MODEL = Column(
    "model",
    str,
    "1",
    "uniform = at random, degree = by k^exponent, fitness = an effect per neuron, both.",
)
_COLUMNS = (
    LAYER,
    _END,
    _KERNEL,
    _MODEL,
    Column("score", float, "nats", "Mean log probability of an edge end above that at random."),
    Column("low", float, "nats", "Lower end of its 95 % interval (block bootstrap over updates)."),
    Column("high", float, "nats", "Upper end."),
    Column("lead", float, "nats", "Score minus the best among the other models."),
    Column("lead_low", float, "nats", "Lower end of its 95 % interval."),
    Column("lead_high", float, "nats", "Upper end."),
    Column(
        "place",
        str,
        "1",
        "best = its lead is clear of 0, tied = not told apart from the best other, behind; empty "
        "where that is not known.",
    ),
    Column("exponent", float, "1", "Of k, fitted to the whole run; 0 in models without degree."),
    Column("spread", float, "1", "Standard deviation of fitness, whose mean is 1, in the run."),
    Column("updates", int, "1", "Updates that were forecast."),
    Column("edges", int, "edges", "Edge ends gained, or lost, in them."),
    Column("reason", str, "1", "Why a number is missing; empty where none is."),
)
_UPDATES = (
    *WHEN,
    LAYER,
    _END,
    _KERNEL,
    _MODEL,
    Column("score", float, "nats", "Mean log probability of an edge end above that at random."),
    Column("edges", int, "edges", "Edge ends gained, or lost, in this update."),
)


@dataclass(frozen=True)
class _Memory:
    before: Snapshot | None
    when: tuple[tuple[int, float], ...]
    history: EdgeHistory


@dataclass(frozen=True)
class Prediction(SequentialAnalysis):
    """The log score of every next update's gains and losses, out of sample, under four models.

    Parameters
    ----------
    burn_in : int
        Updates that are learned from before the first one is forecast.
    replicates : int
        Of the block bootstrap over updates.
    seed : int
    """

    burn_in: int = 5
    replicates: int = 1000
    seed: int = 0

    name = "prediction"
    version = 1
    summary = "Forecasts of gains and losses: at random, by degree, by fitness, by both"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "prediction": _COLUMNS,
        "prediction_updates": _UPDATES,
    }
    compares = ("score", "lead")
    highlights = ("score[*total*gain*]",)
    words = ("place",)

    def prepare(self, run: Run) -> Any:
        """Which layers of weights change at all."""
        check_chain(run)
        if self.burn_in < 1 or self.replicates < 2:
            raise AnalysisError("prediction: burn_in must be at least 1, replicates at least 2")
        return {"moving": changing_layers(run), "steps": run.steps}

    def start(self, state: Any) -> Any:
        """Nothing was seen."""
        return _Memory(None, (), EdgeHistory())

    def visit(
        self, memory: _Memory, snapshot: Snapshot, state: Any
    ) -> tuple[_Memory, dict[str, pd.DataFrame]]:
        """What was gained and lost since the snapshot before; at the last one all forecasts."""
        if memory.before is None or not state["moving"]:
            return _Memory(snapshot, (), EdgeHistory()), {}
        memory = _Memory(
            snapshot,
            (*memory.when, (snapshot.step, snapshot.epoch)),
            memory.history.add(memory.before, snapshot, state["moving"]),
        )
        if snapshot.step != state["steps"][-1]:
            return memory, {}
        summary: list[pd.DataFrame] = []
        updates: list[pd.DataFrame] = []
        kernels: tuple[KernelName, ...] = ("gain", "loss")
        for layer, end in memory.history.ends():
            of_end = memory.history.of(layer, end, kernel=None)
            for kernel in kernels:
                told, each = self._of(of_end, kernel, memory.when)
                key = {"layer": layer, "end": end, "kernel": kernel}
                summary.append(told.assign(**key))
                updates.append(each.assign(**key))
        return memory, {
            "prediction": pd.concat(summary, ignore_index=True),
            "prediction_updates": pd.concat(updates, ignore_index=True),
        }

    def conclude(self, rows: dict[str, pd.DataFrame], state: Any) -> dict[str, pd.DataFrame]:
        """The tables as they are, or one row with the reason why there is nothing to forecast."""
        step = int(state["steps"][0])
        if not len(rows["prediction"]):
            reason = (
                "one snapshot: there is nothing between two of them"
                if len(state["steps"]) == 1
                else "no mask changes from snapshot to snapshot"
            )
            rows["prediction"] = _unknown(reason).assign(layer="all", end="total", kernel="gain")
        if not len(rows["prediction_updates"]):
            nothing = {"layer": "all", "end": "total", "kernel": "gain", "model": "uniform"}
            rows["prediction_updates"] = pd.DataFrame(
                [{"step": step, "epoch": math.nan, **nothing, "score": math.nan, "edges": 0}]
            )
        return rows

    def _of(
        self, ends: Ends, kernel: KernelName, when: tuple[tuple[int, float], ...]
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows of one end and kernel: of the models, and of every forecast."""
        degree, exposed, events = _arrays(ends, kernel)
        counts = events.sum(1)
        # An update without events (another layer's) is neither learned from nor forecast.
        some = np.flatnonzero(counts)
        degree, exposed, events, counts = degree[some], exposed[some], events[some], counts[some]
        if len(some) <= self.burn_in:
            what = "grown" if kernel == "gain" else "dropped"
            reason = (
                f"{len(some)} updates: all are learned from before the first forecast"
                if len(some)
                else f"no edge was {what}"
            )
            return _unknown(reason), pd.DataFrame(columns=[c.name for c in _UPDATES])
        scores = forecast(degree, exposed, events, burn_in=self.burn_in)[self.burn_in :]
        later, forecast_counts = some[self.burn_in :], counts[self.burn_in :]
        each = pd.DataFrame(
            {
                "step": when[t][0], "epoch": when[t][1], "model": model,
                "score": scores[row, column] / forecast_counts[row],
                "edges": forecast_counts[row],
            }
            for row, t in enumerate(later)
            for column, model in enumerate(MODELS)
        )  # fmt: skip
        told = []
        few = "" if len(scores) >= LEAST else f"fewer than {LEAST} forecasts: no interval"
        found = compare(scores, forecast_counts, replicates=self.replicates, seed=self.seed)
        for model in found:
            rates = fit_rates(degree, exposed, events, model.model)
            told.append(
                {
                    **asdict(model),
                    "place": _place(model.lead_low, model.lead_high),
                    "exponent": rates.exponent,
                    "spread": 1 / math.sqrt(rates.shape),
                    "updates": len(scores),
                    "edges": int(forecast_counts.sum()),
                    "reason": few,
                }
            )
        return pd.DataFrame(told), each


def _arrays(
    ends: Ends, kernel: KernelName
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Degrees, chances and events, each (updates, neurons), both sides together."""
    events, places = ends.events(kernel).astype(np.int64), ends.places(kernel)
    free = places.sum(2, keepdims=True)
    share = np.divide(places, free, out=np.zeros(places.shape), where=free > 0)
    chance = (events.sum(2, keepdims=True) * share).sum(1)
    return ends.degree.astype(np.int64), chance, events.sum(1)


def _place(low: float, high: float) -> str:
    if not math.isfinite(low):
        return ""
    return "best" if low > 0 else "behind" if high < 0 else "tied"


def _unknown(reason: str) -> pd.DataFrame:
    """One row for each model, of which nothing is known."""
    row: dict[str, Any] = {c.name: math.nan for c in _COLUMNS if c.dtype is float}
    return pd.DataFrame(
        [{"model": model, **row, "place": "", "updates": 0, "edges": 0, "reason": reason}
         for model in MODELS]
    )  # fmt: skip
