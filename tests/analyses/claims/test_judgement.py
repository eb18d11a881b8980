"""Three claims together: the verdict, Holm's method over the layers of a run, and no further."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from claim_rows import LAW, NAN, P_VALUES, evidence, is_sentence, rows
from hypothesis import given
from hypothesis import strategies as st

from topolab.metrics.multiple_tests import holm
from topolab_analyses.claims.limits import (
    CANNOT_TELL,
    CUT_OFF,
    DOES_NOT_APPLY,
    GOES_WITH_DEGREE,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
)
from topolab_analyses.judgement import CLAIMS, judge, sentence, tally

WORDS = [*CLAIMS, *(f"why_{name}" for name in CLAIMS), "verdict", "why"]
NOT_LAW = {"p_law": 0.001}
OPEN_LAW = {"p_law": 0.07}
OPEN_DECAY = {"poor": 3.0}
FITNESS = {"p_attachment": 0.9, "within": -0.1}
STATIC = {"grown": 0, "dropped": 0}


def one(**changes: Any) -> pd.Series:
    return judge(pd.DataFrame([evidence(**changes)])).iloc[0]


@pytest.mark.parametrize(
    ("changes", "words", "verdict"),
    [
        ({}, (SUPPORTED, SUPPORTED, SUPPORTED), SUPPORTED),
        (NOT_LAW, (NOT_SUPPORTED, SUPPORTED, SUPPORTED), NOT_SUPPORTED),
        (OPEN_LAW, (UNDECIDED, SUPPORTED, SUPPORTED), UNDECIDED),
        (OPEN_DECAY, (SUPPORTED, SUPPORTED, UNDECIDED), UNDECIDED),
        (NOT_LAW | OPEN_DECAY, (NOT_SUPPORTED, SUPPORTED, UNDECIDED), NOT_SUPPORTED),
        (FITNESS, (SUPPORTED, GOES_WITH_DEGREE, SUPPORTED), UNDECIDED),
        (FITNESS | NOT_LAW, (NOT_SUPPORTED, GOES_WITH_DEGREE, SUPPORTED), NOT_SUPPORTED),
        ({"p_lognormal": 0.5}, (CANNOT_TELL, SUPPORTED, SUPPORTED), UNDECIDED),
        ({"p_bent": 0.001, "p_cut_off": 0.001, "alpha_cut_off": 1.5, "cut_off": 60.0},
         (CUT_OFF, SUPPORTED, SUPPORTED), UNDECIDED),
        (STATIC, (SUPPORTED, DOES_NOT_APPLY, DOES_NOT_APPLY), DOES_NOT_APPLY),
        # What does not apply comes before what fails: nothing was selected at all.
        (STATIC | NOT_LAW, (NOT_SUPPORTED, DOES_NOT_APPLY, DOES_NOT_APPLY), DOES_NOT_APPLY),
        ({"grown": 0}, (SUPPORTED, DOES_NOT_APPLY, SUPPORTED), DOES_NOT_APPLY),
        ({"dropped": 0}, (SUPPORTED, SUPPORTED, DOES_NOT_APPLY), DOES_NOT_APPLY),
        ({"degrees": 1}, (DOES_NOT_APPLY, SUPPORTED, SUPPORTED), DOES_NOT_APPLY),
        ({"snapshots": 1}, (SUPPORTED, UNDECIDED, UNDECIDED), UNDECIDED),
        ({"snapshots": 1} | NOT_LAW, (NOT_SUPPORTED, UNDECIDED, UNDECIDED), NOT_SUPPORTED),
    ],
)  # fmt: skip
def test_three_words_make_the_verdict(
    changes: dict[str, Any], words: tuple[str, ...], verdict: str
) -> None:
    row = one(**changes)
    assert tuple(row[name] for name in CLAIMS) == words
    assert row["verdict"] == verdict


@pytest.mark.parametrize(
    ("changes", "start", "claims"),
    [
        ({}, "All three claims are supported. ", ("power_law", "attachment", "decay")),
        (NOT_LAW | FITNESS, "The hypothesis fails, since the power law is not supported. ",
         ("power_law",)),
        (OPEN_LAW | OPEN_DECAY | NOT_LAW,
         "The hypothesis fails, since the power law is not supported. ", ("power_law",)),
        (OPEN_LAW | OPEN_DECAY, "No claim fails, but the power law and decay are not established. ",
         ("power_law", "decay")),
        (FITNESS, "No claim fails, but attachment is not established. ", ("attachment",)),
        (STATIC | NOT_LAW, "The hypothesis does not apply. ", ("attachment", "decay")),
        ({"degrees": 1}, "The hypothesis does not apply. ", ("power_law",)),
    ],
)  # fmt: skip
def test_the_reason_of_a_verdict_is_that_of_the_claims_which_carry_it(
    changes: dict[str, Any], start: str, claims: tuple[str, ...]
) -> None:
    row = one(**changes)
    assert row["why"] == start + " ".join(row[f"why_{name}"] for name in claims)


@given(st.lists(rows(), min_size=1, max_size=4))
def test_every_row_has_words_and_sentences(made: list[dict[str, Any]]) -> None:
    judged = judge(pd.DataFrame(made))
    for _, row in judged.iterrows():
        for name in ("why", *(f"why_{claim}" for claim in CLAIMS)):
            assert is_sentence(row[name]), row[name]
        lead = row["why"].split(". ")[0]
        assert lead.startswith("The hypothesis fails") == (row["verdict"] == NOT_SUPPORTED)
        assert (lead == "The hypothesis does not apply") == (row["verdict"] == DOES_NOT_APPLY)
        assert (lead == "All three claims are supported") == (row["verdict"] == SUPPORTED)


def in_runs(made: list[dict[str, Any]], runs: list[str]) -> pd.DataFrame:
    return pd.DataFrame(made).assign(run=runs[: len(made)])


@given(
    st.lists(rows(), min_size=2, max_size=6), st.lists(st.sampled_from("abc"), min_size=6,
    max_size=6), st.integers(1, 5),
)  # fmt: skip
def test_other_runs_change_no_word_and_no_sentence(
    made: list[dict[str, Any]], runs: list[str], few: int
) -> None:
    """Neither those that are put below it, nor those between its layers."""
    everything = judge(in_runs(made, runs), family="run")
    chosen = sorted(set(runs[: len(made)]))[:few]
    mine = in_runs(made, runs)
    alone = judge(mine[mine["run"].isin(chosen)], family="run")
    kept = everything[everything["run"].isin(chosen)]
    pd.testing.assert_frame_equal(alone[WORDS], kept[WORDS])
    holms = [f"{name}_holm" for name in P_VALUES]
    pd.testing.assert_frame_equal(alone[holms], kept[holms])


@given(st.lists(rows(), min_size=1, max_size=6))
def test_p_values_are_adjusted_over_the_layers_of_a_run(made: list[dict[str, Any]]) -> None:
    table = in_runs(made, list("aabbab"))
    judged = judge(table, family="run")
    for run, part in judged.groupby("run"):
        for name in P_VALUES:
            expected = holm(table.loc[table["run"] == run, name])
            assert np.array_equal(part[f"{name}_holm"], expected, equal_nan=True)
    without = judge(table)
    for name in P_VALUES:
        assert np.array_equal(without[f"{name}_holm"], holm(table[name]), equal_nan=True)
        assert np.array_equal(without[name], table[name], equal_nan=True)


@given(rows(), st.integers(2, 40))
def test_many_layers_alike_are_never_easier_to_judge_than_one(
    row: dict[str, Any], many: int
) -> None:
    """No word of one layer becomes supported, or not supported, for being one of many."""
    alone = judge(pd.DataFrame([row])).iloc[0]
    among = judge(pd.DataFrame([row] * many)).iloc[0]
    for claim in (*CLAIMS, "verdict"):
        if among[claim] != alone[claim]:
            assert among[claim] not in (SUPPORTED, NOT_SUPPORTED, CUT_OFF, DOES_NOT_APPLY)


@pytest.mark.parametrize(
    ("column", "value", "others", "changes", "claim", "alone", "among"),
    [
        ("p_law", 0.02, 0.9, {}, "power_law", NOT_SUPPORTED, UNDECIDED),
        ("p_rival", 0.02, 0.9, {}, "power_law", NOT_SUPPORTED, UNDECIDED),
        ("p_steep", 0.02, 0.9, {}, "power_law", NOT_SUPPORTED, UNDECIDED),
        ("p_cut_off", 0.02, 0.9, {"p_bent": 0.01, "alpha_cut_off": 2.0, "cut_off": 9.0},
         "power_law", CUT_OFF, UNDECIDED),
        ("p_thin", 0.02, 0.9, {}, "power_law", SUPPORTED, UNDECIDED),
        ("p_lognormal", 0.02, 0.9, {}, "power_law", SUPPORTED, CANNOT_TELL),
        ("p_attachment", 0.02, 0.9, {}, "attachment", SUPPORTED, GOES_WITH_DEGREE),
        ("p_gain", 0.02, 0.9, {"p_attachment": 0.9}, "attachment", GOES_WITH_DEGREE, UNDECIDED),
        ("p_no_gain", 0.02, 0.9, {"p_attachment": 1.0, "p_gain": 1.0, "p_no_attachment": 1e-9},
         "attachment", NOT_SUPPORTED, UNDECIDED),
        ("p_no_attachment", 0.02, 0.9, {"p_attachment": 1.0, "p_gain": 1.0, "p_no_gain": 1e-9},
         "attachment", NOT_SUPPORTED, UNDECIDED),
        ("p_decay", 0.02, 0.9, {}, "decay", SUPPORTED, UNDECIDED),
        ("p_no_decay", 0.02, 0.9, {"p_decay": 1.0}, "decay", NOT_SUPPORTED, UNDECIDED),
    ],
)  # fmt: skip
def test_every_p_value_is_adjusted_for_the_layers_judged_with_it(
    column: str, value: float, others: float, changes: dict[str, Any], claim: str, alone: str,
    among: str,
) -> None:  # fmt: skip
    """Ten layers: the smallest p counts ten times, and the word follows the adjusted one."""
    row = evidence(**changes, **{column: value})
    assert judge(pd.DataFrame([row]))[claim].iloc[0] == alone
    many = judge(pd.DataFrame([row, *[{**row, column: others}] * 9]))
    assert many[claim].iloc[0] == among
    assert many[column].iloc[0] == value
    assert many[f"{column}_holm"].iloc[0] == pytest.approx(10 * value)


def test_a_layer_without_a_p_value_is_no_test_among_the_others() -> None:
    none = evidence(**dict.fromkeys(P_VALUES, NAN))
    judged = judge(pd.DataFrame([evidence(p_law=0.04), none, none]))
    assert judged["p_law_holm"].iloc[0] == 0.04 and judged["power_law"].iloc[0] == NOT_SUPPORTED


def test_what_was_judged_is_judged_the_same_again() -> None:
    once = judge(pd.DataFrame([evidence(), evidence(**NOT_LAW)]))
    pd.testing.assert_frame_equal(judge(once), once)


def test_words_are_counted_in_one_order() -> None:
    said = pd.Series([UNDECIDED, DOES_NOT_APPLY, CUT_OFF, SUPPORTED, UNDECIDED, NOT_SUPPORTED])
    assert tally(said) == (
        "supported 1, not supported 1, undecided 2, law with a cut-off 1, does not apply 1"
    )
    assert tally(pd.Series([], dtype=str)) == ""


def test_one_sentence_for_all_groups() -> None:
    rows = [
        ("set", "fc1", NOT_SUPPORTED), ("set", "fc2", NOT_SUPPORTED), ("rigl", "fc1", UNDECIDED),
        ("rigl", "fc2", SUPPORTED), ("static", "fc1", DOES_NOT_APPLY),
    ]  # fmt: skip
    made = pd.DataFrame(rows, columns=["group", "layer", "verdict"])
    start = "The neural selection hypothesis "
    assert sentence(made) == (
        f"{start}is supported in rigl (fc2), is not supported in set (fc1, fc2), is undecided in "
        "rigl (fc1) and does not apply to static (fc1)."
    )
    assert sentence(made[:1]) == f"{start}is not supported in set (fc1)."
    assert sentence(made[:0]) == f"{start}was judged in no layer."


def test_the_least_evidence_has_every_column_that_is_asked_for() -> None:
    assert set(LAW) >= {"degrees", "n_tail", "p_law", "law_reason"}
    with pytest.raises(KeyError):
        judge(pd.DataFrame([{"p_law": 0.5}]))
