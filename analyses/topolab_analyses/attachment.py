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
from topolab.hooks import check_chain
from topolab.metrics.attachment import Joint
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column
from topolab_analyses.attachment_tables import (
    EVENTS,
    KERNELS,
    SLOPES,
    empty_events,
    empty_kernel,
    empty_slope,
)
from topolab_analyses.edge_history import (
    KERNEL_NAMES,
    EdgeHistory,
    Ends,
    KernelName,
    change_of,
    joint_of,
    kernel_of,
    rate_of,
    slope_of,
)
from topolab_analyses.rewiring import changing_layers

__all__ = ["Attachment"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
_NORMAL = 1.959963984540054


@dataclass(frozen=True)
class _Memory:
    before: Snapshot | None
    history: EdgeHistory


@dataclass(frozen=True)
class Attachment(SequentialAnalysis):
    """Gain and loss kernels by degree, and their exponents, with intervals.

    Parameters
    ----------
    windows : int
        Parts of the run whose exponents are given besides that of the whole, and tested for a
        change from part to part.
    replicates : int
        Of the block bootstrap over time.
    seed : int
    """

    windows: int = 4
    replicates: int = 200
    seed: int = 0

    name = "attachment"
    version = 2
    summary = "Attachment kernels: edges gained and lost by degree, against random rewiring"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "attachment": SLOPES,
        "attachment_kernels": KERNELS,
        "attachment_events": EVENTS,
    }
    compares = ("slope", "rate", "joint", "within")

    def prepare(self, run: Run) -> Any:
        """Which layers of weights change at all."""
        check_chain(run)
        if self.windows < 0 or self.replicates < 2:
            raise AnalysisError("attachment: windows must be at least 0, replicates at least 2")
        return {"moving": changing_layers(run), "steps": run.steps}

    def start(self, state: Any) -> Any:
        """Nothing was seen."""
        return _Memory(None, EdgeHistory())

    def visit(
        self, memory: _Memory, snapshot: Snapshot, state: Any
    ) -> tuple[_Memory, dict[str, pd.DataFrame]]:
        """What was gained and lost since the snapshot before; at the last one, the kernels."""
        if memory.before is None or not state["moving"]:
            return _Memory(snapshot, memory.history), {}
        history = memory.history.add(memory.before, snapshot, state["moving"])
        tables = {"attachment_events": _events(history, snapshot)}
        if snapshot.step == state["steps"][-1]:
            tables |= self._kernels(history, state["steps"][0])
        return _Memory(snapshot, history), tables

    def conclude(self, rows: dict[str, pd.DataFrame], state: Any) -> dict[str, pd.DataFrame]:
        """The same tables, with a row in each that says why there is none."""
        first = int(state["steps"][0])
        reason = (
            "one snapshot: there is nothing between two of them"
            if len(state["steps"]) == 1
            else "no mask changes from snapshot to snapshot"
        )
        without = {
            "attachment": empty_slope(first, reason),
            "attachment_kernels": empty_kernel(),
            "attachment_events": empty_events(first),
        }
        return {
            name: rows[name] if len(rows[name]) else pd.DataFrame([row])
            for name, row in without.items()
        }

    def headline(self, table: pd.DataFrame) -> pd.DataFrame:
        """The exponents over the whole run."""
        return table[table["window"] == 0]

    # -- the fits --------------------------------------------------------------------------------

    def _kernels(self, history: EdgeHistory, first_step: int) -> dict[str, pd.DataFrame]:
        """Kernels and exponents of every end from all updates."""
        slopes: list[dict[str, Any]] = []
        kernels: list[dict[str, Any]] = []
        for layer, end in history.ends():
            for kernel in KERNEL_NAMES:
                key = {"layer": layer, "end": end, "kernel": kernel}
                ends = history.of(layer, end, kernel=kernel)
                if not len(ends):
                    reason = "no edge was " + ("grown" if kernel == "gain" else "dropped")
                    slopes.append({**empty_slope(first_step, reason), **key})
                    continue
                kernels += [{**key, **row} for row in self._bins(ends, kernel)]
                slopes += [{**key, **row} for row in self._slopes(ends, kernel)]
        tables = {"attachment": pd.DataFrame(slopes)}
        return tables | ({"attachment_kernels": pd.DataFrame(kernels)} if kernels else {})

    def _bins(self, ends: Ends, kernel: KernelName) -> Iterator[dict[str, Any]]:
        made = kernel_of(ends, kernel, replicates=self.replicates, seed=self.seed)
        for i in range(len(made.low)):
            yield {
                "degree_from": made.low[i],
                "degree_to": made.high[i],
                "degree": made.mean_degree[i],
                "value": made.value[i],
                "low": made.value_low[i],
                "high": made.value_high[i],
                "events": made.events[i],
                "expected": made.expected[i],
            }

    def _slopes(self, ends: Ends, kernel: KernelName) -> Iterator[dict[str, Any]]:
        for window, chosen in self._windows(len(ends)):
            row = {
                "window": window,
                "step_from": ends.before_steps[chosen[0]],
                "step_to": ends.steps[chosen[-1]],
                "updates": len(chosen),
                **self._slope(ends, kernel, chosen),
                **dict.fromkeys(_WHOLE, math.nan),
            }
            if not window:
                row["change_p"] = change_of(ends, kernel, windows=self.windows)
                if kernel == "gain":
                    fits = joint_of(ends, within=False), joint_of(ends, within=True)
                    row |= _fitness(*fits)
                    row["reasons"] += [fit.reason for fit in fits]
            # The fits lack their numbers for the same reason more often than not.
            row["reason"] = "; ".join(dict.fromkeys(r for r in row.pop("reasons") if r))
            yield row

    def _windows(self, updates: int) -> Iterator[tuple[int, IntArray]]:
        every = np.arange(updates)
        yield 0, every
        if self.windows > 1:
            for number, part in enumerate(np.array_split(every, self.windows), start=1):
                if len(part):
                    yield number, part

    def _slope(self, ends: Ends, kernel: KernelName, chosen: IntArray) -> dict[str, Any]:
        options: dict[str, Any] = {"replicates": self.replicates, "seed": self.seed}
        slope = slope_of(ends, kernel, chosen=chosen, **options)
        rate = rate_of(ends, kernel, chosen=chosen, **options)
        numbers = asdict(slope)
        same = ("low", "high", "standard_error", "p_positive", "p_negative", "zero", "events")
        null = _NORMAL * slope.null_error
        return {
            "slope": slope.gamma,
            **{name: numbers[name] for name in same},
            "null_low": -null,
            "null_high": null,
            "rate": rate.gamma,
            "rate_low": rate.low,
            "rate_high": rate.high,
            "reasons": [slope.reason],
        }


