"""Dormant neurons of a hand-worked network, by edges and by activity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hand_worked import MASKS, first, recorded

import topolab


def test_dormant_by_hand(small: topolab.Run) -> None:
    table = first(small, "dormant", thresholds=(2,)).set_index(["layer", "measure"])["count"]
    assert table["input"].to_dict() == {"below_2": 3, "no_output": 1, "off_path": 1}
    assert table["fc1"].to_dict() == {"below_2": 2, "no_input": 1, "no_output": 1, "off_path": 2}
    assert table["fc2"].to_dict() == {"below_2": 1, "no_input": 0, "off_path": 0}


def test_tau_dormant_by_hand(tmp_path: Path) -> None:
    activity = {"fc1": np.array([0.0, 0.05, 2.95]), "fc2": np.array([1.0, np.nan])}
    run = recorded(tmp_path / "a", [MASKS], activity=[activity])
    table = first(run, "dormant").set_index(["layer", "measure"])["count"]
    assert [table["fc1", f"tau_{tau}"] for tau in ("0", "0.025", "0.1")] == [1, 1, 2]
    assert ("fc2", "tau_0") not in table.index  # not finite: nothing is said
