"""What sections say of numbers that are known: a sentence from each side of every limit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from topolab_reports.sections.attachment import AttachmentSection
from topolab_reports.sections.degree import _went
from topolab_reports.sections.dormant import DormantSection, _threshold
from topolab_reports.sections.powerlaw import PowerLawSection, _two_degrees


def gains(*seeds: tuple[float, float, float], layer: str = "fc1") -> str:
    """What is said of the gain kernels (exponent and interval) of the seeds of one group."""
    rows = [
        {"run": f"m-s{i}", "group": "m" if len(seeds) > 1 else f"m-s{i}", "layer": layer,
         "kernel": "gain", "slope": slope, "low": low, "high": high, "reason": ""}
        for i, (slope, low, high) in enumerate(seeds)
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    return AttachmentSection._finding(table, list(table["group"].unique()))


MORE = "go to neurons with many edges more than by chance"
LESS = "go to neurons with many edges less than by chance"
AS = "go to neurons with many edges as by chance, to within an exponent of 0.1"
OPEN = "it is open whether new edges of fc1 go with degree"


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ([(1.28, 1.10, 1.41)], MORE),
        ([(-0.50, -0.80, -0.20)], LESS),
        ([(0.30, -0.10, 0.70)], OPEN),
        ([(0.00, -0.05, 0.06)], AS),
        ([(0.05, -0.01, 0.11)], OPEN),  # the interval goes beyond what is too small to matter
        ([(-0.05, -0.11, 0.01)], OPEN),
        ([(0.05, 0.02, 0.08)], MORE + ", but by an exponent below 0.1"),
        ([(1.2, 1.0, 1.4), (1.3, 1.1, 1.5)], MORE),
        ([(1.2, 1.0, 1.4), (0.1, -0.3, 0.5)], OPEN + ": 1 of 2 intervals are above 0, 0 below it"),
        ([(1.2, 1.0, 1.4), (-1, -1.3, -0.5)], OPEN + ": 1 of 2 intervals are above 0, 1 below it"),
        ([(0.0, -0.05, 0.06), (0.01, -0.04, 0.05)], AS),
        ([(0.0, -0.05, 0.06), (0.2, -0.3, 0.5)], OPEN + ": 0 of 2 intervals are above 0"),
    ],
)
def test_where_new_edges_go(seeds: list[tuple[float, float, float]], words: str) -> None:
    """A direction only where no interval has 0; absence only where every one is narrow."""
    text = gains(*seeds)
    assert words in text, text
    others = [w for w in (MORE, LESS, AS, OPEN) if w not in words]
    assert not [w for w in others if w in text]
    assert f"{min(low for _, low, _ in seeds):.2f} to {max(high for *_, high in seeds):.2f}" in text


def test_an_exponent_is_said_with_its_interval() -> None:
    assert gains((1.28, 1.10, 1.41)) == (
        f"In m-s0 new edges of fc1 {MORE} (exponent 1.28, interval 1.10 to 1.41)."
    )


def test_nothing_is_said_of_gains_that_are_not_known() -> None:
    table = pd.DataFrame(
        [{"run": "a", "group": "a", "layer": "fc1", "kernel": "gain", "slope": 1.0,
          "low": math.nan, "high": math.nan, "reason": "no edge was grown"}]
    )  # fmt: skip
    text = AttachmentSection._finding(table, ["a", "still"])
    assert text == (
        "Of the new edges of a nothing can be said (no edge was grown). "
        "No change of masks is there to look at in still."
    )
    assert AttachmentSection._finding(table.iloc[:0], ["still"]).startswith("No run has a change")


def tails(*ends: dict[str, Any]) -> str:
    """What is said of the best tails of the runs of one group at their ends."""
    rows = [
        {"run": f"r{i}", "group": "m", "alpha": 2.5, "x_min": 26, "n_tail": 400, "p_value": 0.6,
         "ks_distance": 0.03, "reason": "", **end}
        for i, end in enumerate(ends)
    ]  # fmt: skip
    return PowerLawSection._finding(pd.DataFrame(rows))


THIN = "a thin tail, not what is meant by a power law"


def test_the_best_tail_of_a_run() -> None:
    assert tails({}) == (
        "The best tail of m at the end has α = 2.50 from degree 26 on, with 400 hidden neurons in "
        "it and KS distance 0.030, and p = 0.60 does not reject it."
    )
    assert "and p = 0.10 rejects it." in tails({"p_value": 0.1})
    assert "p = 0.11 does not reject it" in tails({"p_value": 0.11})
    assert "p < 0.01 rejects it" in tails({"p_value": 0.0})
    assert "without a p-value." in tails({"p_value": math.nan})
    assert "hardly could" in tails({"n_tail": 49}) and "hardly could" not in tails({"n_tail": 50})
    assert "hardly could" not in tails({"n_tail": 49, "p_value": 0.02})
    assert tails({"alpha": math.nan, "reason": "two degrees"}) == (
        "At its end m has no fit (two degrees)."
    )


@pytest.mark.parametrize("p", [0.02, 0.6, math.nan])
def test_a_steep_tail_is_no_power_law_whatever_p_is(p: float) -> None:
    assert THIN in tails({"alpha": 13.0, "p_value": p})
    assert THIN in tails({"alpha": 6.01, "p_value": p})
    assert THIN not in tails({"alpha": 6.0, "p_value": p})


def test_the_tails_of_several_runs() -> None:
    steep = tails(*({"alpha": a, "n_tail": n} for a, n in ((13.0, 62), (20.0, 72), (29.0, 118))))
    assert steep == (
        "At the end of m p rejects a power law in 0 of 3 runs and does not in 3 (α 13.00 to "
        "29.00, from 62 to 118 hidden neurons in the tail); with α above 6 the tails of all are "
        "thin, not what is meant by a power law."
    )
    mixed = tails({"p_value": 0.05}, {"alpha": 7.0}, {"alpha": math.nan, "p_value": math.nan})
    assert "rejects a power law in 1 of 3 runs and does not in 1, 1 having none" in mixed
    assert "the tails of 1 are thin" in mixed
    assert "thin" not in tails({}, {})


def test_fewer_than_one_in_32_of_a_steep_tail_have_twice_its_smallest_degree() -> None:
    """What the note says of an exponent above 6, at every beginning of a tail."""
    from scipy.special import zeta

    x_min = np.arange(1, 2000)
    assert (zeta(6.0, 2 * x_min) / zeta(6.0, x_min)).max() < 1 / 32
    assert zeta(5.5, 2 * 1999) / zeta(5.5, 1999) > 1 / 32


def test_two_exponents_of_a_run_are_explained() -> None:
    ends = pd.DataFrame({"run": ["a", "b"], "alpha": [3.79, 2.0]})
    last = pd.DataFrame(
        {"run": ["a", "a", "b"], "layer": ["hidden", "fc1", "hidden"],
         "variant": "searched", "alpha": [4.20, 9.0, 2.001]}
    )  # fmt: skip
    (note,) = _two_degrees(ends, last)
    assert "two exponents: 3.79 and 4.20 in a." in note and "count those of every layer" in note
    assert _two_degrees(ends, last.assign(alpha=[3.79, 9.0, 2.0])) == []


def test_which_way_a_ccv_went() -> None:
    """A direction only if every seed goes that way by more than 0.02."""
    assert _went([0.2, 0.2], [0.3, 0.4]) == "rose from 0.20 to 0.35 (0.30 to 0.40 over 2 seeds)"
    assert _went([0.2, 0.2], [0.1, 0.0]).startswith("fell from 0.20 to 0.05")
    assert _went([0.2, 0.2], [0.219, 0.181]).startswith("stayed near 0.20 (0.18 to 0.22 over")
    assert _went([0.2, 0.2, 0.2], [0.3, 0.3, 0.2]).startswith("rose with 2 of 3 seeds, from 0.20")
    assert _went([0.2, 0.2], [0.3, 0.1]).startswith("rose with 1 and fell with 1 of 2 seeds, from")


def counted(**counts: list[tuple[int, int]]) -> pd.DataFrame:
    """Of each measure per seed how many neurons of 40 there are at the start and at the end."""
    rows = [
        {"run": f"m-s{seed}", "group": "m", "layer": "fc1", "step": step, "measure": measure,
         "count": count, "n_neurons": 40}
        for measure, seeds in counts.items()
        for seed, pair in enumerate(seeds)
        for step, count in zip((0, 90), pair, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_dormant_is_one_measure() -> None:
    table = counted(below_10=[(0, 8)], below_110=[(30, 40)], off_path=[(2, 1)])
    threshold = _threshold(table)
    assert threshold == 10
    assert DormantSection._finding(table, threshold) == (
        "Of the 40 hidden neurons of m, 8 (0 at the start) are dormant (fewer than 10 edges) and "
        "1 (2 at the start) is on no path from input to output."
    )
    facts = DormantSection._facts(table, threshold)
    assert facts["below 10 edges"].tolist() == ["0 → 8"]
    assert facts["on no path"].tolist() == ["2 → 1"]
    none = counted(below_10=[(0, 0), (0, 0)], off_path=[(0, 0), (0, 3)])
    assert DormantSection._finding(none, 10) == (
        "Of the 40 hidden neurons of m (with 2 seeds), none is dormant (fewer than 10 edges) and "
        "0 to 3 (0 at the start) are on no path from input to output."
    )
    unasked = counted(off_path=[(0, 0)])
    assert _threshold(unasked) is None
    assert DormantSection._finding(unasked, None) == (
        "Of the 40 hidden neurons of m, every one is on a path from input to output."
    )
