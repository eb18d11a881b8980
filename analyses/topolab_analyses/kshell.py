"""k-shell decomposition of the whole network, per layer through time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from topolab.analysis import Analysis
from topolab.graph import LayeredGraph
from topolab.hooks import LAYER, WHEN, check_chain, rows_of
from topolab.metrics.kcore import roles
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["KShell"]

_ROLES = (
    *WHEN,
    LAYER,
    Column("role", str, "1", "core = highest shell of the network, isolated = lowest, else crust."),
    Column("count", int, "neurons", "Neurons of the layer with this role."),
    Column("share", float, "1", "The same as a share of the layer's neurons."),
    Column("k_max", int, "1", "Coreness of the network's highest shell."),
    Column("k_min", int, "1", "Coreness of the network's lowest shell."),
)
_SHELLS = (
    *WHEN,
    LAYER,
    Column("coreness", int, "1", "A shell: the largest k with the neuron in the k-core."),
    Column("count", int, "neurons", "Neurons of the layer in this shell."),
)


@dataclass(frozen=True)
class KShell(Analysis):
    """Shells of the undirected graph of the whole network.

    Parameters
    ----------
    exclude_output : bool
        Leave out the edges of the last layer, and its neurons: a dense one lifts every neuron
        before it to at least its width.
    """

    exclude_output: bool = True

    name = "kshell"
    version = 1
    summary = "k-shells of the network: core, crust and isolated neurons per layer"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"kshell": _ROLES, "kshell_shells": _SHELLS}

    def prepare(self, run: Run) -> Any:
        """Check that the layers chain; a single layer is never left out."""
        check_chain(run)
        return self.exclude_output and len(run.layers) > 1

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """Roles and shells per layer."""
        last = snapshot.layers[-1].name
        graph = LayeredGraph.from_snapshot(snapshot, exclude=[last] if state else [])
        layers = [name for name in graph.layer_names if not (state and name == last)]
        where = {name: graph.layer_slice(name) for name in layers}
        # Neurons of a layer that is left out have no edges; they must not be the lowest shell.
        core = graph.coreness()
        counted = np.concatenate([core[where[name]] for name in layers])
        role = np.split(roles(counted), np.cumsum([len(core[where[n]]) for n in layers])[:-1])
        role_rows: list[dict[str, Any]] = []
        shell_rows: list[dict[str, Any]] = []
        for name, of_layer in zip(layers, role, strict=True):
            for kind in ("core", "crust", "isolated"):
                count = int((of_layer == kind).sum())
                role_rows.append(
                    {
                        "layer": name,
                        "role": kind,
                        "count": count,
                        "share": count / len(of_layer),
                        "k_max": int(counted.max()),
                        "k_min": int(counted.min()),
                    }
                )
            for shell, count in zip(*np.unique(core[where[name]], return_counts=True), strict=True):
                shell_rows.append({"layer": name, "coreness": shell, "count": count})
        return {
            "kshell": rows_of(snapshot, role_rows, _ROLES),
            "kshell_shells": rows_of(snapshot, shell_rows, _SHELLS),
        }
