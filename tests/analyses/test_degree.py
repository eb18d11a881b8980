"""Degrees of a hand-worked network."""

from __future__ import annotations

import numpy as np
import pytest
from hand_worked import first

import topolab


def test_degree_by_hand(small: topolab.Run) -> None:
    table = first(small, "degree").set_index(["layer", "direction"])
    assert table.loc[("fc1", "in"), ["n_edges", "max", "min"]].tolist() == [4, 3, 0]
    assert table.loc[("fc1", "out"), "n_edges"] == 3
    assert table.loc[("fc1", "total"), "n_edges"] == 7
    assert table.loc[("fc1", "in"), "ccv"] == pytest.approx(np.std([3, 1, 0]) / (4 / 3))
    assert table.loc[("input", "out"), "mean"] == 1.0
    assert ("input", "in") not in table.index and ("fc2", "out") not in table.index
    spread = first(small, "degree", "degree_distribution")
    part = spread[(spread["layer"] == "input") & (spread["direction"] == "out")]
    assert part[["degree", "count"]].to_numpy().tolist() == [[0, 1], [1, 2], [2, 1]]
    assert part["ccdf"].tolist() == [1.0, 0.75, 0.25]
