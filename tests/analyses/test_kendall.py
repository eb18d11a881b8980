"""Rank correlations of a hand-worked network."""

from __future__ import annotations

import pytest
from hand_worked import first

import topolab


def test_kendall_by_hand(small: topolab.Run) -> None:
    table = first(small, "kendall").set_index(["layer", "step_a", "step_b"])["tau"]
    assert table["input", 0, 0] == 1.0
    # inputs: (2, 1, 1, 0) and then (2, 1, 0, 1): four pairs agree, one pair is reversed or tied
    from scipy.stats import kendalltau

    assert table["input", 0, 5] == pytest.approx(kendalltau([2, 1, 1, 0], [2, 1, 0, 1]).statistic)
    assert table["input", 0, 5] == table["input", 5, 0]
