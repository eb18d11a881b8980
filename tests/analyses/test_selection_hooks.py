"""How `selection` puts its fits, rivals and evidence together: hook by hook, without bootstraps."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import topolab
import topolab_analyses.selection as selection_module
from topolab.errors import AnalysisError
from topolab.metrics import powerlaw
from topolab_analyses.selection import Selection

RIVALS_OF_A_LAW = dict(powerlaw.RIVALS)
DENSE = np.ones((3, 12), dtype=bool)
LAYERS = (
    topolab.LayerSpec("a", "linear", (30, 40)),
    topolab.LayerSpec("b", "linear", (12, 30)),
    topolab.LayerSpec("c", "linear", (3, 12), maskable=False),
)


def masks_at(step: int, moving: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Skewed degrees; the layers in `moving` differ from step to step."""
    out = {}
    for number, layer in enumerate(LAYERS[:2]):
        seed = [number, step if layer.name in moving else 0]
        odds = 0.6 / np.arange(1, layer.shape[0] + 1) ** 0.8
        out[layer.name] = np.random.default_rng(seed).random(layer.shape) < odds[:, None]
    return {**out, "c": DENSE}


def recorded(path: Path, *, steps: int = 7, moving: tuple[str, ...] = ("a", "b")) -> topolab.Run:
    with topolab.Recorder(path, layers=LAYERS) as recorder:
        for step in range(steps):
            recorder.record(10 * step, masks_at(step, moving), epoch=float(step))
    return topolab.open_run(path)


def walked(run: topolab.Run, analysis: Selection) -> tuple[Any, dict[str, pd.DataFrame]]:
    """What all steps of an analysis gave, as `conclude` gets it."""
    state = analysis.prepare(run)
    memory = analysis.start(state)
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in analysis.schemas}
    for snapshot in run:
        memory, made = analysis.visit(memory, snapshot, state)
        for name, table in made.items():
            tables[name].append(table)
    return state, {
        name: pd.concat(found, ignore_index=True) if found else pd.DataFrame()
        for name, found in tables.items()
    }


class Asked(list[dict[str, Any]]):
    """Stands for `goodness_of_fit`: remembers its questions and answers as it is told."""

    def __init__(self, *answers: float) -> None:
        super().__init__()
        self.answers = list(answers) or [0.4]

    def __call__(self, values: Any, law: Any, **options: Any) -> powerlaw.GoodnessOfFit:
        self.append(options)
        p = self.answers[(len(self) - 1) % len(self.answers)]
        return powerlaw.GoodnessOfFit(p, 0.25, options["replicates"], low=p / 2, high=1 - p / 2)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked()
    monkeypatch.setattr(selection_module.powerlaw, "goodness_of_fit", made)
    monkeypatch.setattr(selection_module.powerlaw, "RIVALS", {})  # their fits take seconds
    return made


QUICK = Selection(x_min=2, replicates=300, replicates_through_time=200, nulls=20, windows=1, seed=4)


# -- the fits --------------------------------------------------------------------------------------


def test_the_last_step_gets_all_replicates_and_earlier_ones_stop_at_csns_p(
    tmp_path: Path, asked: Asked
) -> None:
    run = recorded(tmp_path / "r", steps=3)
    _, tables = walked(run, QUICK)
    fits = tables["selection_fits"]
    # Two layers and both pooled, searched and fixed, three steps.
    assert len(fits) == 18 and set(fits["layer"]) == {"a", "b", "hidden"}
    assert fits["reason"].eq("").all() and len(asked) == 18
    for options, step in zip(asked, fits["step"], strict=True):
        last = step == 20
        assert options == {
            "replicates": 300 if last else 200,
            "seed": 4,
            "stop_at": None if last else 0.1,
        }
    assert fits["replicates"].tolist() == [200] * 12 + [300] * 6
    assert (fits[fits["variant"] == "fixed"]["x_min"] == 2).all()
    pooled = fits[(fits["layer"] == "hidden") & (fits["variant"] == "fixed")]
    parts = fits[(fits["layer"] != "hidden") & (fits["variant"] == "fixed")]
    assert pooled["n_tail"].tolist() == parts.groupby("step")["n_tail"].sum().tolist()
    assert (fits["p_low"].to_numpy() == 0.2).all() and (fits["p_high"].to_numpy() == 0.8).all()


