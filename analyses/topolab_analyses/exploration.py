"""Exploration: how many weights were ever tried, which edges survive, which hubs stay."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab.analysis import SequentialAnalysis
from topolab.errors import AnalysisError
from topolab.graph import LayeredGraph
from topolab.hooks import LAYER, WHEN, check_chain, check_name_free, rows_of
from topolab.metrics import churn
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["Exploration"]

ByteArray = npt.NDArray[np.uint8]

_COLUMNS = (
    *WHEN,
    Column("layer", str, "1", "A layer of weights, or all = every maskable layer together."),
    Column("r_s", float, "1", "ITOP's R_s: share of the weights active in any mask so far."),
    Column("jaccard", float, "1", "Edges in this mask and the one before over those in either."),
    Column("dropped", int, "weights", "Active before, not now."),
    Column("grown", int, "weights", "Active now, not before."),
    Column("regrown", int, "weights", "Of the grown, those that were active at an earlier time."),
    Column("regrown_share", float, "1", "regrown / grown; NaN where nothing was grown."),
    Column("active", int, "weights", "Active now."),
)
_SURVIVAL = (
    *WHEN,
    Column("layer", str, "1", "A maskable layer of weights."),
    Column("born", int, "steps", "Step of the mask in which this cohort of edges is new."),
    Column("size", int, "weights", "Edges of the cohort; at the first step all edges."),
    Column("unbroken", float, "1", "Share of it that was active in every mask since."),
    Column("present", float, "1", "Share of it that is active now, perhaps after a break."),
)
_HUBS = (
    *WHEN,
    LAYER,
    Column("share", float, "1", "The neurons with the most edges that count as hubs."),
    Column("n_hubs", int, "neurons", "How many these are."),
    Column("turnover", float, "1", "Share of the hubs before that are none now; NaN without hubs."),
    Column("turnover_since_start", float, "1", "Share of the first hubs that are none now."),
)


@dataclass(frozen=True)
class _Cohort:
    layer: str
    born: int
    size: int
    edges: ByteArray
    unbroken: ByteArray


@dataclass(frozen=True)
class _Memory:
    ever: dict[str, ByteArray]
    before: dict[str, ByteArray]
    cohorts: tuple[_Cohort, ...]
    first_hubs: dict[tuple[str, float], npt.NDArray[np.int64]]
    hubs: dict[tuple[str, float], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Exploration(SequentialAnalysis):
    """Exploration rate, overlap, survival and turnover of the hubs.

    Parameters
    ----------
    cohorts : int
        How many cohorts of new edges to follow, evenly spread over the snapshots; the first is
        the initial mask.
    hub_shares : tuple of float
        Shares of a layer's neurons that count as its hubs.
    """

    cohorts: int = 8
    hub_shares: tuple[float, ...] = (0.01, 0.1)

    name = "exploration"
    version = 1
    summary = "ITOP's R_s, Jaccard of successive masks, edge survival, turnover of the hubs"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "exploration": _COLUMNS,
        "exploration_survival": _SURVIVAL,
        "exploration_hubs": _HUBS,
    }
    compares = ("r_s",)
    highlights = ("r_s[all]",)

    def prepare(self, run: Run) -> Any:
        """The positions whose new edges are followed."""
        check_chain(run)
        check_name_free(run, "all")
        try:
            shares = tuple(float(s) for s in self.hub_shares)
        except (TypeError, ValueError) as error:
            raise AnalysisError(
                f"exploration: hub_shares {self.hub_shares!r} is not a list of numbers"
            ) from error
        if self.cohorts < 1 or not all(0 < s <= 1 for s in shares):
            raise AnalysisError("exploration: cohorts must be at least 1, hub_shares in (0, 1]")
        followed = np.linspace(0, len(run), self.cohorts, endpoint=False).astype(int)
        maskable = [layer.name for layer in run.layers if layer.maskable]
        return {
            "followed": frozenset(followed.tolist()),
            "layers": maskable or [layer.name for layer in run.layers],
            "shares": shares,
        }

    def start(self, state: Any) -> Any:
        """Nothing was seen."""
        return _Memory({}, {}, (), {}, {})

    def visit(
        self, memory: _Memory, snapshot: Snapshot, state: Any
    ) -> tuple[_Memory, dict[str, pd.DataFrame]]:
        """Compare with what was there before."""
        now = {name: snapshot.packed[name] for name in state["layers"]}
        sizes = {name: snapshot.layer(name).size for name in now}
        first = not memory.before
        ever: dict[str, ByteArray] = {}
        records = []
        born = []
        sums = dict.fromkeys(("ever", "both", "either", "dropped", "grown", "regrown", "active"), 0)
        for name, mask in now.items():
            before = memory.before.get(name, mask)
            known = memory.ever.get(name, mask)
            grown = mask & ~before
            counts = {
                "ever": churn.count(known | mask),
                "both": churn.count(mask & before),
                "either": churn.count(mask | before),
                "dropped": churn.count(before & ~mask),
                "grown": churn.count(grown),
                "regrown": churn.count(grown & known),
                "active": churn.count(mask),
            }
            ever[name] = known | mask
            for key, value in counts.items():
                sums[key] += value
            records.append(_record(name, counts, sizes[name], first=first))
            if snapshot.index in state["followed"]:
                edges = mask if first else grown
                size = churn.count(edges)
                if size:
                    born.append(_Cohort(name, snapshot.step, size, edges, edges))
        records.append(_record("all", sums, sum(sizes.values()), first=first))
        cohorts = tuple(
            replace(c, unbroken=c.unbroken & now[c.layer]) for c in (*memory.cohorts, *born)
        )
        survival = [
            {
                "layer": c.layer,
                "born": c.born,
                "size": c.size,
                "unbroken": churn.count(c.unbroken) / c.size,
                "present": churn.count(c.edges & now[c.layer]) / c.size,
            }
            for c in cohorts
        ]
        hubs, hub_rows = self._hubs(memory, snapshot, state)
        first_hubs = memory.first_hubs or hubs
        after = _Memory(ever, now, cohorts, first_hubs, hubs)
        return after, {
            "exploration": rows_of(snapshot, records, _COLUMNS),
            "exploration_survival": rows_of(snapshot, survival, _SURVIVAL),
            "exploration_hubs": rows_of(snapshot, hub_rows, _HUBS),
        }

    def _hubs(self, memory: _Memory, snapshot: Snapshot, state: Any) -> tuple[Any, list[Any]]:
        graph = LayeredGraph.from_snapshot(snapshot)
        degrees = graph.degrees("total")
        hubs = {}
        records = []
        for layer in graph.layer_names:
            for share in state["shares"]:
                key = (layer, share)
                of_layer = degrees[graph.layer_slice(layer)]
                # Where all have the same degree there are no hubs.
                hubs[key] = churn.hubs(of_layer, share) if np.ptp(of_layer) else np.zeros(0, int)
                seen = key in memory.hubs
                records.append(
                    {
                        "layer": layer,
                        "share": share,
                        "n_hubs": len(hubs[key]),
                        "turnover": (
                            churn.turnover(memory.hubs[key], hubs[key]) if seen else math.nan
                        ),
                        "turnover_since_start": churn.turnover(
                            memory.first_hubs.get(key, hubs[key]), hubs[key]
                        ),
                    }
                )
        return hubs, records

    def conclude(self, rows: dict[str, pd.DataFrame], state: Any) -> dict[str, pd.DataFrame]:
        """The tables as they are; a run without any edge has a row that says so in survival."""
        if not len(rows["exploration_survival"]):
            when = rows["exploration"].iloc[[0]]
            rows["exploration_survival"] = pd.DataFrame(
                {
                    "step": when["step"], "epoch": when["epoch"], "layer": "all",
                    "born": when["step"], "size": 0, "unbroken": np.nan, "present": np.nan,
                }
            )  # fmt: skip
        return rows


def _record(name: str, counts: dict[str, int], size: int, *, first: bool) -> dict[str, Any]:
    either, grown = counts["either"], counts["grown"]
    return {
        "layer": name,
        "r_s": counts["ever"] / size,
        "jaccard": math.nan if first or not either else counts["both"] / either,
        "dropped": counts["dropped"],
        "grown": grown,
        "regrown": counts["regrown"],
        "regrown_share": counts["regrown"] / grown if grown else math.nan,
        "active": counts["active"],
    }
