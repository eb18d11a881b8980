"""Gradients by fan-in, worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hand_worked import MASKS, first, recorded


def test_gradient_by_hand(tmp_path: Path) -> None:
    gradient = {"fc1": np.array([3.0, 1.0, 9.0]), "fc2": np.array([1.0, 2.0])}
    run = recorded(tmp_path / "g", [MASKS], gradient=[gradient])
    table = first(run, "gradient").set_index("layer")
    assert np.isnan(table.loc["fc1", "ratio"])  # h2 has no weights: nothing to divide by
    assert "no weights" in table.loc["fc1", "reason"]
    assert table.loc["fc2", "ratio"] == 2.0
    deciles = first(run, "gradient", "gradient_deciles", parts=3)
    assert deciles[deciles["layer"] == "fc1"]["fan_in"].tolist() == [0, 1, 3]
    level = {"fc1": np.eye(3, 4), "fc2": MASKS["fc2"]}
    same = first(recorded(tmp_path / "s", [level], gradient=[gradient]), "gradient")
    assert "same fan-in" in same["reason"].iloc[0] and np.isnan(same["ratio"].iloc[0])
    broken = {"fc1": np.array([np.nan, 1, 1]), "fc2": np.array([1.0, 2.0])}
    bad = first(recorded(tmp_path / "b", [MASKS], gradient=[broken]), "gradient")
    assert "not finite" in bad["reason"].iloc[0]
