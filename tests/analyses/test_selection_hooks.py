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
from topolab.errors import AnalysisError
from topolab.metrics import powerlaw
from topolab_analyses import selection_laws
from topolab_analyses.selection import Selection

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
    """Stands for `goodness_of_fit`: remembers its questions."""

    def __call__(self, values: Any, law: Any, **options: Any) -> powerlaw.GoodnessOfFit:
        self.append(options | {"law": law})
        return powerlaw.GoodnessOfFit(0.4, 0.25, options["replicates"], low=0.2, high=0.8)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked()
    monkeypatch.setattr(selection_laws.powerlaw, "goodness_of_fit", made)
    monkeypatch.setattr(selection_laws.powerlaw, "RIVALS", {})  # their fits take seconds
    return made


QUICK = Selection(x_min=2, replicates=300, replicates_through_time=200, nulls=20, windows=1, seed=4)


# -- the fits --------------------------------------------------------------------------------------


def test_the_last_step_gets_all_replicates_and_earlier_ones_stop_at_both_rules(
    tmp_path: Path, asked: Asked
) -> None:
    _, tables = walked(recorded(tmp_path / "r", steps=3), QUICK)
    fits = tables["selection_fits"]
    total = fits[fits["end"] == "total"]
    # Two layers and both pooled, searched and fixed, three steps.
    assert len(total) == 18 and set(total["layer"]) == {"a", "b", "hidden"}
    assert fits["reason"].eq("").all() and len(asked) == len(fits)
    for options, step in zip(asked, fits["step"], strict=True):
        last = step == 20
        assert (options["replicates"], options["seed"]) == (300 if last else 200, 4)
        assert options["stop_at"] == (None if last else (0.1, 0.95))
    assert (fits["replicates"] == np.where(fits["step"] == 20, 300, 200)).all()
    assert (fits[fits["variant"] == "fixed"]["x_min"] == 2).all()
    pooled = total[(total["layer"] == "hidden") & (total["variant"] == "fixed")]
    parts = total[(total["layer"] != "hidden") & (total["variant"] == "fixed")]
    assert pooled["n_tail"].tolist() == parts.groupby("step")["n_tail"].sum().tolist()
    assert (fits["p_low"] == 0.2).all() and (fits["p_high"] == 0.8).all()


def test_each_end_is_fitted_alone_at_the_last_step_only(tmp_path: Path, asked: Asked) -> None:
    """a's neurons have inputs in a and outputs in b; b's have inputs alone, c never changes."""
    run = recorded(tmp_path / "r", steps=3)
    _, tables = walked(run, replace(QUICK, x_min=1))
    fits = tables["selection_fits"]
    alone = fits[fits["end"] != "total"]
    assert set(alone["step"]) == {20} and set(alone["layer"]) == {"a"}
    assert set(alone["end"]) == {"in", "out"} and len(alone) == 4
    first, second = run[2].masks["a"], run[2].masks["b"]
    fixed = alone[alone["variant"] == "fixed"].set_index("end")
    assert fixed.loc["in", "n_tail"] == (first.sum(1) > 0).sum()
    assert fixed.loc["out", "n_tail"] == (second.sum(0) > 0).sum()
    assert fixed.loc["out", "alpha"] == powerlaw.fit(second.sum(0), 1, 12).alpha


def test_laws_are_bounded_by_the_room_at_each_end(tmp_path: Path, asked: Asked) -> None:
    """40 inputs and 12 outputs of a's neurons; of all together the largest room of any."""
    _, tables = walked(recorded(tmp_path / "r", steps=2), QUICK)
    fits = tables["selection_fits"]
    bounds = {
        (row["layer"], row["end"]): row["x_max"] for _, row in fits[fits["step"] == 10].iterrows()
    }
    assert bounds == {
        ("a", "in"): 40, ("a", "out"): 12, ("a", "total"): 52, ("b", "total"): 30,
        ("hidden", "total"): 52,
    }  # fmt: skip
    assert [options["law"].x_max for options in asked] == fits["x_max"].tolist()


def test_a_channel_has_room_for_its_kernels(tmp_path: Path, asked: Asked) -> None:
    """A filter reads 3 channels by 3 x 3, and feeds 12 filters by 3 x 3, or 4 places of 5."""
    layers = (
        topolab.LayerSpec("c1", "conv", (16, 3, 3, 3)),
        topolab.LayerSpec("c2", "conv", (12, 16, 3, 3)),
        topolab.LayerSpec("f", "linear", (5, 12 * 4)),
    )
    rng = np.random.default_rng(0)
    with topolab.Recorder(tmp_path / "conv", layers=layers) as recorder:
        for step in range(2):
            recorder.record(step, {k.name: rng.random(k.shape) < 0.4 for k in layers})
    _, tables = walked(topolab.open_run(tmp_path / "conv"), replace(QUICK, x_min=1))
    fits = tables["selection_fits"]
    bounds = {(row["layer"], row["end"]): row["x_max"] for _, row in fits.iterrows()}
    assert bounds == {
        ("c1", "in"): 27, ("c1", "out"): 108, ("c1", "total"): 135, ("c2", "in"): 144,
        ("c2", "out"): 20, ("c2", "total"): 164, ("hidden", "total"): 164,
    }  # fmt: skip


