"""The word and the sentence of attachment, at the edge of every number."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest
from claim_rows import NAN, adjusted, evidence, factors, gains, is_sentence, judged_row
from hypothesis import given
from scipy.stats import norm

from topolab_analyses.claims.attachment import P_VALUES, pool, why, word
from topolab_analyses.claims.limits import (
    DOES_NOT_APPLY,
    GOES_WITH_DEGREE,
    LEAST_EXPONENT,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
)

FITNESS = {"p_attachment": 0.9, "p_no_attachment": 0.1, "within": -0.2, "within_low": -0.4,
           "within_high": 0.0}  # fmt: skip
DRIFT = {"memory": 0.2, "p_memory": 0.001}
BOTH_NONE = {**FITNESS, "p_no_attachment": 0.01, "p_gain": 0.99, "p_no_gain": 0.01,
             "gain_slope": 0.0, "gain_low": -0.08, "gain_high": 0.08}  # fmt: skip


def test_the_least_exponent_is_a_tenth_of_barabasi_and_alberts() -> None:
    assert LEAST_EXPONENT == 0.1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, SUPPORTED),
        ({"snapshots": 1}, UNDECIDED),
        ({"snapshots": 1, "grown": 0}, UNDECIDED),
        ({"snapshots": 2}, SUPPORTED),
        ({"grown": 0}, DOES_NOT_APPLY),
        ({"grown": 1}, SUPPORTED),
        ({"dropped": 0}, SUPPORTED),  # growth alone is enough
        ({"p_attachment": 0.0499}, SUPPORTED),
        ({"p_attachment": 0.05}, GOES_WITH_DEGREE),
        ({"p_attachment": 0.001, "p_attachment_holm": 0.05}, GOES_WITH_DEGREE),
        # Within neurons alone it is no attachment: the kernel has to rise as well.
        ({"p_gain": 0.0499}, SUPPORTED),
        ({"p_gain": 0.05}, UNDECIDED),
        ({"gain_slope": 0.1001, "p_gain": 0.4}, UNDECIDED),
        ({"gain_slope": 0.1, "p_gain": 0.5}, UNDECIDED),
        ({"gain_slope": -0.5, "p_gain": 1.0}, UNDECIDED),
        (FITNESS, GOES_WITH_DEGREE),
        ({**FITNESS, "p_gain": 0.0499}, GOES_WITH_DEGREE),
        ({**FITNESS, "p_gain": 0.05}, UNDECIDED),
        ({**FITNESS, "p_gain": 0.001, "p_gain_holm": 0.05}, UNDECIDED),
        ({**FITNESS, "p_no_attachment": 0.001}, GOES_WITH_DEGREE),
        (BOTH_NONE, NOT_SUPPORTED),
        ({**BOTH_NONE, "p_no_gain": 0.0499, "p_no_attachment": 0.0499}, NOT_SUPPORTED),
        ({**BOTH_NONE, "p_no_gain": 0.05}, UNDECIDED),
        ({**BOTH_NONE, "p_no_attachment": 0.05}, UNDECIDED),
        ({**BOTH_NONE, "p_no_gain_holm": 0.05}, UNDECIDED),
        ({**BOTH_NONE, "p_no_attachment_holm": 0.05}, UNDECIDED),
        # A fitness that drifts looks like attachment; what speaks for it counts unadjusted.
        (DRIFT, GOES_WITH_DEGREE),
        ({**DRIFT, "p_memory": 0.0499}, GOES_WITH_DEGREE),
        ({**DRIFT, "p_memory": 0.05}, SUPPORTED),
        ({**DRIFT, "memory": 0.05}, SUPPORTED),
        ({**DRIFT, "memory": 0.0501}, GOES_WITH_DEGREE),
        ({**DRIFT, "memory": -0.4}, SUPPORTED),
        ({"memory": NAN, "p_memory": NAN}, GOES_WITH_DEGREE),
        ({**BOTH_NONE, **DRIFT}, NOT_SUPPORTED),
        # A kernel that gets steeper is what a fitness that grows apart leaves.
        ({"p_rise": 0.0499, "gain_rise": 0.5}, GOES_WITH_DEGREE),
        ({"p_rise": 0.05, "gain_rise": 0.5}, SUPPORTED),
        ({"p_rise": 0.001, "gain_rise": 0.25}, SUPPORTED),
        ({"p_rise": 0.001, "gain_rise": 0.2501}, GOES_WITH_DEGREE),
        ({"p_rise": NAN, "gain_rise": NAN}, SUPPORTED),
        # What is missing says nothing.
        ({"p_attachment": NAN, "p_no_attachment": NAN, "within": NAN}, GOES_WITH_DEGREE),
        ({"p_gain": NAN, "p_no_gain": NAN, "gain_slope": NAN}, UNDECIDED),
        ({**BOTH_NONE, "p_no_attachment": NAN}, UNDECIDED),
        ({**BOTH_NONE, "p_no_gain": NAN}, UNDECIDED),
        ({**BOTH_NONE, "gain_slope": NAN}, UNDECIDED),
        (dict.fromkeys(P_VALUES, NAN), UNDECIDED),
    ],
)
def test_words_change_exactly_at_their_limits(change: dict[str, Any], said: str) -> None:
    assert word(judged_row(**change)) == said


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({}, ["gain more the more edges they have", "kernel is 0.95 (0.85 to 1.05)",
              "within neurons 0.90 (0.76 to 1.04), above 0.1 (p < 0.001)"]),
        ({"p_rise": 0.001, "gain_rise": 0.5}, ["a fitness that grows apart", "rises by 0.50"]),
        ({"snapshots": 1}, ["only one snapshot"]),
        ({"grown": 0}, ["no edge is ever grown"]),
        ({"grown": 0, "dropped": 0}, ["no mask changes from snapshot to snapshot"]),
        ({"grown": 0, "dropped": 0, "gain_reason": "no edge is counted"}, ["no edge is counted"]),
        ({"gain_slope": NAN, "gain_reason": "3 events are fewer than ten"}, ["since 3 events are"]),
        ({"gain_slope": NAN}, ["since it has no exponent"]),
        (FITNESS, ["go with degree", "-0.20 (-0.40 to 0.00), not clearly above 0.1."]),
        ({**FITNESS, "p_no_attachment": 0.001}, ["below 0.1 (p = 0.001): a fixed fitness of"]),
        ({**FITNESS, "p_no_attachment": 0.01, "p_no_attachment_holm": 0.05}, ["not clearly above"]),
        (DRIFT, ["go with degree, but a fitness of the neurons that drifts would look the same",
                 "0.95 (0.85 to 1.05)", "0.90 (0.76 to 1.04)", "correlation 0.20, p = 0.001"]),
        (BOTH_NONE, ["do not rise with degree by any exponent of 0.1 or more", "0.00 (-0.08 to 0.08"
                     , "p = 0.01"]),
        ({**BOTH_NONE, "p_no_gain": 0.03}, ["p = 0.03"]),
        ({**BOTH_NONE, "p_no_attachment": 0.03}, ["p = 0.03"]),
        ({**BOTH_NONE, "p_no_gain": 0.3}, ["is open", "0.1 is the least that counts"]),
        ({"p_gain": 0.3, "p_attachment": NAN, "within": NAN, "within_reason": "few events"},
         ["within neurons unknown (few events)"]),
        ({"p_gain": 0.3, "p_attachment": NAN, "within_low": NAN}, ["unknown (no fit)"]),
        ({"p_gain": 0.3, "p_attachment": NAN, "gain_low": NAN}, ["kernel is 0.95, and within"]),
    ],
)  # fmt: skip
def test_sentences_say_what_they_judge_by(change: dict[str, Any], parts: list[str]) -> None:
    text = why(judged_row(**change))
    assert is_sentence(text), text
    for part in parts:
        assert part in text, text


START = {
    SUPPORTED: r"^Neurons gain more .* at a given fitness: .* above 0\.1 \(p",
    GOES_WITH_DEGREE: r"^Gains go with degree, but .*"
    r"(not clearly above 0\.1|below 0\.1 \(p|\(correlation)",
    NOT_SUPPORTED: r"^Gains do not rise with degree by any exponent of 0\.1 or more: .*\(p",
    UNDECIDED: r"^Attachment (is open|cannot be judged)|^Nothing can be said of gains",
    DOES_NOT_APPLY: r"^Attachment does not apply, since",
}


@given(gains(), factors())
def test_word_and_sentence_agree(found: dict[str, Any], times: float) -> None:
    row = adjusted(judged_row(**found), times)
    said, text = word(row), why(row)
    assert is_sentence(text), text
    assert re.search(START[said], text), (said, text)
    if said in (SUPPORTED, NOT_SUPPORTED, GOES_WITH_DEGREE):
        assert f"{round(row['gain_slope'], 2) + 0.0:.2f} (" in text


@given(gains(), factors(), factors())
def test_holm_only_makes_a_word_harder(found: dict[str, Any], few: float, more: float) -> None:
    row = judged_row(**found)
    before, after = word(adjusted(row, few)), word(adjusted(row, few * more))
    if before != after:
        assert (before, after) in {
            (SUPPORTED, GOES_WITH_DEGREE), (SUPPORTED, UNDECIDED), (GOES_WITH_DEGREE, UNDECIDED),
            (NOT_SUPPORTED, UNDECIDED),
        }  # fmt: skip


def test_several_seeds_have_one_exponent_and_p_values_of_its_own() -> None:
    """Two seeds with the same error: means, and errors over the root of two."""
    one = evidence(
        within=0.2,
        within_error=0.1,
        gain_slope=0.5,
        gain_error=0.02,
        grown=10,
        dropped=7,
        gain_reason="few",
        loss_slope=-1.0,
        loss_error=0.1,
        gain_rate=1.0,
    )
    two = evidence(within=0.2, within_error=0.1, gain_slope=0.5, gain_error=0.02, grown=5,
                   dropped=3, gain_reason="few", loss_slope=-0.9, loss_error=0.1, gain_rate=2.0,
                   snapshots=99)  # fmt: skip
    seeds = pd.DataFrame([one, two]).assign(memory=0.1, memory_error=0.04)
    made = pool(seeds)
    assert (made["grown"], made["dropped"], made["snapshots"]) == (15, 10, 99)
    assert made["within"] == pytest.approx(0.2) and made["gain_slope"] == pytest.approx(0.5)
    error = 0.1 / 2**0.5
    assert made["within_error"] == pytest.approx(error)
    assert made["within_low"] == pytest.approx(0.2 - norm.ppf(0.975) * error)
    assert made["within_high"] == pytest.approx(0.2 + norm.ppf(0.975) * error)
    assert made["p_attachment"] == pytest.approx(norm.sf(0.1 / error))
    assert made["p_no_attachment"] == pytest.approx(norm.cdf(0.1 / error))
    assert made["p_gain"] == pytest.approx(norm.sf(0.4 / (0.02 / 2**0.5)), abs=1e-12)
    assert made["p_no_gain"] == pytest.approx(1)
    assert made["gain_low"] == pytest.approx(0.5 - norm.ppf(0.975) * 0.02 / 2**0.5)
    assert made["loss_slope"] == pytest.approx(-0.95) and made["loss_low"] < -0.95
    assert made["memory"] == pytest.approx(0.1)
    assert made["p_memory"] == pytest.approx(norm.sf(0.1 / (0.04 / 2**0.5)))
    assert made["gain_rate"] == 1.5 and made["gain_reason"] == "few"
    assert made["gain_spread"] == made["within_spread"] == 0


def test_seeds_without_an_exponent_do_not_count() -> None:
    none = evidence(within=NAN, within_error=NAN, gain_slope=NAN, gain_error=NAN,
                    gain_reason="few events", within_reason="one update")  # fmt: skip
    made = pool(pd.DataFrame([evidence(), none]))
    assert made["within"] == pytest.approx(0.9) and made["gain_slope"] == pytest.approx(0.95)
    assert (made["gain_reason"], made["within_reason"]) == ("few events", "one update")
    made = pool(pd.DataFrame([none, none]))
    assert pd.isna([made[name] for name in ("within", "gain_slope", *P_VALUES)]).all()
    assert made["gain_reason"] == "few events"
