"""Forecasts of runs whose truth is known, and of runs that have nothing to forecast."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_worked import LATER, LAYERS, MASKS, recorded

import topolab
from topolab.errors import AnalysisError
from topolab.metrics.prediction import compare, forecast

WIDE = (
    topolab.LayerSpec("fc1", "linear", (120, 150)),
    topolab.LayerSpec("fc2", "linear", (4, 120), maskable=False),
)


def simulated(
    path: Path, weigh: Callable[[Any], Any], *, updates: int = 40, seed: int = 0, drop: float = 0.15
) -> topolab.Run:
    """A layer rewired at random, but for free places: a neuron's weigh as `weigh` says."""
    rng = np.random.default_rng(seed)
    mask = rng.random((120, 150)) < 0.15
    frames = [mask]
    for _ in range(updates):
        there = np.flatnonzero(mask)
        count = int(drop * len(there))
        weight = (np.broadcast_to(weigh(mask.sum(1))[:, None], mask.shape) * ~mask).reshape(-1)
        mask = mask.copy()
        mask.reshape(-1)[rng.choice(there, count, replace=False)] = False
        grown = rng.choice(mask.size, count, replace=False, p=weight / weight.sum())
        mask.reshape(-1)[grown] = True
        frames.append(mask)
    ones = np.ones((4, 120), dtype=bool)
    return recorded(path, [{"fc1": m, "fc2": ones} for m in frames], WIDE)


def table_of(run: topolab.Run, name: str = "prediction", **parameters: Any) -> pd.DataFrame:
    found = topolab.analyse(run, ["prediction"], parameters={"prediction": parameters})
    return found["prediction"].tables[name]


def fitness(seed: int) -> Any:
    return np.random.default_rng(100 + seed).uniform(0.3, 1.7, 120)


TRUTHS: dict[str, Callable[[int], Callable[[Any], Any]]] = {
    "uniform": lambda seed: lambda k: np.ones(len(k)),
    "degree": lambda seed: lambda k: k.astype(float),
    "fitness": lambda seed: lambda k: fitness(seed),
    "both": lambda seed: lambda k: fitness(seed) * k,
}
#: Which models may come first, and which are clearly behind.
FOUND = {
    "degree": ({"degree", "both"}, {"uniform", "fitness"}),
    "fitness": ({"fitness", "both"}, {"uniform", "degree"}),
    "both": ({"both"}, {"uniform", "degree", "fitness"}),
}


@pytest.mark.parametrize("truth", list(TRUTHS))
def test_known_truths_are_found(tmp_path: Path, truth: str) -> None:
    for seed in range(2):
        run = simulated(tmp_path / f"{truth}-{seed}", TRUTHS[truth](seed), seed=seed)
        table = table_of(run).set_index(["layer", "end", "kernel", "model"])
        gain, loss = (table.loc["fc1", "in", kernel] for kernel in ("gain", "loss"))
        assert (table["reason"] == "").all() and (gain["updates"] == 35).all()
        # Losses are at random in each of these: no model is told to know more.
        assert not (loss["low"] > 0).any() and (loss["score"].abs() < 0.002).all()
        if truth == "uniform":
            assert not (gain["low"] > 0).any() and (gain["score"].abs() < 0.002).all()
            continue
        first, behind = FOUND[truth]
        assert gain["score"].idxmax() in first
        assert set(gain.index[gain["place"] == "behind"]) == behind
        assert (gain.loc[sorted(first), "low"] > 0.005).all()
        if len(first) == 1:
            assert gain.loc[list(first), "place"].tolist() == ["best"]
        assert gain.loc["both", "exponent"] == pytest.approx(float(truth != "fitness"), abs=0.15)
        assert gain.loc["both", "spread"] == pytest.approx(0.4 * (truth != "degree"), abs=0.09)


