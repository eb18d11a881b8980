"""The wiring in a form that can be drawn: every neuron, and the edges between groups of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from topolab.analysis import Analysis
from topolab.errors import AnalysisError
from topolab.graph import LayeredGraph
from topolab.hooks import LAYER, WHEN, check_chain
from topolab.metrics.dormancy import on_path
from topolab.metrics.kcore import roles
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["Wiring"]

_GROUPS = (
    *WHEN,
    Column("layer", str, "1", "A layer of weights: its edges run between the two groups."),
    Column("source", str, "1", "The neurons it reads."),
    Column("source_group", int, "1", "Group of the sources: 0 = those with the most edges."),
    Column("target_group", int, "1", "Group of the neurons it feeds, likewise."),
    Column("edges", int, "edges", "Edges from the one group to the other."),
    Column("possible", int, "edges", "Pairs of a neuron of each."),
)
_NEURONS = (
    *WHEN,
    LAYER,
    Column("neuron", int, "1", "Index of the neuron in its layer."),
    Column("rank_group", int, "1", "Its group by total degree; ties by index."),
    Column("fan_in", int, "edges", "Edges from its inputs."),
    Column("fan_out", int, "edges", "Edges to its outputs."),
    Column("coreness", int, "1", "The largest k with the neuron in the k-core of the network."),
    Column("role", str, "1", "core, crust or isolated, as for kshell."),
    Column("on_path", bool, "1", "Whether it is on a path from an input to an output."),
)


@dataclass(frozen=True)
class Wiring(Analysis):
    """Fan-in, fan-out and coreness of every neuron; edges between groups of neurons by degree.

    Parameters
    ----------
    groups : int
        Groups of nearly equal size per layer, from most edges to fewest; no more than it has
        neurons.
    """

    groups: int = 16

    name = "wiring"
    version = 1
    summary = "every neuron's degrees and coreness, and edges between groups of neurons"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {
        "wiring": _GROUPS,
        "wiring_neurons": _NEURONS,
    }

    def prepare(self, run: Run) -> Any:
        """Check the number of groups and that the layers chain."""
        check_chain(run)
        if self.groups < 1:
            raise AnalysisError(f"wiring: groups must be at least 1, not {self.groups}")

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """Neurons and bundles of one snapshot."""
        graph = LayeredGraph.from_snapshot(snapshot)
        names = graph.layer_names
        fan_in, fan_out = graph.degrees("in"), graph.degrees("out")
        core, role = _shells(snapshot, graph)
        group = {n: _groups((fan_in + fan_out)[graph.layer_slice(n)], self.groups) for n in names}
        sizes = {n: len(group[n]) for n in names}
        through = on_path(sizes, graph.blocks)
        neurons = [
            pd.DataFrame(
                {
                    "layer": name,
                    "neuron": np.arange(sizes[name]),
                    "rank_group": group[name],
                    "fan_in": fan_in[graph.layer_slice(name)],
                    "fan_out": fan_out[graph.layer_slice(name)],
                    "coreness": core[graph.layer_slice(name)],
                    "role": role[graph.layer_slice(name)],
                    "on_path": through[name],
                }
            )
            for name in names
        ]
        bundles = [
            _bundles(name, graph.source_of(name), graph, group[graph.source_of(name)], group[name])
            for name in graph.weight_layers
        ]
        return {
            "wiring": _with_step(pd.concat(bundles, ignore_index=True), snapshot, _GROUPS),
            "wiring_neurons": _with_step(pd.concat(neurons, ignore_index=True), snapshot, _NEURONS),
        }


def _shells(
    snapshot: Snapshot, graph: LayeredGraph
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Coreness and role of every neuron; the last layer's edges left out, as kshell does."""
    last = snapshot.layers[-1].name
    if len(snapshot.layers) == 1:
        core = graph.coreness()
        return core, roles(core)
    core = LayeredGraph.from_snapshot(snapshot, exclude=[last]).coreness()
    counted = np.ones(len(core), dtype=bool)
    counted[graph.layer_slice(last)] = False
    role = np.full(len(core), "output", dtype="<U8")
    role[counted] = roles(core[counted])
    return core, role


def _groups(degrees: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.int64]:
    """Groups of nearly equal size, 0 for the neurons with the most edges."""
    order = np.argsort(-degrees, kind="stable")
    count = min(most, len(degrees))
    group = np.empty(len(degrees), dtype=np.int64)
    group[order] = np.arange(len(degrees)) * count // len(degrees)
    return group


def _bundles(
    name: str,
    source: str,
    graph: LayeredGraph,
    of_source: npt.NDArray[np.int64],
    of_target: npt.NDArray[np.int64],
) -> pd.DataFrame:
    """Edges between every two groups of one layer of weights."""
    block = graph.block(name)
    wide, high = int(of_source.max()) + 1, int(of_target.max()) + 1
    rows = np.repeat(of_target, np.diff(block.indptr))
    edges = np.bincount(rows * wide + of_source[block.indices], minlength=wide * high)
    possible = np.outer(np.bincount(of_target), np.bincount(of_source))
    target_group, source_group = np.divmod(np.arange(wide * high), wide)
    return pd.DataFrame(
        {
            "layer": name,
            "source": source,
            "source_group": source_group,
            "target_group": target_group,
            "edges": edges,
            "possible": possible.ravel(),
        }
    )


def _with_step(
    table: pd.DataFrame, snapshot: Snapshot, columns: tuple[Column, ...]
) -> pd.DataFrame:
    table.insert(0, "step", snapshot.step)
    table.insert(1, "epoch", snapshot.epoch)
    return table[[column.name for column in columns]]
