"""Sparse blocks of absolute weights."""

from __future__ import annotations

import numpy as np
import pytest

import topolab
from topolab.snapshot import Snapshot, pack_mask, weighted_biadjacency


def test_weighted_blocks_of_a_grouped_convolution() -> None:
    rng = np.random.default_rng(6)
    layer = topolab.LayerSpec("conv", "conv", (4, 2, 3, 3), groups=2)
    mask = rng.random(layer.shape) < 0.2
    weight = rng.normal(size=layer.shape) * mask
    snapshot = Snapshot(
        0, 0, 0.0, (layer,), {"conv": pack_mask(mask)},
        stored_weights={"conv": weight[mask].astype(np.float32)},
    )  # fmt: skip
    block = weighted_biadjacency(snapshot, "conv")
    assert block is not None
    expected = np.zeros((4, 4))
    for out in range(4):
        for channel in range(2):
            expected[out, out // 2 * 2 + channel] = np.abs(weight[out, channel]).sum()
    assert block.toarray() == pytest.approx(expected, rel=1e-6)
    assert np.array_equal(block.toarray() > 0, snapshot.biadjacency("conv").toarray() > 0)
    assert weighted_biadjacency(Snapshot(0, 0, 0.0, (layer,), snapshot.packed), "conv") is None
