"""numpy's .npz: plain arrays, for numpy, scipy and everything built on them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from topolab.exporters.base import Exporter
from topolab.exporters.network import Network

__all__ = ["NPZ"]


class NPZ(Exporter):
    """No object arrays, so ``numpy.load`` opens it with ``allow_pickle=False``, its default."""

    name = "npz"
    summary = "numpy, scipy"
    suffix = ".npz"

    def write(self, network: Network, paths: Sequence[Path]) -> None:
        """Write one file."""
        about = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in network.about.items()
        }
        arrays = {
            "id": np.array(network.ids),
            "layer_names": np.array(network.layers),
            "layer": network.layer,
            **network.neurons(),
            "source": network.source,
            "target": network.target,
            "active": network.active,
            "about": np.array(json.dumps(about)),
        }
        if network.weight is not None:
            arrays["weight"] = network.weight
        with paths[0].open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
