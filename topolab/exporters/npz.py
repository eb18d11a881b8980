"""numpy's .npz: plain arrays, for numpy, scipy and everything built on them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from topolab.exporters.base import Exporter
from topolab.graph import LayeredGraph

__all__ = ["NPZ"]


class NPZ(Exporter):
    """No object arrays, so ``numpy.load`` opens it with ``allow_pickle=False``, its default."""

    name = "npz"
    summary = "numpy, scipy"
    suffix = ".npz"

    def write(self, graph: LayeredGraph, paths: Sequence[Path]) -> None:
        """Write one file."""
        about = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in graph.about.items()
        }
        source, target, _ = graph.edges
        arrays = {
            "id": np.array(graph.ids),
            "layer_names": np.array(graph.layer_names),
            "layer": graph.layer_positions,
            **graph.neuron_attributes(),
            "source": source,
            "target": target,
            **graph.edge_attributes(),
            "about": np.array(json.dumps(about)),
        }
        with paths[0].open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
