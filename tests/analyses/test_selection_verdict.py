"""How `selection` makes words of what it found: of a run, of several, and of several seeds."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from claim_rows import DECAY, GAINS, NAN, is_sentence
from claim_rows import LAW as HELD

from topolab_analyses.claims import attachment, decay, power_law
from topolab_analyses.selection import Selection
from topolab_analyses.selection_tables import POOLED, VERDICTS

QUICK = Selection()
STATE = {"hidden": ("a", "b"), "last": 30, "moving": ("a", "b"), "snapshots": 41}


def fits_of(layer: str, rule: str = "plausible") -> pd.DataFrame:
    made = [
        {"step": step, "layer": layer, "end": "total", "variant": "searched", "csn_rule": rule,
         "alpha": 2.0, "replicates": 100}
        for step in (10, 20, 30)
    ]  # fmt: skip
    return pd.DataFrame(made)


def row_of(layer: str, **changes: Any) -> dict[str, Any]:
    """What `visit` finds of a layer, all three claims supported but for changes."""
    more = {
        "layer": layer, "updates": 40, "p_fixed": 0.05, "csn_rule": "plausible", "joint": 0.9,
        "paper_rule": "rejected", "csn_rule_fixed": "rejected", "paper_rule_fixed": "rejected",
        "joint_low": 0.8, "joint_high": 1.0, "onset_attachment": 5.0, "onset_reason": "",
        "loss_reason": "",
    }  # fmt: skip
    return {**HELD, **GAINS, **DECAY, **more, **changes}


def concluded(*found: dict[str, Any], fits: pd.DataFrame | None = None) -> pd.DataFrame:
    if fits is None:
        fits = pd.concat([fits_of(row["layer"]) for row in found], ignore_index=True)
    rivals = pd.DataFrame({"layer": [row["layer"] for row in found], "step": 0})
    rows = {"selection_fits": fits, "selection_rivals": rivals, "selection": pd.DataFrame(found)}
    made = QUICK.conclude(rows, STATE)
    assert set(made["selection_rivals"]["step"]) == {30}
    return made["selection"]


def test_three_claims_that_hold_are_selection() -> None:
    row = concluded(row_of("a")).iloc[0]
    assert (row["power_law"], row["attachment"], row["decay"]) == ("supported",) * 3
    assert row["verdict"] == "supported" and row["reason"] == ""
    assert row["onset_law"] == 10 and row["alpha"] == 2.3
    assert row["why_power_law"] == power_law.why(row) and row["why_decay"] == decay.why(row)
    assert row["why_attachment"] == attachment.why(row)


def test_the_table_has_its_columns_in_their_order() -> None:
    made = concluded(row_of("a"), row_of("b"))
    assert list(made.columns) == [column.name for column in VERDICTS]
    assert made["layer"].tolist() == ["a", "b"]


def test_the_onset_is_that_of_the_layer() -> None:
    fits = pd.concat([fits_of("a"), fits_of("b", "rejected")], ignore_index=True)
    made = concluded(row_of("a"), row_of("b"), fits=fits)
    assert made["onset_law"].tolist() == pytest.approx([10, NAN], nan_ok=True)


def test_reasons_stand_together_and_once() -> None:
    row = concluded(row_of("a", law_reason="no law", gain_reason="few", within_reason="few",
                           loss_reason="one degree", decay_reason="equal")).iloc[0]  # fmt: skip
    assert row["reason"] == "no law; few; one degree; equal"


def test_layers_of_one_run_are_adjusted_together() -> None:
    """p_rival 0.04 of one layer is 0.08 where another layer is judged with it."""
    beaten = row_of("a", p_rival=0.04, best_rival="lognormal")
    made = concluded(beaten, row_of("b")).set_index("layer")
    assert made.loc["a", "p_rival_holm"] == pytest.approx(0.08)
    assert made.loc["a", "power_law"] == "undecided"
    assert concluded(beaten)["power_law"].iloc[0] == "not supported"


def test_runs_stand_below_each_other_and_change_nothing() -> None:
    tables = {}
    for name, p in (("one", 0.003), ("two", 0.011), ("three", 0.3)):
        made = concluded(row_of("a", p_rival=p, best_rival="lognormal" if p < 0.05 else ""))
        tables[name] = {"selection": made}
    together = QUICK.across(tables)
    assert together["run"].tolist() == ["one", "two", "three"]
    assert together["power_law"].tolist() == ["not supported", "not supported", "supported"]
    assert list(together.columns) == ["run", *(column.name for column in VERDICTS)]
    for name, found in tables.items():
        part = together[together["run"] == name].drop(columns="run").reset_index(drop=True)
        pd.testing.assert_frame_equal(part, found["selection"])


def test_several_seeds_have_one_row_with_every_column() -> None:
    tables = {str(seed): {"selection": concluded(row_of("a"), row_of("b"))} for seed in range(3)}
    pooled = QUICK.pool(QUICK.across(tables).assign(group="set"))
    assert list(pooled.columns) == [column.name for column in POOLED]
    assert pooled["layer"].tolist() == ["a", "b"] and pooled["runs"].tolist() == [3, 3]
    assert set(pooled["verdict"]) == {"supported"} and set(pooled["tally"]) == {"supported 3"}
    said = QUICK.statements(pooled)
    assert [text[:32] for text in said] == [f"set, {x}, 3 runs together: All thr" for x in "ab"]
    assert QUICK.statements(concluded(row_of("a")))[0].startswith("a: All three claims are")


def test_a_run_without_counted_edges_has_a_row_that_says_so() -> None:
    empty = {name: pd.DataFrame() for name in ("selection_rivals", "selection")}
    empty["selection_fits"] = pd.DataFrame(columns=["step", "layer", "variant"])
    made = QUICK.conclude(empty, {**STATE, "hidden": ()})
    row = made["selection"].iloc[0]
    assert row["reason"] == "no hidden neuron has an edge that is counted"
    assert row["verdict"] == "does not apply" and row["layer"] == "none"
    for name in ("why_power_law", "why_attachment", "why_decay"):
        assert is_sentence(row[name]) and "no hidden neuron has an edge" in row[name]
    assert made["selection_fits"]["step"].tolist() == [30]
    assert made["selection_rivals"]["step"].tolist() == [30]
