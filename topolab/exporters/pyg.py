"""A .pt of plain tensors that PyTorch Geometric's ``Data`` takes as it is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from topolab.exporters.base import Exporter
from topolab.graph import LayeredGraph

__all__ = ["PyG"]


class PyG(Exporter):
    """``Data(**torch.load(path, weights_only=True))``; PyTorch Geometric is not needed to write it.

    A neuron's number within its layer is called ``neuron`` here: Data counts up every key with
    "index" in its name when graphs are put into one batch.
    """

    name = "pyg"
    summary = "PyTorch Geometric, torch"
    suffix = ".pt"

    def write(self, graph: LayeredGraph, paths: Sequence[Path]) -> None:
        """Write one file."""
        import torch

        numbers = graph.neuron_attributes()
        numbers["neuron"] = numbers.pop("index")
        source, target, _ = graph.edges
        edges = {f"edge_{name}": values for name, values in graph.edge_attributes().items()}
        data: dict[str, Any] = {
            "edge_index": torch.from_numpy(np.stack([source, target])),
            # A copy of the weights: torch would share those of the snapshot, which are read-only.
            **{name: torch.from_numpy(values.copy()) for name, values in edges.items()},
            "num_nodes": graph.n_neurons,
            "layer": torch.from_numpy(graph.layer_positions),
            **{name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in numbers.items()},
            "layer_names": list(graph.layer_names),
            **graph.about,
        }
        # Into memory first: the name of a file would become part of its content.
        buffer = io.BytesIO()
        torch.save(data, buffer)
        paths[0].write_bytes(buffer.getbuffer())
