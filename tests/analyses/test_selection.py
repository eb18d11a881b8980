"""The test of the neural selection hypothesis, on small wirings whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from claim_rows import is_sentence

import topolab
from topolab.api import analyse
from topolab_analyses.claims.limits import (
    DOES_NOT_APPLY,
    GOES_WITH_DEGREE,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
)

LAYERS = (
    topolab.LayerSpec("fc1", "linear", (200, 120)),
    topolab.LayerSpec("fc2", "linear", (10, 200), maskable=False),
)
DENSE = np.ones((10, 200), dtype=bool)
SENTENCES = ("why", "why_power_law", "why_attachment", "why_decay")


def wired(
    gain: float = 0.0, loss: float = 0.0, *, steps: int = 40, seed: int = 0, density: float = 0.12,
    fitness: float = 0.0, grow: float = 1 / 8, drop: float = 1 / 8,
) -> Iterator[np.ndarray]:  # fmt: skip
    """Masks that drop edges by k^loss and grow them by k^gain, and by a fitness of their own."""
    rng = np.random.default_rng(seed)
    mask = rng.random((200, 120)) < density
    edges = int(mask.sum())
    own = fitness * rng.normal(size=(200, 1))
    yield mask
    for _ in range(steps):
        k = np.log(np.maximum(mask.sum(1), 1))[:, None]
        noise = rng.gumbel(size=mask.shape)
        away = np.where(mask, loss * k + noise, -np.inf)
        come = np.where(mask, -np.inf, gain * k + own + noise)
        mask = mask.copy()
        for keys, share, value in ((away, drop, False), (come, grow, True)):
            most = np.argpartition(-keys, round(share * edges), axis=None)[: round(share * edges)]
            mask.reshape(-1)[most] = value
        yield mask


def judged(path: Path, masks: Any, **parameters: Any) -> pd.Series:
    """The only row of a run of these masks."""
    with topolab.Recorder(path, layers=LAYERS) as recorder:
        for step, mask in enumerate(masks):
            recorder.record(step, {"fc1": mask, "fc2": DENSE})
    settings = {"replicates": 200, "replicates_through_time": 0, **parameters}
    run = topolab.open_run(path)
    table = analyse(run, ["selection"], parameters={"selection": settings})["selection"].table
    assert len(table) == 1
    assert all(is_sentence(table[name].iloc[0]) for name in SENTENCES)
    return table.iloc[0]


@pytest.mark.parametrize("seed", range(4))
def test_a_control_that_selects_nothing_is_not_supported(tmp_path: Path, seed: int) -> None:
    row = judged(tmp_path / "null", wired(seed=seed))
    assert row["attachment"] == NOT_SUPPORTED and abs(row["gain_slope"]) < 0.1
    assert abs(row["loss_slope"]) < 0.15 and abs(row["within"]) < 0.15
    assert row["dormant"] == pytest.approx(row["dormant_null"], abs=4 * row["poor"] ** 0.5 + 4)
    assert row["power_law"] not in (SUPPORTED, DOES_NOT_APPLY)
    assert row["decay"] != SUPPORTED and row["verdict"] == NOT_SUPPORTED
    assert math.isnan(row["onset_attachment"]) and "no onset" in row["onset_reason"]


def test_linear_attachment_is_found(tmp_path: Path) -> None:
    """Gains by degree, losses at random: hubs form, and the poor lose until they are dormant."""
    row = judged(tmp_path / "ba", wired(1.0, steps=80, density=0.2), dormant_below=10)
    assert row["attachment"] == SUPPORTED and row["gain_slope"] == pytest.approx(1.0, abs=0.1)
    assert row["within"] == pytest.approx(1.0, abs=0.15)
    assert row["loss_slope"] == pytest.approx(0, abs=0.1)
    assert row["decay"] == SUPPORTED and row["dormant"] > row["dormant_null"]
    assert row["onset_attachment"] <= 11 and row["p_gain_holm"] < 1e-6
    assert "whatever their fitness" in row["why_attachment"]


def test_keeping_more_is_not_gaining_more(tmp_path: Path) -> None:
    """Losses that spare the hubs make hubs too; that is no attachment."""
    row = judged(tmp_path / "keep", wired(0.0, -1.0, steps=60))
    assert row["attachment"] == NOT_SUPPORTED
    assert row["loss_slope"] == pytest.approx(-1, abs=0.1) and row["loss_high"] < 0


@pytest.mark.parametrize("seed", range(3))
def test_fitness_alone_is_not_attachment(tmp_path: Path, seed: int) -> None:
    """Neurons gain by a fitness of their own, whatever their degree: so gains go with it."""
    row = judged(tmp_path / "fit", wired(fitness=0.7, steps=60, seed=seed))
    assert row["gain_slope"] > 0.4 and row["p_gain"] < 1e-3
    assert row["within"] < 0.2 and row["fitness_spread"] > 0.3
    assert row["attachment"] == GOES_WITH_DEGREE
    assert row["why_attachment"].startswith("Gains go with degree, but")


def test_fitness_hides_no_attachment(tmp_path: Path) -> None:
    row = judged(tmp_path / "both", wired(0.8, fitness=0.3, steps=60))
    assert row["attachment"] == SUPPORTED and row["within"] == pytest.approx(0.8, abs=0.25)


def test_what_never_changes_is_no_case_for_selection(tmp_path: Path) -> None:
    mask = next(wired())
    row = judged(tmp_path / "static", [mask] * 3)
    assert row["attachment"] == row["decay"] == row["verdict"] == DOES_NOT_APPLY
    assert "no mask changes" in row["reason"] and row["updates"] == 0
    assert row["why_attachment"].endswith("since no mask changes from snapshot to snapshot.")


def test_one_snapshot_is_undecided(tmp_path: Path) -> None:
    row = judged(tmp_path / "one", [next(wired())])
    assert row["attachment"] == row["decay"] == UNDECIDED
    assert "one snapshot" in row["reason"] and row["updates"] == 0


def test_pruning_alone_grows_nothing_by_degree(tmp_path: Path) -> None:
    row = judged(tmp_path / "prune", wired(density=0.3, grow=0.0, drop=0.02))
    assert row["attachment"] == row["verdict"] == DOES_NOT_APPLY and row["grown"] == 0
    assert row["why_attachment"] == "Attachment does not apply, since no edge is ever grown."
    assert row["decay"] != DOES_NOT_APPLY and math.isfinite(row["loss_slope"])


def test_growth_alone_leaves_nobody_dormant(tmp_path: Path) -> None:
    row = judged(tmp_path / "grow", wired(1.0, density=0.05, grow=0.1, drop=0.0))
    assert row["decay"] == row["verdict"] == DOES_NOT_APPLY and row["dropped"] == 0
    assert row["why_decay"] == "Decay does not apply, since no edge is ever dropped."
    assert row["attachment"] == SUPPORTED and row["gain_slope"] == pytest.approx(1, abs=0.15)


def test_neurons_that_are_dormant_from_the_start_have_not_decayed(tmp_path: Path) -> None:
    row = judged(tmp_path / "thin", wired(1.0, density=0.05), dormant_below=110)
    assert row["dormant"] == row["poor"] == 0 and math.isnan(row["p_decay"])
    assert "fewer than 110 edges from the start" in row["reason"]
    assert row["decay"] == UNDECIDED


def test_equal_degrees_tell_nobody_poor(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    masks = [
        np.array([rng.permutation(np.arange(120) < 20) for _ in range(200)]) for _ in "abcdefgh"
    ]
    row = judged(tmp_path / "eq", masks)
    assert row["poor"] == 0 and row["decay"] == UNDECIDED
    assert "tell no poor neurons" in row["reason"]
    # 20 inputs each, always: nothing can be said of attachment, and there is no distribution.
    assert "same degree" in row["reason"] and row["attachment"] == UNDECIDED
    assert row["power_law"] == row["verdict"] == DOES_NOT_APPLY


def test_few_updates_say_nothing_of_attachment(tmp_path: Path) -> None:
    row = judged(tmp_path / "few", wired(1.0, steps=1))
    assert row["attachment"] == UNDECIDED and math.isnan(row["gain_low"])
    assert row["within_reason"] in row["why_attachment"] and row["within_reason"]


def test_the_onset_needs_p_through_time(tmp_path: Path) -> None:
    row = judged(tmp_path / "onset", wired(1.0, steps=10))
    assert math.isnan(row["onset_law"])
    fits = analyse(
        topolab.open_run(tmp_path / "onset"), ["selection"],
        parameters={"selection": {"replicates": 200, "replicates_through_time": 60}},
    )["selection"].tables["selection_fits"]  # fmt: skip
    assert set(fits["variant"]) == {"searched", "fixed"} and len(fits) == 11 * 2
    assert set(fits["end"]) == {"total"}  # one end alone changes
    known = fits[fits["p_value"].notna()]
    assert len(known) >= 11
    assert ((known["p_value"] > 0.1) == (known["csn_rule"] == "plausible")).all()
    assert ((known["p_value"] >= 0.95) == (known["paper_rule"] == "plausible")).all()


def test_a_run_that_grows_and_drops_at_the_end_only(tmp_path: Path) -> None:
    """Weird ones: no edges at all until late, then none again; one update in all."""
    none, some, other = np.zeros((200, 120), bool), next(wired(seed=1)), next(wired(seed=2))
    for name, masks in {
        "late": [none, none, some, other], "gone": [some, other, none], "one": [some, other],
        "never": [none, none],
    }.items():  # fmt: skip
        row = judged(tmp_path / name, masks, nulls=20)
        assert row["verdict"] != SUPPORTED, name
