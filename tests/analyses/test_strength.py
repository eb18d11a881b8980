"""Weighted degrees, and the heatmaps that use them, worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_worked import MASKS, first, recorded


def test_strength_and_weighted_heatmaps_by_hand(tmp_path: Path) -> None:
    weights = {
        "fc1": np.array([[1, -2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]]),
        "fc2": np.array([[5, 0, 0], [-1, 0, 2]]),
    }
    run = recorded(tmp_path / "w", [MASKS], weights=[weights])
    table = first(run, "strength").set_index(["layer", "direction"])
    assert table.loc[("fc1", "in"), "mean"] == pytest.approx((6 + 4) / 3)
    assert table.loc[("fc1", "out"), "mean"] == pytest.approx((6 + 0 + 2) / 3)
    assert table.loc[("input", "out"), "ccv"] == pytest.approx(np.std([5, 2, 3, 0]) / 2.5)
    heat = first(run, "heatmap").set_index(["view", "row", "col"])["value"]
    assert [heat["input_strength", i, j] for i in (0, 1) for j in (0, 1)] == [5, 2, 3, 0]
    # strengths of h0, h1, h2: 6 + 6, 4, 2
    assert [heat["first_hidden_strength", i, j] for i in (0, 1) for j in (0, 1)] == [16, 12, 12, 0]
    without = first(recorded(tmp_path / "n", [MASKS]), "strength")
    assert without["mean"].isna().all() and without["reason"].str.contains("not recorded").all()
    weights["fc1"] = np.array([[np.nan, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    broken = first(recorded(tmp_path / "nan", [MASKS], weights=[weights]), "strength")
    assert broken.set_index(["layer", "direction"])["reason"]["fc1", "in"].endswith("not finite")
