"""Exploration of masks worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_worked import recorded

import topolab
from topolab.api import analyse


def test_exploration_by_hand(tmp_path: Path) -> None:
    """An edge that goes and comes back, one that comes and goes, in a layer of four."""
    layers = (
        topolab.LayerSpec("a", "linear", (2, 2)),
        topolab.LayerSpec("b", "linear", (1, 2), maskable=False),
    )
    frames = [[[1, 1], [0, 0]], [[1, 0], [1, 0]], [[1, 1], [0, 0]]]
    run = recorded(
        tmp_path / "e", [{"a": np.array(f), "b": np.ones((1, 2))} for f in frames], layers
    )
    result = analyse(run, ["exploration"], parameters={"exploration": {"cohorts": 3}})
    table = result["exploration"].table
    assert set(table["layer"]) == {"a", "all"}
    a = table[table["layer"] == "a"]
    assert a["r_s"].tolist() == [0.5, 0.75, 0.75]
    assert np.isnan(a["jaccard"].iloc[0])
    assert a["jaccard"].tolist()[1:] == pytest.approx([1 / 3] * 2)
    counts = a[["dropped", "grown", "regrown"]].to_numpy().tolist()
    assert counts == [[0, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert a["regrown_share"].tolist()[1:] == [0.0, 1.0]
    alive = result["exploration"].tables["exploration_survival"].set_index(["born", "step"])
    assert alive.loc[(0, 2), ["unbroken", "present"]].tolist() == [0.5, 1.0]
    assert alive.loc[(1, 2), ["unbroken", "present"]].tolist() == [0.0, 0.0]
    assert alive.loc[(2, 2), ["size", "unbroken", "present"]].tolist() == [1, 1.0, 1.0]
    hubs = result["exploration"].tables["exploration_hubs"]
    level = hubs[(hubs["layer"] == "b")]
    assert level["turnover"].isna().all() and (level["n_hubs"] == 0).all()
