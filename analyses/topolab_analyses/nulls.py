"""Null models: is a measure what the degrees alone, or the size alone, would give?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import scipy.sparse as sp

from topolab.analysis import Analysis
from topolab.chaining import Link, chain_layers
from topolab.errors import AnalysisError
from topolab.graph import LayeredGraph
from topolab.hooks import WHEN, check_chain, check_name_free, rows_of
from topolab.metrics.degree import ccv
from topolab.metrics.nulls import assortativity, rewired, shared_edges, uniform, z_score
from topolab.metrics.paths import trace
from topolab.metrics.spectral import second_normalised
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["Nulls"]

_COLUMNS = (
    *WHEN,
    Column("layer", str, "1", "A layer of weights, or network for a measure of all together."),
    Column("measure", str, "1", "What is measured; the card defines each."),
    Column("null", str, "1", "rewired = same fan-in and fan-out; uniform = same number of edges."),
    Column("observed", float, "1", "Its value in the network."),
    Column("mean", float, "1", "Mean over the random networks."),
    Column("std", float, "1", "Their sample standard deviation."),
    Column("z", float, "1", "(observed - mean) / std."),
    Column("replicates", int, "1", "Random networks."),
    Column("moved", float, "1", "Mean share of the edges that are elsewhere in the random ones."),
    Column("reason", str, "1", "Why there is no z; empty where there is one."),
)

_NULLS = ("rewired", "uniform")
Blocks = list[sp.csr_array]


@dataclass(frozen=True)
class Nulls(Analysis):
    """The same measures on degree-preserving rewirings and on uniform masks, as z-scores.

    Parameters
    ----------
    frames : int
        How many snapshots are looked at, evenly spread, the first and the last among them.
    replicates : int
        Random networks of each kind.
    swaps : float
        Attempted exchanges for each edge of a rewiring.
    seed : int
    """

    frames: int = 3
    replicates: int = 20
    swaps: float = 10.0
    seed: int = 0

    name = "nulls"
    version = 2
    summary = "Measures against degree-preserving rewirings and uniform masks, as z-scores"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"nulls": _COLUMNS}
    compares = ("z",)

    def prepare(self, run: Run) -> Any:
        """Check parameters; choose the snapshots."""
        check_chain(run)
        check_name_free(run, "network")
        if self.frames < 1 or self.replicates < 2 or not self.swaps > 0:
            raise AnalysisError(
                "nulls: frames must be at least 1, replicates at least 2, swaps above 0"
            )
        chosen = np.linspace(0, len(run) - 1, min(self.frames, len(run)))
        if self.frames == 1:
            chosen = np.array([len(run) - 1])
        return frozenset(np.round(chosen).astype(int).tolist())

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """Nothing for snapshots that were not chosen."""
        if snapshot.index not in state:
            return {}
        links = chain_layers(snapshot.layers)
        graph = LayeredGraph.from_snapshot(snapshot)
        names = [link.layer.name for link in links]
        blocks = [graph.block(name) for name in names]
        observed = _measures(links, blocks)
        records = []
        for number, null in enumerate(_NULLS):
            drawn: dict[tuple[str, str], list[float]] = {key: [] for key in observed}
            moved: dict[str, list[float]] = {name: [] for name in names}
            for replicate in range(self.replicates):
                # A stream for every snapshot, kind and replicate: frames come in any order.
                rng = np.random.default_rng([self.seed, snapshot.index, number, replicate])
                other: Blocks = []
                for link, block in zip(links, blocks, strict=True):
                    made = _by_group(block, link.layer.groups, self._null(null, rng))
                    other.append(made)
                    moved[link.layer.name].append(1 - _share_kept(block, made))
                for key, value in _measures(links, other).items():
                    drawn[key].append(value)
            for (layer, measure), values in drawn.items():
                edges = {n: b.nnz for n, b in zip(names, blocks, strict=True)}
                shares = [
                    sum(edges[n] * moved[n][i] for n in names) / max(sum(edges.values()), 1)
                    for i in range(self.replicates)
                ]
                share = float(np.mean(shares if layer == "network" else moved[layer]))
                mean, std, z, reason = z_score(observed[layer, measure], values)
                if share == 0 and math.isnan(z):
                    reason = "no edge could move: the network and its null are one"
                records.append(
                    {
                        "layer": layer,
                        "measure": measure,
                        "null": null,
                        "observed": observed[layer, measure],
                        "mean": mean,
                        "std": std,
                        "z": z,
                        "replicates": self.replicates,
                        "moved": share,
                        "reason": reason,
                    }
                )
        return {"nulls": rows_of(snapshot, records, _COLUMNS)}

    def _null(self, null: str, rng: np.random.Generator) -> Callable[[sp.csr_array], sp.csr_array]:
        def draw(part: sp.csr_array) -> sp.csr_array:
            return rewired(part, rng, self.swaps)[0] if null == "rewired" else uniform(part, rng)

        return draw


def _by_group(
    block: sp.csr_array, groups: int, of: Callable[[sp.csr_array], sp.csr_array]
) -> sp.csr_array:
    """Apply to each group of a grouped convolution: between groups no edge is possible."""
    if groups == 1:
        return of(block)
    rows, cols = block.shape[0] // groups, block.shape[1] // groups
    parts = [of(block[i * rows : (i + 1) * rows, i * cols : (i + 1) * cols]) for i in range(groups)]
    return sp.csr_array(sp.block_diag(parts, format="csr"))


def _share_kept(a: sp.csr_array, b: sp.csr_array) -> float:
    """Share of the edges of a that b has too."""
    if not a.nnz:
        return 1.0
    return shared_edges(a, b) / a.nnz


def _measures(links: tuple[Link, ...] | list[Link], blocks: Blocks) -> dict[tuple[str, str], float]:
    """Every measure of a network, by (layer, measure)."""
    out: dict[tuple[str, str], float] = {}
    of_layer: dict[str, Callable[[sp.csr_array], float]] = {
        "fan_in_ccv": lambda b: ccv(np.diff(b.indptr)),
        "fan_out_ccv": lambda b: ccv(np.bincount(b.indices, minlength=b.shape[1])),
        "assortativity": assortativity,
        "normalised2": second_normalised,
    }
    for link, block in zip(links, blocks, strict=True):
        for measure, of in of_layer.items():
            out[link.layer.name, measure] = of(block)
    graph = LayeredGraph(links, blocks)
    core = graph.coreness()
    names = graph.layer_names
    sizes = graph.sizes
    found = trace(sizes, graph.blocks)
    off = sum(int((~(found.from_input[n] & found.to_output[n])).sum()) for n in names)
    out["network", "k_max"] = float(core.max())
    out["network", "core_share"] = float((core == core.max()).mean())
    out["network", "off_path"] = float(off)
    out["network", "log10_paths"] = found.log_total / math.log(10)
    return out
