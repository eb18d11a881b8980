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
    assert (default.nulls, default.windows, default.seed) == (100, 8, 0)


def test_a_single_layer_has_no_hidden_neurons(tmp_path: Path) -> None:
    with topolab.Recorder(tmp_path / "one", layers=LAYERS[:1]) as recorder:
        recorder.record(0, {"a": masks_at(0, ())["a"]})
    with pytest.raises(AnalysisError, match="single layer of weights has no hidden neurons"):
        QUICK.prepare(topolab.open_run(tmp_path / "one"))


# -- the verdict -----------------------------------------------------------------------------------

STATE = {"hidden": ("a",), "last": 30, "moving": ("a",), "counted": ("a",)}
FIT = {
    "alpha": 2.5, "sigma": 0.1, "x_min": 3, "n_tail": 400, "ks_distance": 0.02, "p_value": 0.4,
    "p_low": 0.3, "p_high": 0.5, "replicates": 100, "stopped": False, "csn_rule": "plausible",
    "paper_rule": "rejected", "reason": "",
}  # fmt: skip
EVIDENCE = {
    "layer": "a", "gain_slope": 0.7, "gain_low": 0.5, "gain_high": 0.9, "gain_rate": 0.8,
    "p_gain": 1e-6, "loss_slope": 0.1, "loss_low": 0.0, "loss_high": 0.2, "onset_attachment": 10.0,
    "reason": "", "updates": 50, "poor": 100, "dormant": 30, "dormant_null": 1.0, "drift": -0.5,
    "drift_null": 0.0, "drift_error": 0.01, "p_drift": 1e-9, "p_decay": 1e-6,
}  # fmt: skip
RIVALS = {"exponential": (50.0, 1e-9), "lognormal": (-0.1, 0.9), "stretched_exponential": (1, 0.5),
          "truncated_power_law": (-0.2, 0.5)}  # fmt: skip


def fits_of(rules: str = "pppp", **last: Any) -> pd.DataFrame:
    """Four steps of fits; in `rules` p is a plausible and r a rejected one, - one without p."""
    made = []
    for step, rule in zip((0, 10, 20, 30), rules, strict=True):
        for variant in ("searched", "fixed"):
            word = {"p": "plausible", "r": "rejected", "-": "none"}[rule]
            if variant == "fixed":
                word = "rejected"
            row = {"step": step, "epoch": 0.0, "layer": "a", "variant": variant, **FIT}
            row |= {"csn_rule": word, "x_min": 110 if variant == "fixed" else 3}
            row |= {"p_value": 0.05} if variant == "fixed" else {}
            if step == 30 and variant == "searched":
                row |= last
            made.append(row)
    return pd.DataFrame(made)


def rivals_of(changes: dict[str, tuple[float, float]], **others: Any) -> pd.DataFrame:
    made = []
    for variant in ("searched", "fixed"):
        for rival, (ratio, p) in {**RIVALS, **changes}.items():
            if variant == "fixed":  # what must not be looked at
                ratio, p = -99.0, 1e-12
            made.append({"step": 30, "layer": "a", "variant": variant, "rival": rival,
                         "ratio": ratio, "normalised": 0.0, "p_value": p, "favours": "neither",
                         "reason": "", **others})  # fmt: skip
    return pd.DataFrame(made)


def concluded(
    fits: pd.DataFrame | None = None,
    rivals: pd.DataFrame | None = None,
    evidence: dict[str, Any] | None = None,
) -> pd.Series:
    rows = {
        "selection_fits": fits_of() if fits is None else fits,
        "selection_rivals": rivals_of({}) if rivals is None else rivals,
        "selection": pd.DataFrame([{**EVIDENCE, **(evidence or {})}]),
    }
    return QUICK.conclude(rows, STATE)["selection"].iloc[0]


def test_three_claims_that_hold_are_selection() -> None:
    row = concluded()
    assert (row["power_law"], row["attachment"], row["decay"]) == ("supported",) * 3
    assert row["verdict"] == "supported" and row["reason"] == ""
    assert (row["alpha"], row["x_min"], row["n_tail"], row["p_law"]) == (2.5, 3, 400, 0.4)
    assert (row["p_fixed"], row["csn_rule_fixed"], row["csn_rule"]) == (
        0.05, "rejected", "plausible",
    )  # fmt: skip
    assert row["gain_slope"] == 0.7 and row["updates"] == 50


@pytest.mark.parametrize(
    ("changes", "best", "p_rival"),
    [
        # All four rivals are looked at: the smallest p counts four times.
        ({"lognormal": (-9.0, 0.01)}, "lognormal", 0.04),
        ({"lognormal": (-9.0, 0.013)}, "lognormal", 0.052),
        ({"lognormal": (-9.0, 0.02), "truncated_power_law": (-8.0, 0.003)},
         "truncated_power_law", 0.012),
        ({"lognormal": (-9.0, 0.9)}, "truncated_power_law", 1.0),
        # A rival that the law beats is none, however clearly.
        ({"lognormal": (9.0, 1e-9)}, "truncated_power_law", 1.0),
        ({"lognormal": (0.0, 1e-9)}, "truncated_power_law", 1.0),
        ({"lognormal": (1.0, 0.5), "truncated_power_law": (0.0, 1.0)}, "", math.nan),
        ({"lognormal": (-9.0, math.nan)}, "truncated_power_law", 1.0),
    ],
)  # fmt: skip
def test_the_best_rival_and_its_p_times_four(
    changes: dict[str, tuple[float, float]], best: str, p_rival: float
) -> None:
    row = concluded(rivals=rivals_of(changes))
    assert row["best_rival"] == best
    assert row["p_rival"] == pytest.approx(p_rival, nan_ok=True)
    assert row["power_law"] == ("not supported" if p_rival < 0.05 else "supported")


