"""What is above chance in a mask with hubs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hand_worked import first, recorded

import topolab


def test_nulls_of_a_mask_with_hubs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = (
        topolab.LayerSpec("a", "linear", (40, 50)),
        topolab.LayerSpec("b", "linear", (30, 40)),
    )
    hub = rng.random((40, 50)) < np.where(np.arange(40) < 4, 0.8, 0.05)[:, None]
    run = recorded(tmp_path / "h", [{"a": hub, "b": rng.random((30, 40)) < 0.2}], layers)
    table = first(run, "nulls").set_index(["layer", "measure", "null"])
    assert table.loc[("a", "fan_in_ccv", "uniform"), "z"] > 10
    kept = table.loc[("a", "fan_in_ccv", "rewired")]
    assert np.isnan(kept["z"]) and "same value" in kept["reason"] and kept["moved"] > 0.3
    assert abs(table.loc[("b", "fan_in_ccv", "uniform"), "z"]) < 4
    assert set(table.index.get_level_values("layer")) == {"a", "b", "network"}
