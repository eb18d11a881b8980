"""Power laws: which rows there are, and how they follow from the fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hand_worked import first, recorded

import topolab
from topolab.api import analyse


def test_powerlaw_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    hubs = np.minimum(rng.zipf(1.8, 300), 200)
    mask = np.arange(200)[None, :] < hubs[:, None]
    layers = (
        topolab.LayerSpec("a", "linear", (300, 200)),
        topolab.LayerSpec("b", "linear", (2, 300)),
    )
    with topolab.Recorder(tmp_path / "r", layers=layers) as recorder:
        recorder.record(0, {"a": mask, "b": np.zeros((2, 300))})
    table = first(topolab.open_run(tmp_path / "r"), "powerlaw", x_min=5, replicates=20)
    assert table[["layer", "variant"]].to_numpy().tolist() == [
        ["a", "searched"], ["a", "fixed"], ["hidden", "searched"], ["hidden", "fixed"],
    ]  # fmt: skip
    law = topolab.metrics.powerlaw.fit(hubs, 5)
    fixed = table.iloc[1]
    assert (fixed["alpha"], fixed["n_tail"], fixed["x_min"]) == (law.alpha, law.n_tail, 5)
    assert 0 <= fixed["p_value"] <= 1
    none = first(topolab.open_run(tmp_path / "r"), "powerlaw", x_min=5000).iloc[1]
    assert np.isnan(none["alpha"]) and "x_min = 5000" in none["reason"]


def test_powerlaw_rivals_and_p_through_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = (
        topolab.LayerSpec("a", "linear", (300, 200)),
        topolab.LayerSpec("b", "linear", (2, 300)),
    )
    frames = []
    for _ in range(2):
        hubs = np.minimum(rng.zipf(1.8, 300), 200)
        frames.append({"a": np.arange(200)[None, :] < hubs[:, None], "b": np.zeros((2, 300))})
    run = recorded(tmp_path / "r", frames, layers)
    result = analyse(run, ["powerlaw"], parameters={"powerlaw": {"x_min": 5, "errors": 20}})
    rivals = result["powerlaw"].tables["powerlaw_rivals"]
    assert set(rivals["step"]) == {1} and len(rivals) == 2 * 2 * len(
        topolab.metrics.powerlaw.RIVALS
    )
    assert set(rivals["rival"]) == set(topolab.metrics.powerlaw.RIVALS)
    table = result["powerlaw"].table
    assert table["p_value"].notna().all() and (table["replicates"] >= 100).all()
    searched = table[(table["variant"] == "searched") & (table["step"] == 1)]
    assert searched["x_min_error"].notna().all()
    assert table[table["step"] == 0]["x_min_error"].isna().all()
    none = analyse(run, ["powerlaw"], parameters={"powerlaw": {"rivals": "none"}})["powerlaw"]
    assert "not asked for" in none.tables["powerlaw_rivals"]["reason"].iloc[0]