@pytest.mark.parametrize(
    ("changes", "p_thin", "word"),
    [
        ({"exponential": (50.0, 0.04)}, 0.04, "supported"),
        ({"exponential": (50.0, 0.06)}, 0.06, "undecided"),
        ({"exponential": (-50.0, 0.9)}, math.nan, "undecided"),
        ({"exponential": (0.0, 0.04)}, math.nan, "undecided"),
        ({"exponential": (50.0, math.nan)}, math.nan, "undecided"),
    ],
)
def test_the_tail_is_thick_only_if_the_exponential_is_beaten(
    changes: dict[str, tuple[float, float]], p_thin: float, word: str
) -> None:
    row = concluded(rivals=rivals_of(changes))
    assert row["p_thin"] == pytest.approx(p_thin, nan_ok=True) and row["power_law"] == word


def test_a_rival_without_a_fit_beats_nothing() -> None:
    row = concluded(rivals=rivals_of({"lognormal": (-9.0, 0.001)}, reason="no finite likelihood"))
    assert row["best_rival"] == "" and math.isnan(row["p_rival"]) and math.isnan(row["p_thin"])


@pytest.mark.parametrize(
    ("rules", "onset"),
    [
        ("pppp", 0.0),
        ("rppp", 10.0),
        ("prpp", 20.0),
        ("rrrp", 30.0),
        ("pp-p", 30.0),
        ("pppr", math.nan),
        ("rrrr", math.nan),
    ],
)
def test_the_onset_of_the_law_lasts_to_the_end(rules: str, onset: float) -> None:
    assert concluded(fits_of(rules))["onset_law"] == pytest.approx(onset, nan_ok=True)


def test_no_onset_where_p_was_not_asked_for() -> None:
    fits = fits_of("pppp")
    fits.loc[fits["step"] < 30, "replicates"] = 0
    assert math.isnan(concluded(fits)["onset_law"])
    # A step without any fit has no p to ask for.
    fits = fits_of("-ppp")
    fits.loc[fits["step"] == 0, ["replicates", "alpha"]] = 0, math.nan
    assert concluded(fits)["onset_law"] == 10.0


def test_reasons_of_the_law_and_of_the_evidence_stand_together() -> None:
    fits = fits_of("ppp-", reason="no law", alpha=math.nan, p_value=math.nan)
    row = concluded(fits, evidence={"reason": "few events"})
    assert row["reason"] == "no law; few events" and row["power_law"] == "undecided"
    assert concluded(fits)["reason"] == "no law"
    assert concluded(evidence={"reason": "few events"})["reason"] == "few events"


def test_a_layer_without_evidence_is_undecided_and_says_so() -> None:
    row = concluded(evidence={"layer": "elsewhere"})
    assert "one snapshot" in row["reason"]
    assert (row["attachment"], row["decay"], row["verdict"]) == ("undecided",) * 3
    assert math.isnan(row["gain_slope"]) and row["updates"] == 0


def test_layers_of_one_run_are_adjusted_together() -> None:
    """p_rival 0.04 of one layer is 0.08 where another layer is judged with it."""
    fits, rivals = fits_of(), rivals_of({"lognormal": (-9.0, 0.01)})
    rows = {
        "selection_fits": pd.concat([fits, fits.assign(layer="b")]),
        "selection_rivals": pd.concat([rivals, rivals_of({}).assign(layer="b")]),
        "selection": pd.DataFrame([EVIDENCE, {**EVIDENCE, "layer": "b"}]),
    }
    made = QUICK.conclude(rows, {**STATE, "hidden": ("a", "b")})["selection"].set_index("layer")
    assert made.loc["a", "p_rival_holm"] == pytest.approx(0.08)
    assert made.loc["a", "power_law"] == "supported"
    assert concluded(rivals=rivals)["power_law"] == "not supported"


def test_runs_are_judged_anew_together() -> None:
    """Each of three runs is beaten alone; with Holm over all of them only the clearest is."""
    tables = {}
    for name, p in (("one", 0.003), ("two", 0.011), ("three", 0.012)):
        rows = {
            "selection_fits": fits_of(),
            "selection_rivals": rivals_of({"lognormal": (-9.0, p)}),
            "selection": pd.DataFrame([EVIDENCE]),
        }
        tables[name] = QUICK.conclude(rows, STATE)
    alone = [t["selection"]["power_law"].iloc[0] for t in tables.values()]
    assert alone == ["not supported"] * 3
    together = QUICK.across(tables)
    assert together["run"].tolist() == ["one", "two", "three"]
    assert together["p_rival_holm"].tolist() == pytest.approx([0.036, 0.088, 0.088])
    assert together["power_law"].tolist() == ["not supported", "supported", "supported"]
    assert list(together.columns)[1:] == list(tables["one"]["selection"].columns)


def test_a_run_without_counted_edges_has_a_row_that_says_so() -> None:
    empty = {name: pd.DataFrame() for name in ("selection_fits", "selection_rivals", "selection")}
    empty["selection_fits"] = pd.DataFrame(columns=["step", "layer", "variant"])
    made = QUICK.conclude(empty, {**STATE, "hidden": ()})
    row = made["selection"].iloc[0]
    assert row["reason"] == "no hidden neuron has an edge that is counted"
    assert row["verdict"] == "undecided" and row["layer"] == "none"
    assert made["selection_fits"]["step"].tolist() == [30]
    assert made["selection_rivals"]["step"].tolist() == [30]


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
