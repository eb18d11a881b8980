"""A .pt of plain tensors that PyTorch Geometric's ``Data`` takes as it is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from topolab.exporters.base import Exporter
from topolab.exporters.network import Network

__all__ = ["PyG"]


class PyG(Exporter):
    """``Data(**torch.load(path, weights_only=True))``; PyTorch Geometric is not needed to write it.

    A neuron's number within its layer is called ``neuron`` here: Data counts up every key with
    "index" in its name when graphs are put into one batch.
    """

    name = "pyg"
    summary = "PyTorch Geometric, torch"
    suffix = ".pt"

    def write(self, network: Network, paths: Sequence[Path]) -> None:
        """Write one file."""
        import torch

        numbers = network.neurons()
        numbers["neuron"] = numbers.pop("index")
        data: dict[str, Any] = {
            "edge_index": torch.from_numpy(np.stack([network.source, network.target])),
            "edge_active": torch.from_numpy(network.active),
            "num_nodes": network.n_neurons,
            "layer": torch.from_numpy(network.layer),
            **{name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in numbers.items()},
            "layer_names": list(network.layers),
            **network.about,
        }
        if network.weight is not None:
            data["edge_weight"] = torch.from_numpy(network.weight.copy())
        # Into memory first: the name of a file would become part of its content.
        buffer = io.BytesIO()
        torch.save(data, buffer)
        paths[0].write_bytes(buffer.getbuffer())
