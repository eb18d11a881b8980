"""Attachment: do neurons with many edges gain more of them, and lose fewer?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab.analysis import SequentialAnalysis
from topolab.errors import AnalysisError
from topolab.hooks import LAYER, WHEN, check_chain
from topolab.metrics.attachment import Slope, fit_kernel, fit_slope
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.rewiring import changing_layers, edge_events, sum_by_degree

__all__ = ["Attachment"]

FloatArray = npt.NDArray[np.float64]

_END = Column("end", str, "1", "in = edges from its inputs, out = to its outputs, total = both.")
_KERNEL = Column("kernel", str, "1", "gain = edges grown, loss = edges dropped.")
_COLUMNS = (
    LAYER,
    _END,
    _KERNEL,
    Column("window", int, "1", "0 = the whole run, 1, 2, ... = its parts in order."),
    Column("step_from", int, "steps", "Step before the window's first update."),
    Column("step_to", int, "steps", "Step of its last update."),
    Column("updates", int, "1", "Updates in the window that changed this layer."),
    Column("events", int, "edges", "Edge ends gained, or lost."),
    Column("slope", float, "1", "Exponent of the kernel max(k, 1)^slope; 0 where it is random."),
    Column("low", float, "1", "Lower end of its 95 % interval (block bootstrap over time)."),
    Column("high", float, "1", "Upper end."),
    Column("standard_error", float, "1", "Of the bootstrap, or of the likelihood if larger."),
    Column(
        "null_low", float, "1", "Lower end of where random rewiring has its slope, 95 of 100 times."
    ),
    Column("null_high", float, "1", "Upper end."),
    Column("p_positive", float, "1", "One-sided p-value of a slope not above 0."),
    Column("p_negative", float, "1", "One-sided p-value of a slope not below 0."),
    Column("rate", float, "1", "Exponent of a neuron's rate; gain: 1 is Barabasi and Albert's."),
    Column("rate_low", float, "1", "Lower end of its 95 % interval."),
    Column("rate_high", float, "1", "Upper end."),
    Column("reason", str, "1", "Why a number is missing; empty where none is."),
)
_KERNELS = (
    LAYER,
    _END,
    _KERNEL,
    Column("degree_from", int, "edges", "First degree of the bin."),
    Column("degree_to", int, "edges", "Last degree of the bin."),
    Column("degree", float, "edges", "Mean degree of the bin, by exposure."),
    Column("value", float, "1", "The kernel; 1 = as many events as chance gives, on average."),
    Column("low", float, "1", "Lower end of its 95 % interval (block bootstrap over time)."),
    Column("high", float, "1", "Upper end."),
    Column("events", float, "edges", "Events in the bin."),
    Column("expected", float, "edges", "Events that chance gives it."),
)
_EVENTS = (
    *WHEN,
    LAYER,
    _END,
    Column("degree", int, "edges", "Active weights of a neuron at this end before the update."),
    Column("neurons", int, "neurons", "Neurons of this degree."),
    Column("gained", int, "edges", "Edge ends they gained in the update."),
    Column("gain_chance", float, "edges", "What they gain on average if growth is at random."),
    Column("lost", int, "edges", "Edge ends they lost."),
    Column("loss_chance", float, "edges", "What they lose on average if pruning is at random."),
)


@dataclass(frozen=True)
class Attachment(SequentialAnalysis):
    """Gain and loss kernels by degree, and their exponents, with intervals.

    Parameters
    ----------
    windows : int
        Parts of the run whose exponents are given besides that of the whole.
    replicates : int
        Of the block bootstrap over time.
    seed : int
    """

    windows: int = 4
    replicates: int = 200
    seed: int = 0

    name = "attachment"
    version = 1
    summary = "Attachment kernels: edges gained and lost by degree, against random rewiring"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "attachment": _COLUMNS,
        "attachment_kernels": _KERNELS,
        "attachment_events": _EVENTS,
    }
    compares = ("slope", "rate")

    def prepare(self, run: Run) -> Any:
        """Which layers of weights change at all."""
        check_chain(run)
        if self.windows < 0 or self.replicates < 2:
            raise AnalysisError("attachment: windows must be at least 0, replicates at least 2")
        return {"moving": changing_layers(run), "steps": run.steps}

    def visit(
        self, memory: Snapshot | None, snapshot: Snapshot, state: Any
    ) -> tuple[Snapshot, dict[str, pd.DataFrame]]:
        """What was gained and lost since the snapshot before."""
        if memory is None or not state["moving"]:
            return snapshot, {}
        parts = [
            pd.DataFrame(
                {
                    "step": snapshot.step,
                    "epoch": snapshot.epoch,
                    "layer": layer,
                    "end": end,
                    **sum_by_degree(ends),
                }
            )
            for (layer, end), ends in edge_events(memory, snapshot, state["moving"]).items()
        ]
        return snapshot, {"attachment_events": pd.concat(parts, ignore_index=True)}

    def conclude(self, rows: dict[str, pd.DataFrame], state: Any) -> dict[str, pd.DataFrame]:
        """Kernels and exponents from all updates."""
        long = rows["attachment_events"]
        summary: list[dict[str, Any]] = []
        kernels: list[dict[str, Any]] = []
        for (layer, end), part in long.groupby(["layer", "end"], sort=False):
            for kernel in ("gain", "loss"):
                key = {"layer": layer, "end": end, "kernel": kernel}
                steps, seen, chance, neurons = _by_step_and_degree(part, kernel)
                made = fit_kernel(seen, chance, replicates=self.replicates, seed=self.seed)
                for i in range(len(made.low)):
                    kernels.append(
                        {
                            **key,
                            "degree_from": made.low[i],
                            "degree_to": made.high[i],
                            "degree": made.mean_degree[i],
                            "value": made.value[i],
                            "low": made.value_low[i],
                            "high": made.value_high[i],
                            "events": made.events[i],
                            "expected": made.expected[i],
                        }
                    )
                if not len(steps):
                    reason = "no edge was " + ("grown" if kernel == "gain" else "dropped")
                    summary.append({**_empty_row(int(state["steps"][0]), reason), **key})
                for window, chosen in self._windows(len(steps)):
                    at = int(np.searchsorted(state["steps"], steps[chosen[0]]))
                    before = state["steps"][at - 1]
                    summary.append(
                        {
                            **key,
                            "window": window,
                            "step_from": before,
                            "step_to": steps[chosen[-1]],
                            "updates": len(chosen),
                            **self._slopes(seen[chosen], chance[chosen], neurons[chosen]),
                        }
                    )
        if not summary:
            reason = (
                "one snapshot: there is nothing between two of them"
                if len(state["steps"]) == 1
                else "no mask changes from snapshot to snapshot"
            )
            summary = [_empty_row(int(state["steps"][0]), reason)]
        if not kernels:
            kernels = [_empty_kernel_row()]
        if not len(long):
            long = pd.DataFrame([_empty_event_row(int(state["steps"][0]))])
        return {
            "attachment": pd.DataFrame(summary),
            "attachment_kernels": pd.DataFrame(kernels),
            "attachment_events": long,
        }

    def headline(self, table: pd.DataFrame) -> pd.DataFrame:
        """The exponents over the whole run."""
        return table[table["window"] == 0]

    def _windows(self, updates: int) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
        every = np.arange(updates)
        if not updates:
            return
        yield 0, every
        if self.windows > 1:
            for number, part in enumerate(np.array_split(every, self.windows), start=1):
                if len(part):
                    yield number, part

    def _slopes(self, seen: FloatArray, chance: FloatArray, neurons: FloatArray) -> dict[str, Any]:
        slope = fit_slope(seen, chance, replicates=self.replicates, seed=self.seed)
        # A neuron that cannot gain, or has nothing to lose, is not there for the rate.
        able = np.where(chance > 0, neurons, 0.0)
        rate = fit_slope(seen, able, replicates=self.replicates, seed=self.seed)
        return _as_row(slope, rate)


def _by_step_and_degree(
    part: pd.DataFrame, kernel: str
) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray, FloatArray]:
    """Steps with events, and by step and degree: events, exposure to chance, neurons."""
    size = int(part["degree"].max()) + 1
    steps, at = np.unique(part["step"].to_numpy(), return_inverse=True)
    seen, chance, neurons = (np.zeros((len(steps), size)) for _ in range(3))
    column, by_chance = ("gained", "gain_chance") if kernel == "gain" else ("lost", "loss_chance")
    degree = part["degree"].to_numpy()
    seen[at, degree] = part[column]
    chance[at, degree] = part[by_chance]
    neurons[at, degree] = part["neurons"]
    some = seen.sum(1) > 0
    return steps[some], seen[some], chance[some], neurons[some]


def _as_row(slope: Slope, rate: Slope) -> dict[str, Any]:
    numbers = asdict(slope)
    null = 1.959963984540054 * slope.null_error
    return {
        "events": slope.events,
        "slope": slope.gamma,
        **{k: numbers[k] for k in ("low", "high", "standard_error", "p_positive", "p_negative")},
        "null_low": -null,
        "null_high": null,
        "rate": rate.gamma,
        "rate_low": rate.low,
        "rate_high": rate.high,
        "reason": slope.reason,
    }


def _empty_row(step: int, reason: str) -> dict[str, Any]:
    row: dict[str, Any] = {c.name: math.nan for c in _COLUMNS}
    row.update(layer="all", end="total", kernel="gain", window=0, step_from=step, step_to=step)
    row.update(updates=0, events=0, reason=reason)
    return row


def _empty_kernel_row() -> dict[str, Any]:
    row: dict[str, Any] = {c.name: math.nan for c in _KERNELS}
    return {**row, "layer": "all", "end": "total", "kernel": "gain", "degree_from": 0,
            "degree_to": 0}  # fmt: skip


def _empty_event_row(step: int) -> dict[str, Any]:
    row: dict[str, Any] = {c.name: 0 for c in _EVENTS}
    return {**row, "step": step, "epoch": math.nan, "layer": "all", "end": "total"}
