"""The test of the neural selection hypothesis, on wirings whose truth is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import topolab
from topolab.api import analyse
from topolab_analyses.judgement import AGAINST, SUPPORTED, UNDECIDED

LAYERS = (
    topolab.LayerSpec("fc1", "linear", (200, 120)),
    topolab.LayerSpec("fc2", "linear", (10, 200), maskable=False),
)


def rewired(
    path: Path, gain: float, loss: float, *, steps: int = 40, seed: int = 0, density: float = 0.12
) -> topolab.Run:
    """A run whose first layer drops edges by k^loss and grows them by k^gain."""
    rng = np.random.default_rng(seed)
    mask = rng.random((200, 120)) < density
    turnover = int(mask.sum()) // 8
    with topolab.Recorder(path, layers=LAYERS) as recorder:
        recorder.record(0, {"fc1": mask, "fc2": np.ones((10, 200))})
        for step in range(1, steps + 1):
            k = np.log(np.maximum(mask.sum(1), 1))[:, None]
            noise = rng.gumbel(size=mask.shape)
            drop = np.where(mask, loss * k + noise, -np.inf)
            grow = np.where(mask, -np.inf, gain * k + noise)
            new = mask.copy()
            new.reshape(-1)[np.argpartition(-drop, turnover, axis=None)[:turnover]] = False
            new.reshape(-1)[np.argpartition(-grow, turnover, axis=None)[:turnover]] = True
            mask = new
            recorder.record(step, {"fc1": mask, "fc2": np.ones((10, 200))})
    return topolab.open_run(path)


def judged(run: topolab.Run, **parameters: Any) -> pd.Series:
    settings = {"replicates": 200, "replicates_through_time": 100, **parameters}
    result = analyse(run, ["selection"], parameters={"selection": settings})["selection"]
    assert len(result.table) == 1
    return result.table.iloc[0]


@pytest.mark.parametrize("seed", range(4))
def test_a_control_that_selects_nothing_is_not_supported(tmp_path: Path, seed: int) -> None:
    row = judged(rewired(tmp_path / "null", 0.0, 0.0, seed=seed))
    assert row["attachment"] != SUPPORTED and abs(row["gain_slope"]) < 0.1
    assert row["decay"] == AGAINST and row["verdict"] == AGAINST
    assert row["drift"] == pytest.approx(row["drift_null"], abs=4 * row["drift_error"])
    assert row["power_law"] != SUPPORTED
    assert math.isnan(row["onset_attachment"])


def test_linear_attachment_is_found(tmp_path: Path) -> None:
    """Gains by degree, losses at random: hubs form, and the poor lose until they are dormant."""
    row = judged(rewired(tmp_path / "ba", 1.2, 0.0, steps=80))
    assert row["attachment"] == SUPPORTED and row["gain_slope"] == pytest.approx(1.2, abs=0.1)
    assert row["loss_slope"] == pytest.approx(0, abs=0.1)
    assert row["decay"] == SUPPORTED and row["dormant"] > row["dormant_null"]
    assert row["onset_attachment"] <= 11 and row["p_gain_holm"] < 1e-6


def test_keeping_more_is_not_gaining_more(tmp_path: Path) -> None:
    """Losses that spare the hubs make hubs too; that is no attachment."""
    row = judged(rewired(tmp_path / "keep", 0.0, -1.0, steps=60))
    assert row["attachment"] == AGAINST
    assert row["loss_slope"] == pytest.approx(-1, abs=0.2) and row["loss_high"] < 0
    assert row["drift"] < row["drift_null"]


def test_neurons_that_were_dormant_from_the_start_have_not_decayed(tmp_path: Path) -> None:
    row = judged(rewired(tmp_path / "thin", 1.0, 0.0, density=0.05), dormant_below=110)
    assert row["dormant"] == 0 and math.isnan(row["p_decay"])
    assert "fewer than 110 edges from the start" in row["reason"]
    assert row["decay"] != SUPPORTED


def test_equal_first_degrees_tell_nobody_poor(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with topolab.Recorder(tmp_path / "eq", layers=LAYERS) as recorder:
        for step in range(8):
            mask = np.array([rng.permutation(np.arange(120) < 20) for _ in range(200)])
            recorder.record(step, {"fc1": mask, "fc2": np.ones((10, 200))})
    row = judged(topolab.open_run(tmp_path / "eq"))
    assert row["poor"] == 0 and row["decay"] == UNDECIDED
    assert "tell no poor neurons" in row["reason"]
    # 20 inputs each, always: nothing can be said of attachment either
    assert "same degree" in row["reason"] and row["attachment"] == UNDECIDED


def test_one_snapshot_and_no_change_are_undecided(tmp_path: Path) -> None:
    masks = {"fc1": np.random.default_rng(1).random((200, 120)) < 0.1, "fc2": np.ones((10, 200))}
    for frames, reason in ((1, "one snapshot"), (3, "no mask changes")):
        with topolab.Recorder(tmp_path / str(frames), layers=LAYERS) as recorder:
            for step in range(frames):
                recorder.record(step, masks)
        row = judged(topolab.open_run(tmp_path / str(frames)))
        assert row["attachment"] == UNDECIDED and row["decay"] == UNDECIDED
        assert reason in row["reason"] and row["updates"] == 0


def test_too_few_updates_say_nothing_of_decay(tmp_path: Path) -> None:
    row = judged(rewired(tmp_path / "few", 1.0, 0.0, steps=3))
    assert row["decay"] == UNDECIDED and row["attachment"] == UNDECIDED


def test_the_onset_needs_p_through_time(tmp_path: Path) -> None:
    run = rewired(tmp_path / "onset", 1.0, 0.0, steps=10)
    assert math.isnan(judged(run, replicates_through_time=0)["onset_law"])
    fits = analyse(run, ["selection"])["selection"].tables["selection_fits"]
    assert set(fits["variant"]) == {"searched", "fixed"} and len(fits) == 11 * 2
    assert set(fits["csn_rule"]) <= {"plausible", "rejected", "none"}
    known = fits[fits["p_value"].notna()]
    assert ((known["p_value"] > 0.1) == (known["csn_rule"] == "plausible")).all()
    assert ((known["p_value"] >= 0.95) == (known["paper_rule"] == "plausible")).all()
