"""Gradients by fan-in, worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hand_worked import MASKS, first, recorded

from topolab.registry import find


def test_gradient_by_hand(tmp_path: Path) -> None:
    gradient = {"fc1": np.array([3.0, 1.0, 9.0]), "fc2": np.array([1.0, 2.0])}
    run = recorded(tmp_path / "g", [MASKS], gradient=[gradient])
    table = first(run, "gradient").set_index("layer")
    for reading in ("ratio_all", "ratio_active"):
        assert np.isnan(table.loc["fc1", reading])  # h2 has no weights: nothing to divide by
    assert "no weights" in table.loc["fc1", "reason"]
    assert table.loc["fc2", "ratio_active"] == 2.0
    fan_in = sorted(MASKS["fc2"].sum(1))
    assert table.loc["fc2", "fan_in_ratio"] == fan_in[1] / fan_in[0] > 1
    assert table.loc["fc2", "ratio_all"] == 2.0 * fan_in[1] / fan_in[0]
    deciles = first(run, "gradient", "gradient_deciles", parts=3)
    assert deciles[deciles["layer"] == "fc1"]["fan_in"].tolist() == [0, 1, 3]
    level = {"fc1": np.eye(3, 4), "fc2": MASKS["fc2"]}
    same = first(recorded(tmp_path / "s", [level], gradient=[gradient]), "gradient")
    assert "same fan-in" in same["reason"].iloc[0] and np.isnan(same["ratio_all"].iloc[0])
    assert np.isnan(same["ratio_active"].iloc[0])
    broken = {"fc1": np.array([np.nan, 1, 1]), "fc2": np.array([1.0, 2.0])}
    bad = first(recorded(tmp_path / "b", [MASKS], gradient=[broken]), "gradient")
    assert "not finite" in bad["reason"].iloc[0]


def test_a_run_with_the_metric_alone_is_read_as_what_it_recorded(tmp_path: Path) -> None:
    """Trainings recorded one ratio first, over active weights: the other follows from the mask."""
    metrics = [{"gradient_ratio.fc2": 1.5}]
    run = recorded(tmp_path / "m", [MASKS], metrics=metrics)
    row = first(run, "gradient").set_index("layer").loc["fc2"]
    assert row["source"] == "metric" and row["ratio_active"] == 1.5
    assert row["ratio_all"] == 1.5 * row["fan_in_ratio"] > 1.5 and row["reason"] == ""
    told = {c.name: c.meaning for c in find("analyses", "gradient").schemas["gradient"]}
    assert "ratio_active as recorded" in told["source"]