def test_the_table_is_what_the_arrays_say(tmp_path: Path) -> None:
    """Forecast again from the masks themselves."""
    run = simulated(tmp_path / "r", lambda k: k.astype(float), updates=12)
    masks = np.array([shot.masks["fc1"] for shot in run])
    k = masks[:-1].sum(2)
    e = (masks[1:] & ~masks[:-1]).sum(2)
    scores = forecast(k, 150 - k, e, burn_in=3)[3:]
    row = table_of(run, burn_in=3, seed=4, replicates=50)
    row = row[(row["layer"] == "fc1") & (row["end"] == "in") & (row["kernel"] == "gain")]
    for found, told in zip(compare(scores, e[3:].sum(1), replicates=50, seed=4),
                           row.to_dict("records"), strict=True):  # fmt: skip
        assert told["model"] == found.model and told["edges"] == e[3:].sum()
        for name in ("score", "low", "high", "lead", "lead_low", "lead_high"):
            assert told[name] == pytest.approx(getattr(found, name), abs=1e-9)
    each = table_of(run, "prediction_updates", burn_in=3, seed=4, replicates=50)
    each = each[(each["end"] == "in") & (each["kernel"] == "gain") & (each["model"] == "both")]
    assert each["step"].tolist() == list(range(4, 13)) and (each["epoch"] == each["step"]).all()
    np.testing.assert_allclose(each["score"], scores[:, 3] / e[3:].sum(1))
    assert each["edges"].tolist() == e[3:].sum(1).tolist()


def test_updates_of_another_layer_are_no_updates_of_this_one(tmp_path: Path) -> None:
    """Every mask twice: the same forecasts, at the steps where something changed."""
    run = simulated(tmp_path / "r", lambda k: k.astype(float), updates=12)
    masks = [shot.masks for shot in run]
    twice = recorded(tmp_path / "t", [m for m in masks for _ in range(2)], WIDE)
    once = table_of(run).drop(columns="reason")
    pd.testing.assert_frame_equal(table_of(twice).drop(columns="reason"), once)
    steps = table_of(twice, "prediction_updates")["step"].unique()
    assert steps.tolist() == [12, 14, 16, 18, 20, 22, 24]


def test_runs_with_nothing_to_forecast(tmp_path: Path, small: topolab.Run) -> None:
    one = table_of(recorded(tmp_path / "one", [MASKS]))
    assert len(one) == 4 and one["score"].isna().all() and (one["place"] == "").all()
    assert (one["reason"] == "one snapshot: there is nothing between two of them").all()
    static = table_of(recorded(tmp_path / "static", [MASKS] * 9))
    assert (static["reason"] == "no mask changes from snapshot to snapshot").all()
    assert len(table_of(recorded(tmp_path / "s2", [MASKS] * 9), "prediction_updates")) == 1
    short = table_of(small)
    assert set(short["reason"]) == {"1 updates: all are learned from before the first forecast"}
    assert short["score"].isna().all() and (short["edges"] == 0).all()


def test_pruning_only_has_losses_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    masks = [rng.random((3, 4)) < 2]
    for _ in range(7):
        mask = masks[-1].copy()
        mask.reshape(-1)[rng.choice(np.flatnonzero(mask))] = False
        masks.append(mask)
    run = recorded(tmp_path / "p", [{**MASKS, "fc1": m} for m in masks])
    table = table_of(run).set_index(["layer", "end", "kernel", "model"])
    assert (table.loc["fc1", "in", "gain"]["reason"] == "no edge was grown").all()
    loss = table.loc["fc1", "in", "loss"]
    assert loss["score"].notna().all() and loss["low"].isna().all()
    assert (loss["reason"] == "fewer than 5 forecasts: no interval").all()
    assert (
        (loss["updates"] == 2).all() and (loss["edges"] == 2).all() and (loss["place"] == "").all()
    )


@pytest.mark.parametrize("bad", [{"burn_in": 0}, {"replicates": 1}])
def test_parameters_that_cannot_be(small: topolab.Run, bad: dict[str, int]) -> None:
    with pytest.raises(AnalysisError, match="burn_in must be at least 1"):
        table_of(small, **bad)


def test_both_ends_and_their_sum(tmp_path: Path) -> None:
    frames = [MASKS, LATER] * 6
    table = table_of(recorded(tmp_path / "e", frames, LAYERS))
    assert set(zip(table["layer"], table["end"], strict=True)) == {
        ("fc1", "in"), ("input", "out"),
    }  # fmt: skip
    assert table["score"].notna().all()
