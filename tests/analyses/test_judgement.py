"""Words of the verdict: each follows from its numbers, at the edge of every number."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from topolab_analyses.judgement import (
    AGAINST,
    ALPHA,
    CSN,
    PAPER,
    SUPPORTED,
    UNDECIDED,
    holm,
    judge,
    sentence,
)

EVIDENCE = {
    "n_tail": 400, "p_law": 0.4, "p_rival": 0.5, "p_thin": 1e-9, "p_gain": 1e-6, "gain_low": 0.5,
    "gain_high": 0.9, "p_drift": 1e-9, "p_decay": 1e-6, "drift": -0.5, "drift_error": 0.01,
    "dormant": 30, "poor": 100, "updates": 50,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "claim", "word"),
    [
        ({}, "verdict", SUPPORTED),
        ({"p_law": 0.05}, "power_law", AGAINST),
        ({"p_rival": 0.01}, "power_law", AGAINST),
        ({"n_tail": 49}, "power_law", UNDECIDED),
        ({"p_thin": 0.2}, "power_law", UNDECIDED),
        ({"p_thin": math.nan}, "power_law", UNDECIDED),
        ({"p_law": math.nan}, "power_law", UNDECIDED),
        ({"gain_low": -0.1}, "attachment", UNDECIDED),
        ({"gain_low": -0.05, "gain_high": 0.05}, "attachment", AGAINST),
        ({"gain_low": math.nan}, "attachment", UNDECIDED),
        ({"dormant": 0}, "decay", UNDECIDED),
        ({"p_decay": 0.3}, "decay", UNDECIDED),
        ({"drift": 0.2, "p_drift": 0.6}, "decay", AGAINST),
        ({"drift": 0.2}, "decay", AGAINST),
        ({"updates": 4}, "decay", UNDECIDED),
        ({"poor": 19}, "decay", UNDECIDED),
        ({"p_law": 0.05}, "verdict", AGAINST),
        ({"dormant": 0}, "verdict", UNDECIDED),
    ],
)
def test_words_follow_from_numbers(change: dict[str, float], claim: str, word: str) -> None:
    assert judge(pd.DataFrame([{**EVIDENCE, **change}]))[claim].iloc[0] == word


def test_holm_over_many_rows_is_stricter() -> None:
    """A p-value that carries a word alone does not carry it as the smallest of ten."""
    row = {**EVIDENCE, "p_decay": 0.02}
    others = {**EVIDENCE, "p_decay": 0.9, "dormant": 1}
    assert judge(pd.DataFrame([row]))["decay"].iloc[0] == SUPPORTED
    among = judge(pd.DataFrame([row, *[others] * 9]))
    assert among["decay"].iloc[0] == UNDECIDED and among["p_decay_holm"].iloc[0] == 0.2
    assert holm([0.01, 0.02, 0.03]).tolist() == [0.03, 0.04, 0.04]
    assert sentence(among).endswith("undecided in 10 of 10 layers.")


@pytest.mark.parametrize(
    ("change", "claim", "word"),
    [
        # CSN reject at p <= 0.1, and a tail of 50 is enough.
        ({"p_law": 0.1}, "power_law", AGAINST),
        ({"p_law": 0.1001}, "power_law", SUPPORTED),
        ({"n_tail": 50}, "power_law", SUPPORTED),
        ({"p_rival": 0.05}, "power_law", SUPPORTED),
        ({"p_rival": 0.0499}, "power_law", AGAINST),
        ({"p_rival": math.nan}, "power_law", SUPPORTED),
        ({"p_thin": 0.05}, "power_law", UNDECIDED),
        ({"p_thin": 0.0499}, "power_law", SUPPORTED),
        # Too short a tail does not excuse a law that is rejected or beaten.
        ({"n_tail": 10, "p_law": 0.01}, "power_law", AGAINST),
        ({"n_tail": 10, "p_rival": 0.01}, "power_law", AGAINST),
        ({"p_gain": 0.05}, "attachment", UNDECIDED),
        ({"p_gain": 0.0499}, "attachment", SUPPORTED),
        ({"p_gain": math.nan}, "attachment", UNDECIDED),
        ({"p_gain": math.nan, "gain_high": 0.05}, "attachment", UNDECIDED),
        ({"gain_low": math.nan, "gain_high": 0.05}, "attachment", UNDECIDED),
        ({"gain_low": 0.0}, "attachment", UNDECIDED),
        ({"gain_low": 0.001}, "attachment", SUPPORTED),
        ({"gain_low": 0.001, "gain_high": 0.05}, "attachment", SUPPORTED),
        ({"p_gain": 0.3, "gain_low": 0.01, "gain_high": 0.05}, "attachment", AGAINST),
        ({"gain_low": -0.1, "gain_high": 0.1}, "attachment", UNDECIDED),
        ({"gain_low": -0.1, "gain_high": 0.0999}, "attachment", AGAINST),
        ({"updates": 5}, "decay", SUPPORTED),
        ({"poor": 20}, "decay", SUPPORTED),
        ({"updates": 4, "drift": 0.2}, "decay", UNDECIDED),
        ({"poor": 19, "drift": 0.2}, "decay", UNDECIDED),
        ({"drift": math.nan}, "decay", UNDECIDED),
        ({"p_drift": math.nan}, "decay", UNDECIDED),
        ({"p_decay": 0.05}, "decay", UNDECIDED),
        ({"p_decay": 0.0499}, "decay", SUPPORTED),
        ({"p_decay": math.nan}, "decay", UNDECIDED),
        ({"dormant": 1}, "decay", SUPPORTED),
        # Dormant more than by chance, but the poor gained edges: no decay.
        ({"drift": 0.0}, "decay", UNDECIDED),
        ({"drift": 0.0, "p_drift": 0.5}, "decay", AGAINST),
        ({"drift": -0.001}, "decay", SUPPORTED),
        # They lose more than by chance, and are not dormant yet.
        ({"dormant": 0, "p_drift": 0.0499}, "decay", UNDECIDED),
        ({"dormant": 0, "p_drift": 0.05}, "decay", AGAINST),
        ({"dormant": 0, "drift": 0.02}, "decay", UNDECIDED),
        ({"dormant": 0, "drift": 0.0201}, "decay", AGAINST),
    ],
)
def test_words_change_exactly_at_their_thresholds(
    change: dict[str, float], claim: str, word: str
) -> None:
    assert judge(pd.DataFrame([{**EVIDENCE, **change}]))[claim].iloc[0] == word


@pytest.mark.parametrize(
    ("column", "value", "harmless", "change", "claim", "alone", "among"),
    [
        ("p_law", 0.02, 0.9, {}, "power_law", AGAINST, UNDECIDED),
        ("p_law", 0.1, 0.9, {}, "power_law", AGAINST, UNDECIDED),
        ("p_rival", 0.02, 0.9, {}, "power_law", AGAINST, SUPPORTED),
        ("p_thin", 0.02, 0.9, {}, "power_law", SUPPORTED, UNDECIDED),
        ("p_gain", 0.02, 0.9, {}, "attachment", SUPPORTED, UNDECIDED),
        ("p_decay", 0.02, 0.9, {"p_drift": 0.9}, "decay", SUPPORTED, AGAINST),
        ("p_drift", 0.02, 0.9, {"dormant": 0}, "decay", UNDECIDED, AGAINST),
    ],
)
def test_every_p_value_is_adjusted_for_the_rows_judged_with_it(
    column: str,
    value: float,
    harmless: float,
    change: dict[str, float],
    claim: str,
    alone: str,
    among: str,
) -> None:
    """Ten rows: the smallest p counts ten times, and the word follows the adjusted one."""
    row = {**EVIDENCE, **change, column: value}
    assert judge(pd.DataFrame([row]))[claim].iloc[0] == alone
    many = judge(pd.DataFrame([row, *[{**row, column: harmless}] * 9]))
    assert many[claim].iloc[0] == among
    assert many[column].iloc[0] == value
    assert many[f"{column}_holm"].iloc[0] == pytest.approx(min(1, 10 * value))


def test_a_p_value_that_is_missing_does_not_count_among_the_tests() -> None:
    adjusted = holm([0.01, math.nan, 0.04, math.nan])
    assert adjusted[[0, 2]].tolist() == [0.02, 0.04] and np.isnan(adjusted[[1, 3]]).all()
    assert np.isnan(holm([math.nan, math.nan])).all() and holm([]).shape == (0,)


def test_one_claim_against_outweighs_all_others() -> None:
    """Undecided in one claim and against in another is against; undecided in any is undecided."""
    rows = {
        "against and undecided": {"p_law": 0.01, "updates": 0, "gain_low": math.nan},
        "decay undecided": {"updates": 0},
        "attachment undecided": {"p_gain": 0.5},
        "law undecided": {"n_tail": 3},
        "all three": {},
    }
    for name, change in rows.items():
        word = judge(pd.DataFrame([{**EVIDENCE, **change}]))["verdict"].iloc[0]
        expected = SUPPORTED if name == "all three" else UNDECIDED
        assert word == (AGAINST if "against" in name else expected), name


def test_the_published_thresholds() -> None:
    """Clauset, Shalizi and Newman's rule, NSH's, and the usual level of a test."""
    assert (CSN, PAPER, ALPHA) == (0.1, 0.95, 0.05)


def test_the_sentence_counts_each_word() -> None:
    judged = pd.DataFrame({"verdict": [SUPPORTED, SUPPORTED, UNDECIDED]})
    assert sentence(judged) == (
        "Neural selection: supported in 2, not supported in 0, undecided in 1 of 3 layers."
    )
