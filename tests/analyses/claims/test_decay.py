"""The word and the sentence of decay, and its two tests."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd
import pytest
from claim_rows import NAN, adjusted, decays, evidence, factors, is_sentence, judged_row
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from topolab_analyses.claims import decay
from topolab_analyses.claims.decay import pool, why, word
from topolab_analyses.claims.limits import (
    DOES_NOT_APPLY,
    LEAST_DORMANT,
    LEAST_POOR,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
)

NONE = {"dormant": 0, "p_decay": 1.0, "p_no_decay": 0.002}
OPEN = {"dormant": 4, "p_decay": 0.2, "p_no_decay": 0.9}


def test_the_least_that_counts() -> None:
    assert (LEAST_DORMANT, LEAST_POOR) == (0.05, 20)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, SUPPORTED),
        ({"snapshots": 1}, UNDECIDED),
        ({"snapshots": 1, "dropped": 0}, UNDECIDED),
        ({"snapshots": 2}, SUPPORTED),
        ({"dropped": 0}, DOES_NOT_APPLY),
        ({"dropped": 1}, SUPPORTED),
        ({"grown": 0}, SUPPORTED),
        ({"dropped": 0, "poor": 0.0}, DOES_NOT_APPLY),
        ({"poor": 19.99}, UNDECIDED),
        ({"poor": 20.0}, SUPPORTED),
        ({**NONE, "poor": 19.99}, UNDECIDED),
        ({"p_decay": 0.0499}, SUPPORTED),
        ({"p_decay": 0.05}, UNDECIDED),
        ({"p_decay": 0.001, "p_decay_holm": 0.05}, UNDECIDED),
        # Neurons that die whether they are poor or not are no decay of the poor.
        ({"p_poorer": 0.0499}, SUPPORTED),
        ({"p_poorer": 0.05}, UNDECIDED),
        ({"p_poorer": 0.001, "p_poorer_holm": 0.05}, UNDECIDED),
        ({"p_poorer": NAN}, UNDECIDED),
        # Before as many edges are lost as there were, it is too early to deny.
        ({**NONE, "turnover": 1.0}, NOT_SUPPORTED),
        ({**NONE, "turnover": 0.999}, UNDECIDED),
        (NONE, NOT_SUPPORTED),
        ({**NONE, "p_no_decay": 0.0499}, NOT_SUPPORTED),
        ({**NONE, "p_no_decay": 0.05}, UNDECIDED),
        ({**NONE, "p_no_decay_holm": 0.05}, UNDECIDED),
        ({"p_decay": NAN, "p_no_decay": NAN}, UNDECIDED),
        # The poor may gain edges on average, and many of them become dormant all the same.
        ({"drift": 0.3}, SUPPORTED),
    ],
)
def test_words_change_exactly_at_their_limits(change: dict[str, Any], said: str) -> None:
    assert word(judged_row(**change)) == said


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({}, ["more often than by chance: neurons of the poorest quarter fell below 10 edges 50 "
              "times, against 1.5 times by random rewiring, with up to 120 of them at risk in "
              "each of 8 parts of the run", "p < 0.001 for an excess of 5 % or less"]),
        ({"parts": 1, "dormant": 1}, ["10 edges 1 time, against", "each of 1 part of the run"]),
        ({"p_poorer": 0.4, "dormant_others": 70},
         ["Decay is open", "not clearly more often than the other neurons (70 times of 1,500"]),
        ({**NONE, "turnover": 0.3}, ["Decay is open", "only 30 % of the edges were exchanged"]),
        (NONE, ["No more than 5 % of the poorly connected", "no neuron of the poorest quarter fell "
                "below 10 edges, against 1.5 times", "(p = 0.002)"]),
        (OPEN, ["Decay is open: neurons", "4 times", "5 % of them beyond chance is the least"]),
        ({"snapshots": 1}, ["only one snapshot"]),
        ({"dropped": 0}, ["no edge is ever dropped"]),
        ({"dropped": 0, "grown": 0}, ["no mask changes from snapshot to snapshot"]),
        ({"dropped": 0, "grown": 0, "decay_reason": "no edge is counted"}, ["no edge is counted"]),
        ({"poor": 19.97}, ["19.9 poor neurons with 10 edges or more are fewer than 20."]),
        ({"poor": 1.0}, ["1 poor neuron with 10 edges or more is fewer than 20."]),
        ({"poor": 0.0, "dormant_null": NAN, "decay_reason": "every poor neuron has fewer"},
         ["0 poor neurons with", "fewer than 20, since every poor neuron has fewer."]),
    ],
)  # fmt: skip
def test_sentences_say_what_they_judge_by(change: dict[str, Any], parts: list[str]) -> None:
    text = why(judged_row(**change))
    assert is_sentence(text), text
    for part in parts:
        assert part in text, text


START = {
    SUPPORTED: r"^The poorly connected become dormant more often than by chance: .*\(p",
    NOT_SUPPORTED: r"^No more than 5 % of the poorly connected become dormant beyond .*\(p",
    UNDECIDED: r"^Decay (is open|cannot be judged)|^Nothing can be said of decay",
    DOES_NOT_APPLY: r"^Decay does not apply, since",
}


@given(decays(), factors(), st.sampled_from([1, 2]), st.sampled_from([0, 9]))
def test_word_and_sentence_agree(
    found: dict[str, Any], times: float, snapshots: int, dropped: int
) -> None:
    row = adjusted(judged_row(**found, snapshots=snapshots, dropped=dropped), times)
    said, text = word(row), why(row)
    assert is_sentence(text), text
    assert re.search(START[said], text), (said, text)
    if said in (SUPPORTED, NOT_SUPPORTED):
        assert f"{row['dormant_null']:.1f} times by random rewiring" in text


@given(decays(), factors(), factors())
def test_holm_only_makes_a_word_harder(found: dict[str, Any], few: float, more: float) -> None:
    row = judged_row(**found)
    before, after = word(adjusted(row, few)), word(adjusted(row, few * more))
    assert before == after or after == UNDECIDED


@given(st.integers(0, 300), st.floats(0, 200), st.floats(0, 1000), st.integers(20, 500))
def test_p_values_are_poissons(dormant: int, chance: float, poor: float, nulls: int) -> None:
    p_decay, p_no_decay = decay.tests(dormant, chance, poor, nulls)
    least = 0.05 * poor
    expected = poisson.sf(dormant - 1, chance + 1 / nulls + least)
    assert p_decay == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert p_no_decay == pytest.approx(poisson.cdf(dormant, chance + least), rel=1e-9, abs=1e-300)
    # Nobody finds both at once.
    assert not (p_decay < 0.05 and p_no_decay < 0.05)


def test_several_seeds_are_counted_together() -> None:
    one = evidence(dormant=3, dormant_null=0.5, poor=40.0, nulls=50, parts=8, drift=-0.2)
    two = evidence(dormant=5, dormant_null=0.7, poor=30.0, nulls=100, parts=4, drift=-0.4)
    made = pool(pd.DataFrame([one, two]))
    assert (made["dormant"], made["poor"], made["parts"], made["nulls"]) == (8, 70.0, 8, 50)
    assert made["dormant_null"] == pytest.approx(1.2) and made["drift"] == pytest.approx(-0.3)
    assert made["excess"] == pytest.approx(6.8 / 70)
    assert (made["p_decay"], made["p_no_decay"]) == pytest.approx(decay.tests(8, 1.2, 70.0, 50))


def test_seeds_without_anyone_at_risk_do_not_count() -> None:
    none = evidence(dormant=0, dormant_null=NAN, poor=0.0, nulls=100, p_decay=NAN, p_no_decay=NAN,
                    decay_reason="equal", drift=NAN, dormant_below=10)  # fmt: skip
    made = pool(pd.DataFrame([evidence(), none]))
    assert (made["dormant"], made["poor"]) == (50, 120.0) and made["decay_reason"] == "equal"
    assert (made["p_decay"], made["p_no_decay"]) == pytest.approx(decay.tests(50, 1.5, 120.0, 100))
    made = pool(pd.DataFrame([none, none]))
    assert made["poor"] == 0 and made["nulls"] == 0 and math.isnan(made["excess"])
    assert all(math.isnan(made[name]) for name in ("p_decay", "p_no_decay", "dormant_null"))


@given(st.integers(0, 50), st.integers(50, 300), st.integers(0, 50), st.integers(50, 300))
def test_the_poor_against_the_others_is_a_binomial_test(a: int, n: int, b: int, m: int) -> None:
    assert decay.poorer(a, n, b, m) == pytest.approx(binom.sf(a - 1, a + b, n / (n + m)))