def test_rivals_are_looked_at_only_at_the_last_step(
    tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = {name: RIVALS_OF_A_LAW[name] for name in ("lognormal", "exponential")}
    monkeypatch.setattr(selection_module.powerlaw, "RIVALS", every)
    run = recorded(tmp_path / "r", steps=2)
    _, tables = walked(run, QUICK)
    rivals = tables["selection_rivals"]
    assert len(rivals) == 3 * 2 * 2 and set(rivals["step"]) == {10}
    values = run[1].masks["b"].sum(1) + DENSE.sum(0) * 0
    law = powerlaw.fit(values, None)
    part = rivals[(rivals["layer"] == "b") & (rivals["variant"] == "searched")]
    assert part["rival"].tolist() == list(every)
    for _, row in part.iterrows():
        made = powerlaw.compare(values, law, row["rival"])
        assert (row["ratio"], row["p_value"]) == pytest.approx(
            (made.ratio, made.p_value), nan_ok=True
        )
        assert (row["favours"], row["reason"]) == (made.favours, made.reason)


def test_no_p_through_time_is_not_asked_for(tmp_path: Path, asked: Asked) -> None:
    _, tables = walked(recorded(tmp_path / "r", steps=2), replace(QUICK, replicates_through_time=0))
    fits = tables["selection_fits"]
    assert len(asked) == 6
    early = fits[fits["step"] == 0]
    assert early["p_value"].isna().all() and (early["replicates"] == 0).all()
    assert (early["csn_rule"] == "none").all() and (early["reason"] == "").all()


@pytest.mark.parametrize(
    ("p", "csn", "paper"),
    [
        (0.1, "rejected", "rejected"),
        (0.1001, "plausible", "rejected"),
        (0.9499, "plausible", "rejected"),
        (0.95, "plausible", "plausible"),
        (math.nan, "none", "none"),
    ],
)
def test_rules_change_exactly_at_their_thresholds(
    tmp_path: Path, asked: Asked, p: float, csn: str, paper: str
) -> None:
    asked.answers = [p]
    _, tables = walked(recorded(tmp_path / "r", steps=1), QUICK)
    fits = tables["selection_fits"]
    assert set(fits["csn_rule"]) == {csn} and set(fits["paper_rule"]) == {paper}
    reason = "no p: more than half of the replicates have no fit" if math.isnan(p) else ""
    assert set(fits["reason"]) == {reason}


# -- the layers ------------------------------------------------------------------------------------


def test_only_hidden_neurons_of_layers_that_change_are_judged(tmp_path: Path, asked: Asked) -> None:
    """b feeds from a's neurons: where only b changes, a's neurons lose and gain outputs."""
    for moving, hidden, counted in (
        (("a", "b"), ("a", "b"), ("a", "b")),
        (("a",), ("a",), ("a",)),
        (("b",), ("a", "b"), ("b",)),
        ((), ("a", "b"), ("a", "b")),
    ):
        run = recorded(tmp_path / "".join(("r", *moving)), steps=2, moving=moving)
        state = QUICK.prepare(run)
        assert (state["hidden"], state["counted"]) == (hidden, counted)
        assert state["moving"] == moving and state["last"] == 10
    run = topolab.open_run(tmp_path / "rb")
    _, tables = walked(run, replace(QUICK, x_min=1))
    fits = tables["selection_fits"]
    part = fits[(fits["layer"] == "a") & (fits["variant"] == "fixed") & (fits["step"] == 0)]
    assert part["n_tail"].iloc[0] == (run[0].masks["b"].sum(0) > 0).sum()


def test_gains_and_losses_are_of_both_ends(tmp_path: Path, asked: Asked) -> None:
    """Layer a's neurons: rows of a and columns of b; updates that leave both alone do not count."""
    with topolab.Recorder(tmp_path / "r", layers=LAYERS) as recorder:
        for step, seen in enumerate((0, 1, 1, 2, 3, 4, 5, 5)):
            recorder.record(step, masks_at(seen, ("a", "b")))
    run = topolab.open_run(tmp_path / "r")
    state, tables = walked(run, QUICK)
    row = tables["selection"].set_index("layer").loc["a"]
    assert row["updates"] == 5
    begin = run[0].masks["a"].sum(1) + run[0].masks["b"].sum(0)
    end = run[7].masks["a"].sum(1) + run[7].masks["b"].sum(0)
    poor = np.flatnonzero(begin <= np.sort(begin)[30 // 4 - 1])
    assert row["poor"] == len(poor)
    assert row["drift"] == pytest.approx(end[poor].sum() / begin[poor].sum() - 1)
    assert row["dormant"] == ((begin[poor] >= 10) & (end[poor] < 10)).sum()
    memory = QUICK.start(state)
    for snapshot in run:
        memory, _ = QUICK.visit(memory, snapshot, state)
    assert memory.steps["a"] == memory.steps["b"] == (1, 3, 4, 5, 6)
    old, new = run[2].masks, run[3].masks
    assert memory.totals["a", "in"][2] == (
        (old["a"] & ~new["a"]).sum(), (new["a"] & ~old["a"]).sum(),
    )  # fmt: skip
    assert memory.totals["a", "out"][2] == (
        (old["b"] & ~new["b"]).sum(), (new["b"] & ~old["b"]).sum(),
    )  # fmt: skip
    # b's neurons read b and feed c, which never changes.
    assert ("b", "out") not in memory.totals
    part = memory.parts["a"][0]
    gained = (run[1].masks["a"] & ~run[0].masks["a"]).sum()
    gained += (run[1].masks["b"] & ~run[0].masks["b"]).sum()
    assert part["gained"].sum() == gained and part["neurons"].sum() == 30


def test_parameters_at_their_least(tmp_path: Path) -> None:
    run = recorded(tmp_path / "r", steps=2)
    least = {
        "x_min": 1, "dormant_below": 1, "replicates": 1, "replicates_through_time": 0,
        "nulls": 20, "windows": 1,
    }  # fmt: skip
    Selection(**least).prepare(run)
    for name, value in least.items():
        with pytest.raises(AnalysisError, match="must be at least 1"):
            Selection(**{name: value - 1}).prepare(run)


def test_the_published_parameters() -> None:
    """NSH's x_min and threshold; CSN's number of replicates for two digits of p."""
    default = Selection()
    assert (default.x_min, default.dormant_below) == (110, 10)
    assert (default.replicates, default.replicates_through_time) == (2500, 1000)
    assert (default.nulls, default.windows, default.seed) == (25, 8, 0)


def test_a_single_layer_has_no_hidden_neurons(tmp_path: Path) -> None:
    with topolab.Recorder(tmp_path / "one", layers=LAYERS[:1]) as recorder:
        recorder.record(0, {"a": masks_at(0, ())["a"]})
    with pytest.raises(AnalysisError, match="single layer of weights has no hidden neurons"):
        QUICK.prepare(topolab.open_run(tmp_path / "one"))


def test_updates_that_only_grow_or_only_drop_are_updates(tmp_path: Path, asked: Asked) -> None:
    """Two layers are enough: one edge comes, one goes, nothing happens, both."""
    layers = (LAYERS[0], topolab.LayerSpec("c", "linear", (3, 30), maskable=False))
    mask = masks_at(0, ())["a"]
    with topolab.Recorder(tmp_path / "r", layers=layers) as recorder:
        for step, change in enumerate(("", "grow", "drop", "", "both")):
            flat = mask.copy().reshape(-1)
            if change in ("grow", "both"):
                flat[np.flatnonzero(~flat)[0]] = True
            if change in ("drop", "both"):
                flat[np.flatnonzero(flat)[-1]] = False
            mask = flat.reshape(mask.shape)
            recorder.record(step, {"a": mask, "c": np.ones((3, 30))})
    run = topolab.open_run(tmp_path / "r")
    state = QUICK.prepare(run)
    assert state["hidden"] == ("a",)
    memory = QUICK.start(state)
    for snapshot in run:
        memory, _ = QUICK.visit(memory, snapshot, state)
    assert memory.steps["a"] == (1, 2, 4)
    assert memory.totals["a", "in"] == ((0, 1), (1, 0), (0, 0), (1, 1))


def test_runs_that_make_no_one_network_or_use_its_names_are_refused(tmp_path: Path) -> None:
    for name, layers in (
        ("loose", (LAYERS[0], topolab.LayerSpec("z", "linear", (4, 7)))),
        ("named", (replace(LAYERS[0], name="hidden"), LAYERS[1])),
    ):
        with topolab.Recorder(tmp_path / name, layers=layers) as recorder:
            recorder.record(0, {k.name: np.ones(k.shape, bool) for k in layers})
        with pytest.raises(AnalysisError):
            QUICK.prepare(topolab.open_run(tmp_path / name))
