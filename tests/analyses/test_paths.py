"""Paths through a hand-worked network, and through a grouped convolution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_worked import first, recorded

import topolab


def test_paths_by_hand(small: topolab.Run) -> None:
    table = first(small, "paths").set_index("layer")
    assert table["off_path"].to_dict() == {"input": 1, "fc1": 2, "fc2": 0}
    # inputs 0, 1, 2 through h0 to two outputs
    assert table["log10_paths"].tolist() == pytest.approx([np.log10(6)] * 3)
    assert table["effective_edges"].to_dict() == {"input": 0, "fc1": 3, "fc2": 2}
    assert table.loc["fc1", "sparsity"] == pytest.approx(1 - 4 / 12)
    assert table.loc["fc1", "effective_sparsity"] == pytest.approx(1 - 3 / 12)
    assert table.loc["input", ["reached", "reaching"]].tolist() == [1.0, 0.75]


def test_a_dense_grouped_convolution_is_dense(tmp_path: Path) -> None:
    layers = (
        topolab.LayerSpec("conv", "conv", (4, 2, 3, 3), groups=2, image_shape=(4, 6, 6)),
        topolab.LayerSpec("fc", "linear", (2, 4)),
    )
    masks = {"conv": np.ones((4, 2, 3, 3)), "fc": np.ones((2, 4))}
    run = recorded(tmp_path / "g", [masks], layers)
    paths = first(run, "paths").set_index("layer")
    assert paths.loc["conv", ["sparsity", "effective_sparsity"]].tolist() == [0.0, 0.0]
    nulls = first(run, "nulls", replicates=3)
    assert (nulls["moved"] == 0).all() and (nulls["reason"] != "").all()
