"""Shells of a hand-worked network."""

from __future__ import annotations

from hand_worked import first

import topolab


def test_kshell_by_hand(small: topolab.Run) -> None:
    """Without the last layer only the star around input 0 and h0 is left: a tree, 1-shell."""
    table = first(small, "kshell").set_index(["layer", "role"])["count"]
    assert table["input"].to_dict() == {"core": 3, "crust": 0, "isolated": 1}
    assert table["fc1"].to_dict() == {"core": 2, "crust": 0, "isolated": 1}
    assert "fc2" not in table.index.get_level_values(0)
    whole = first(small, "kshell", exclude_output=False).set_index(["layer", "role"])["count"]
    assert whole["fc2"].to_dict() == {"core": 2, "crust": 0, "isolated": 0}
    shells = first(small, "kshell", "kshell_shells")
    assert shells.groupby("layer")["count"].sum().to_dict() == {"input": 4, "fc1": 3}
