"""Numbers in sentences: never on the wrong side of a limit."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from topolab_analyses.claims.limits import ALPHA, CSN, PAPER, WORDS
from topolab_analyses.claims.numbers import alone_and_among, between, count, probability, short


def test_the_published_thresholds() -> None:
    """Clauset, Shalizi and Newman's rule, NSH's, and the usual level of a test."""
    assert (CSN, PAPER, ALPHA) == (0.1, 0.95, 0.05)
    assert len(set(WORDS)) == 7


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "p < 0.001"), (0.00099999, "p < 0.001"), (0.001, "p = 0.001"), (0.05, "p = 0.05"),
        (0.0499, "p = 0.0499"), (0.0501, "p = 0.0501"), (0.1, "p = 0.1"), (0.1001, "p = 0.1001"),
        (0.951, "p = 0.951"), (0.949, "p = 0.949"), (0.95, "p = 0.95"), (0.5, "p = 0.5"),
        (0.0123, "p = 0.012"), (0.00456, "p = 0.0046"), (1.0, "p = 1"), (0.9999, "p = 1"),
        (0.04999999, "p just below 0.05"), (0.1000000001, "p just above 0.1"),
    ],
)  # fmt: skip
def test_p_values(p: float, text: str) -> None:
    assert probability(p) == text


@given(st.floats(0, 1))
@example(0.0499999999)
@example(0.0499995)
@example(0.9500001)
def test_a_p_value_is_shown_on_its_side_of_every_limit(p: float) -> None:
    text = probability(p)
    if text == "p < 0.001":
        assert p < 0.001
        return
    at = re.fullmatch(r"p just (below|above) (0\.05|0\.1|0\.95)", text)
    if at:
        assert (p < float(at[2])) == (at[1] == "below") and abs(p - float(at[2])) < 1e-5
        return
    shown = float(text.removeprefix("p = "))
    assert shown == pytest.approx(p, rel=0.051, abs=0.00501)
    for limit in (0.05, 0.1, 0.95):
        assert ((p < limit), (p > limit)) == ((shown < limit), (shown > limit))


@given(st.floats(0, 1), st.floats(0, 1))
def test_both_p_values_are_shown_where_they_differ(p: float, adjusted: float) -> None:
    text = alone_and_among(p, adjusted)
    assert text.startswith(probability(p))
    assert ("among all layers" in text) == (probability(p) != probability(adjusted))


@given(st.floats(-1e4, 1e4))
def test_two_decimals(value: float) -> None:
    assert float(short(value)) == pytest.approx(value, abs=0.00501)
    assert short(value) != "-0.00" and between(value, 1.0) == f"{short(value)} to 1.00"


def test_counts() -> None:
    assert [count(n, "edge") for n in (0, 1, 2, 1.0, 1.5, 12345.0)] == [
        "0 edges", "1 edge", "2 edges", "1 edge", "1.5 edges", "12,345 edges",
    ]  # fmt: skip
    assert count(1, "bus", "buses") == "1 bus" and count(2, "bus", "buses") == "2 buses"
