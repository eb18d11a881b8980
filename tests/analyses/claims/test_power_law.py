"""The word and the sentence of the power law, at the edge of every number."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from claim_rows import NAN, adjusted, factors, is_sentence, judged_row, laws
from hypothesis import example, given

from topolab_analyses.claims.limits import (
    CANNOT_TELL,
    CUT_OFF,
    DOES_NOT_APPLY,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
)
from topolab_analyses.claims.numbers import probability
from topolab_analyses.claims.power_law import P_VALUES, why, word

CUT = {"p_bent": 0.004, "p_cut_off": 0.01, "alpha_cut_off": 1.8, "cut_off": 90.0}


def test_the_example_is_supported() -> None:
    assert word(judged_row()) == SUPPORTED
    assert why(judged_row()) == (
        "The degrees are compatible with the law of exponent 2.30 (from 4 edges on, at most 784) "
        "at p = 0.4, which beats an exponential (p < 0.001) and every lognormal of sigma up to 2 "
        "(p = 0.002), with 300 of 500 neurons in its tail."
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"degrees": 0}, DOES_NOT_APPLY),
        ({"degrees": 1}, DOES_NOT_APPLY),
        ({"degrees": 2}, SUPPORTED),
        # CSN reject at 0.1; what is below 0.05 among all layers is rejected.
        ({"p_law": 0.1}, UNDECIDED),
        ({"p_law": 0.1001}, SUPPORTED),
        ({"p_law": 0.05}, UNDECIDED),
        ({"p_law": 0.0499}, NOT_SUPPORTED),
        ({"p_law": 0.0499, "p_law_holm": 0.05}, UNDECIDED),
        ({"p_law": 0.0, "p_law_holm": 0.0499}, NOT_SUPPORTED),
        ({"p_law": 0.1, "p_law_holm": 1.0}, UNDECIDED),
        ({"p_rival": 0.05}, SUPPORTED),
        ({"p_rival": 0.0499}, NOT_SUPPORTED),
        ({"p_rival": 0.0499, "p_rival_holm": 0.05}, UNDECIDED),
        ({"p_rival": 0.0499, "p_rival_holm": 1.0}, UNDECIDED),
        ({"p_steep": 0.05}, SUPPORTED),
        ({"p_steep": 0.0499}, NOT_SUPPORTED),
        ({"p_steep": 0.0499, "p_steep_holm": 0.05}, UNDECIDED),
        ({**CUT, "p_bent": 0.05, "p_cut_off": 0.05}, SUPPORTED),
        ({**CUT, "p_bent": 0.0499, "p_cut_off": 0.05}, UNDECIDED),
        ({**CUT, "p_bent": 0.0, "p_cut_off": 1.0}, UNDECIDED),
        ({**CUT, "p_cut_off": 0.0499}, CUT_OFF),
        ({**CUT, "p_cut_off": 0.0499, "p_cut_off_holm": 0.05}, UNDECIDED),
        ({"n_tail": 50}, SUPPORTED),
        ({"alpha": 1.0}, UNDECIDED),
        ({"alpha": 1.001}, SUPPORTED),
        ({"n_tail": 49.5}, UNDECIDED),
        ({"n_tail": 49}, UNDECIDED),
        ({"p_thin": 0.0499}, SUPPORTED),
        ({"p_thin": 0.05}, UNDECIDED),
        ({"p_thin": 0.001, "p_thin_holm": 0.05}, UNDECIDED),
        ({"p_lognormal": 0.0499}, SUPPORTED),
        ({"p_lognormal": 0.05}, CANNOT_TELL),
        ({"p_lognormal": 0.001, "p_lognormal_holm": 0.05}, CANNOT_TELL),
        ({"p_lognormal": 1.0}, CANNOT_TELL),
    ],
)
def test_words_change_exactly_at_their_limits(change: dict[str, Any], said: str) -> None:
    assert word(judged_row(**change)) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # One degree is no distribution, whatever else is known.
        ({"degrees": 1, **CUT, "p_law": 0.0}, DOES_NOT_APPLY),
        ({"p_law": NAN, **CUT, "p_rival": 0.0, "p_steep": 0.0}, UNDECIDED),
        # A law with a cut-off is a law: it comes before all that rejects the law without one.
        ({**CUT, "p_law": 0.0, "p_rival": 0.0, "p_steep": 0.0, "n_tail": 10}, CUT_OFF),
        ({**CUT, "p_cut_off_holm": 0.05, "p_law": 0.0}, UNDECIDED),
        # Too short a tail does not excuse a law that is rejected or beaten.
        ({"n_tail": 10, "p_law": 0.01}, NOT_SUPPORTED),
        ({"n_tail": 10, "p_rival": 0.01}, NOT_SUPPORTED),
        ({"n_tail": 10, "p_steep": 0.01}, NOT_SUPPORTED),
        # A law that only bends may be rejected for good.
        ({**CUT, "p_cut_off": 0.5, "p_law": 0.01}, NOT_SUPPORTED),
        ({"p_thin": 1.0, "p_rival": 0.01}, NOT_SUPPORTED),
        # Nor is a tail that an exponential describes as well one that a lognormal does.
        ({"p_thin": 0.2, "p_lognormal": 0.9}, UNDECIDED),
        ({"n_tail": 10, "p_lognormal": 0.9}, UNDECIDED),
        ({"p_law": 0.07, "p_lognormal": 0.9}, UNDECIDED),
    ],
)
def test_what_comes_first_decides(change: dict[str, Any], said: str) -> None:
    assert word(judged_row(**change)) == said


@pytest.mark.parametrize("name", P_VALUES)
def test_a_number_that_is_missing_supports_and_rejects_nothing(name: str) -> None:
    said = SUPPORTED if name == "p_cut_off" else UNDECIDED  # most laws have no cut-off
    assert word(judged_row(**{name: NAN})) == said
    assert is_sentence(why(judged_row(**{name: NAN})))
    # Without a p-value of the law itself nothing else is looked at.
    assert word(judged_row(**{**CUT, name: 0.0, "p_law": NAN})) == UNDECIDED


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"degrees": 1}, ["same degree"]),
        ({"degrees": 0, "law_reason": "no edge is counted"}, ["apply: no edge is counted."]),
        ({"p_law": NAN, "law_reason": "no tail holds 10 neurons"}, ["judged: no tail holds 10"]),
        ({"p_law": NAN}, ["there is no p-value"]),
        ({**CUT}, ["only up to a cut-off", "1.80", "90 edges", "2.30", "p = 0.01", "300 of 500"]),
        ({**CUT, "p_cut_off_holm": 0.2}, ["p = 0.01 alone but p = 0.2 among all layers"]),
        ({**CUT, "p_cut_off": 0.4}, ["bend down from", "2.30", "p = 0.004", "is open"]),
        ({"p_steep": 0.03, "alpha": 7.21}, ["too steep", "7.21 ± 0.08", "above 6", "p = 0.03"]),
        ({"p_steep": 0.03, "p_steep_holm": 0.06}, ["may be too steep", "p = 0.06 among"]),
        ({"p_law": 0.0}, ["rejected at p < 0.001", "2.30", "300 of 500"]),
        ({"p_law": 0.02, "p_law_holm": 0.06}, ["p = 0.02 alone but p = 0.06 among all layers"]),
        ({"p_law": 0.07}, ["speak against", "at p = 0.07,", "not enough to reject"]),
        ({"p_rival": 0.01, "best_rival": "stretched_exponential"},
         ["The stretched exponential describes", "at p = 0.01"]),
        ({"p_rival": 0.01, "p_rival_holm": 0.3, "best_rival": "lognormal"},
         ["The lognormal describes", "p = 0.3 among all layers", "not enough"]),
        ({"p_rival": 0.01}, ["The best rival describes"]),
        ({"alpha": 0.8}, ["fall too slowly", "exponent 0.80", "1 or less"]),
        ({"n_tail": 49.9}, ["too small", "only 49 of 500", "fewer than 50"]),
        ({"p_thin": 0.3}, ["nor an exponential tail (p = 0.3)", "at p = 0.4"]),
        ({"p_thin": 0.01, "p_thin_holm": 0.3}, ["p = 0.01 alone but p = 0.3 among all layers"]),
        ({"p_thin": NAN}, ["nor an exponential tail, with"]),
        ({"p_lognormal": 0.3}, ["cannot be told from a lognormal", "sigma up to 2 (p = 0.3)"]),
        ({"p_lognormal": NAN}, ["but no lognormal can be fitted"]),
        ({"x_min": 1.0}, ["from 1 edge on"]),
        ({"x_min": 12.5, "x_max": 0.0}, ["(from 12.5 edges on)"]),
        ({"x_max": 123456.0}, ["at most 123,456)"]),
    ],
)  # fmt: skip
def test_sentences_say_what_they_judge_by(change: dict[str, Any], parts: list[str]) -> None:
    text = why(judged_row(**change))
    assert is_sentence(text), text
    for part in parts:
        assert part in text, text


START = {
    SUPPORTED: r"^The degrees are compatible .* which beats an exponential .* and every lognormal",
    CANNOT_TELL: r"^The degrees are compatible .* but cannot be told from a lognormal",
    CUT_OFF: r"^The degrees follow a power law only up to a cut-off",
    NOT_SUPPORTED: r"is rejected at|describes the degrees better than|is too steep",
    UNDECIDED: r"not enough to|too small to judge|do not rule out|No power law can be judged"
    r"|can be fitted|no standard error|bend down from .* is open",
    DOES_NOT_APPLY: r"same degree|does not apply",
}


@given(laws(), factors())
@example({"p_law": 0.0001}, 1e4)
@example({"p_thin": 0.0001}, 1e4)
def test_word_and_sentence_agree(law: dict[str, Any], times: float) -> None:
    row = adjusted(judged_row(**law), times)
    said, text = word(row), why(row)
    assert is_sentence(text), text
    assert re.search(START[said], text), (said, text)
    assert ("not enough" in text) <= (said == UNDECIDED)
    if said in (SUPPORTED, CANNOT_TELL):
        assert probability(row["p_law"]) in text and probability(row["p_thin"]) in text
    if said not in (DOES_NOT_APPLY, UNDECIDED):
        assert f"{math.floor(row['n_tail']):,} of 500 neurons" in text
    # What is not significant is not followed by a p-value that is.
    last = re.findall(r"p (?:[<=] |just \w+ )([\d.e-]+)(?=[),.; ])", text)
    if said == UNDECIDED and "not enough to" in text:
        among = [p for p in last if float(p.rstrip(".")) >= 0.05]
        assert among, text


@given(laws(), factors(), factors())
def test_holm_only_makes_a_word_harder(law: dict[str, Any], few: float, more: float) -> None:
    """Among more layers nothing becomes supported, a law with a cut-off, or rejected."""
    row = judged_row(**law)
    before, after = word(adjusted(row, few)), word(adjusted(row, few * more))
    if before != after:
        assert (before, after) in {
            (SUPPORTED, CANNOT_TELL), (SUPPORTED, UNDECIDED), (CANNOT_TELL, UNDECIDED),
            (CUT_OFF, UNDECIDED), (NOT_SUPPORTED, UNDECIDED),
        }  # fmt: skip


@given(laws())
def test_each_p_value_alone_only_makes_a_word_harder(law: dict[str, Any]) -> None:
    row = adjusted(judged_row(**law), 1)
    for name in P_VALUES:
        for larger in (0.0499, 0.05, 0.5, 1.0):
            if not larger >= row[name]:
                continue
            after = word({**row, f"{name}_holm": larger})
            assert after == word(row) or after in (CANNOT_TELL, UNDECIDED), name