def test_rivals_are_looked_at_only_at_the_last_step(
    tmp_path: Path, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = dict.fromkeys(("lognormal", "exponential"))
    monkeypatch.setattr(selection_laws.powerlaw, "RIVALS", every)
    run = recorded(tmp_path / "r", steps=2)
    state, tables = walked(run, QUICK)
    made = QUICK.conclude(tables, state)["selection_rivals"]
    names = [*every, "lognormal up to 2"]
    # Three of both ends, two of one end; searched and fixed.
    assert len(made) == (3 + 2) * 2 * len(names) and set(made["step"]) == {10}
    values = run[1].masks["b"].sum(1)
    law = powerlaw.fit(values, None, 30)
    part = made[(made["layer"] == "b") & (made["variant"] == "searched")]
    assert part["rival"].tolist() == names
    for name, (_, row) in zip(every, part.iterrows(), strict=False):
        test = powerlaw.compare(values, law, name)
        assert (row["ratio"], row["p_value"]) == pytest.approx(
            (test.ratio, test.p_value), nan_ok=True
        )
        assert (row["favours"], row["reason"]) == (test.favours, test.reason)


def test_no_p_through_time_is_not_asked_for(tmp_path: Path, asked: Asked) -> None:
    state, tables = walked(
        recorded(tmp_path / "r", steps=2), replace(QUICK, replicates_through_time=0)
    )
    fits = tables["selection_fits"]
    early = fits[fits["step"] == 0]
    assert len(asked) == len(fits) - len(early) == 10
    assert early["p_value"].isna().all() and (early["replicates"] == 0).all()
    assert (early["csn_rule"] == "none").all() and (early["reason"] == "").all()
    assert QUICK.conclude(tables, state)["selection"]["onset_law"].isna().all()


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
        assert state["moving"] == moving and state["last"] == 10 and state["snapshots"] == 2
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
    _, tables = walked(run, QUICK)
    rows = tables["selection"].set_index("layer")
    row = rows.loc["a"]
    assert row["updates"] == 5 and row["snapshots"] == 8
    gained = lost = 0
    for old, new in zip(run, list(run)[1:], strict=False):
        for name in ("a", "b"):
            gained += int((new.masks[name] & ~old.masks[name]).sum())
            lost += int((old.masks[name] & ~new.masks[name]).sum())
    assert (row["grown"], row["dropped"]) == (gained, lost)
    assert rows.loc["b", "grown"] < gained  # b feeds c, which never changes
    begin = run[0].masks["a"].sum(1) + run[0].masks["b"].sum(0)
    end = run[7].masks["a"].sum(1) + run[7].masks["b"].sum(0)
    poor = np.flatnonzero(begin <= np.sort(begin)[30 // 4 - 1])
    living = begin[begin >= 10]
    edge = np.sort(living)[max(0, len(living) // 4 - 1)]
    assert row["poor"] == (living <= edge).sum() <= len(living) / 2
    assert row["drift"] == pytest.approx(end[poor].sum() / begin[poor].sum() - 1)
    # b's neurons at their inputs alone, and no update in which b stands still
    values = run[7].masks["b"].sum(1)
    assert rows.loc["b", "degrees"] == len(np.unique(values)) and rows.loc["b", "n"] == 12
    assert row["degrees"] == len(np.unique(end)) and row["n"] == 30


def test_one_snapshot_and_no_change_have_reasons(tmp_path: Path, asked: Asked) -> None:
    for steps, reason in (
        (1, "one snapshot: nothing is known of what changes"),
        (3, "no mask changes from snapshot to snapshot"),
    ):
        run = recorded(tmp_path / str(steps), steps=steps, moving=())
        _, tables = walked(run, QUICK)
        row = tables["selection"].iloc[0]
        for name in ("gain_reason", "within_reason", "loss_reason", "onset_reason"):
            assert row[name] == reason
        assert row["decay_reason"] == reason and row["snapshots"] == steps
        assert row["updates"] == row["grown"] == row["dropped"] == 0
        assert math.isnan(row["gain_slope"]) and math.isnan(row["dormant_null"])


# -- parameters and runs ---------------------------------------------------------------------------


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
    _, tables = walked(topolab.open_run(tmp_path / "r"), QUICK)
    row = tables["selection"].iloc[0]
    assert len(tables["selection"]) == 1 and row["layer"] == "a"
    assert (row["updates"], row["grown"], row["dropped"]) == (3, 2, 2)


def test_runs_that_make_no_one_network_or_use_its_names_are_refused(tmp_path: Path) -> None:
    for name, layers in (
        ("loose", (LAYERS[0], topolab.LayerSpec("z", "linear", (4, 7)))),
        ("named", (replace(LAYERS[0], name="hidden"), LAYERS[1])),
    ):
        with topolab.Recorder(tmp_path / name, layers=layers) as recorder:
            recorder.record(0, {k.name: np.ones(k.shape, bool) for k in layers})
        with pytest.raises(AnalysisError):
            QUICK.prepare(topolab.open_run(tmp_path / name))