# Only of a whole run.
_WHOLE = (
    "change_p", "joint", "joint_low", "joint_high", "within", "within_low", "within_high",
    "fitness_spread",
)  # fmt: skip


def _fitness(joint: Joint, within: Joint) -> dict[str, Any]:
    """Both exponents at a given fitness."""
    return {
        "joint": joint.gamma,
        "joint_low": joint.low,
        "joint_high": joint.high,
        "within": within.gamma,
        "within_low": within.low,
        "within_high": within.high,
        "fitness_spread": joint.spread,
    }


def _events(history: EdgeHistory, snapshot: Snapshot) -> pd.DataFrame:
    """What the last update did, by layer, end, side and degree."""
    words: dict[str, list[str]] = {"layer": [], "end": [], "side": []}
    lengths: list[int] = []
    counts: dict[str, list[npt.NDArray[Any]]] = {}
    for layer, end in history.ends():
        ends = history.last(layer, end)
        degree, where = np.unique(ends.degree[0], return_inverse=True)
        for number, side in enumerate(ends.sides):
            found = _count(ends, number, where)
            for name, values in {"degree": degree, **found}.items():
                counts.setdefault(name, []).append(values)
            for name, word in (("layer", layer), ("end", end), ("side", side)):
                words[name].append(word)
            lengths.append(len(degree))
    return pd.DataFrame(
        {
            "step": snapshot.step,
            "epoch": snapshot.epoch,
            **{name: np.repeat(np.array(w, dtype=object), lengths) for name, w in words.items()},
            **{name: np.concatenate(values) for name, values in counts.items()},
        }
    )


def _count(ends: Ends, side: int, where: npt.NDArray[np.intp]) -> dict[str, npt.NDArray[Any]]:
    """Sums over the neurons of each degree, at one side of the first update."""

    def total(values: npt.NDArray[Any]) -> FloatArray:
        return np.asarray(np.bincount(where, weights=values), dtype=np.float64)

    def chance(places: FloatArray, events: FloatArray) -> FloatArray:
        return np.asarray(events.sum() * places / max(places.sum(), 1.0))

    room, gained, edges, lost = (
        total(values[0, side]) for values in (ends.room, ends.gained, ends.edges, ends.lost)
    )
    return {
        "neurons": np.bincount(where),
        "room": room.astype(np.int64),
        "gained": gained.astype(np.int64),
        "gain_chance": chance(room, gained),
        "edges": edges.astype(np.int64),
        "lost": lost.astype(np.int64),
        "loss_chance": chance(edges, lost),
    }
