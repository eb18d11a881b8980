"""The evidence about the power law: its bound, its rivals, its cut-off and its onset."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from topolab.metrics import powerlaw
from topolab_analyses import selection_laws
from topolab_analyses.claims.limits import STEEPEST, WIDEST_LOGNORMAL
from topolab_analyses.selection_laws import (
    Degrees,
    fit_row,
    law_evidence,
    onset_of_law,
    rival_rows,
)

LOGNORMALS = "lognormal up to 2"
LAW = powerlaw.PowerLawFit(2.5, 0.1, 3, 200, 500, 400, 0.02, "support", -900.0, searched=True)
ROW = {"p_value": 0.4, "csn_rule": "plausible", "paper_rule": "rejected", "reason": ""}
DEGREES = Degrees("a", "total", np.array([3, 3, 4, 5, 9]), 200)


def zipf(alpha: float, low: int, high: int, n: int, seed: int) -> np.ndarray:
    k = np.arange(low, high + 1)
    p = k ** -float(alpha)
    return np.random.default_rng(seed).choice(k, size=n, p=p / p.sum())


# -- fits ------------------------------------------------------------------------------------------


def test_a_law_is_bounded_by_the_room_of_a_neuron() -> None:
    """An exact law to the width is one with its bound, and is rejected without it."""
    values = zipf(2.0, 40, 1296, 1000, 0)
    law, row = fit_row(Degrees("a", "in", values, 1296), None, replicates=60, seed=0, stop_at=None)
    assert law == powerlaw.fit(values, None, 1296) and law.x_max == row["x_max"] == 1296
    assert row["alpha"] == pytest.approx(2, abs=3 * row["sigma"]) and row["p_value"] > 0.1
    free = powerlaw.fit(values)
    assert powerlaw.goodness_of_fit(values, free, replicates=60, seed=0).p_value < 0.1


@pytest.mark.parametrize("x_min", [None, 40])
def test_a_row_of_a_fit_says_what_the_fit_says(x_min: int | None) -> None:
    values = zipf(2.4, 40, 900, 400, 1)
    of = Degrees("a", "out", values, 900)
    law, row = fit_row(of, x_min, replicates=40, seed=3, stop_at=0.1)
    gof = powerlaw.goodness_of_fit(values, law, replicates=40, seed=3, stop_at=0.1)
    assert (row["layer"], row["end"]) == ("a", "out")
    assert row["variant"] == ("searched" if x_min is None else "fixed")
    for name in ("alpha", "sigma", "x_min", "n_tail", "ks_distance"):
        assert row[name] == getattr(law, name)
    assert (row["p_value"], row["p_low"], row["p_high"]) == (gof.p_value, gof.low, gof.high)
    assert (row["replicates"], row["stopped"]) == (gof.replicates, gof.stopped)


@pytest.mark.parametrize(
    ("p", "csn", "paper"),
    [
        (0.1, "rejected", "rejected"), (0.1001, "plausible", "rejected"),
        (0.9499, "plausible", "rejected"), (0.95, "plausible", "plausible"),
        (0.0, "rejected", "rejected"), (math.nan, "none", "none"),
    ],
)  # fmt: skip
def test_rules_change_exactly_at_their_thresholds(
    monkeypatch: pytest.MonkeyPatch, p: float, csn: str, paper: str
) -> None:
    def told(*_: Any, replicates: int, **__: Any) -> powerlaw.GoodnessOfFit:
        return powerlaw.GoodnessOfFit(p, 0.25, replicates, low=p, high=p)

    monkeypatch.setattr(selection_laws.powerlaw, "goodness_of_fit", told)
    of = Degrees("a", "in", zipf(2.4, 40, 900, 400, 1), 900)
    _, row = fit_row(of, None, replicates=40, seed=3, stop_at=None)
    assert (row["csn_rule"], row["paper_rule"]) == (csn, paper)
    reason = "no p: more than half of the replicates have no fit" if math.isnan(p) else ""
    assert row["reason"] == reason


def test_no_replicates_no_p_and_no_reason() -> None:
    of = Degrees("a", "in", zipf(2.4, 40, 900, 400, 1), 900)
    _, row = fit_row(of, None, replicates=0, seed=0, stop_at=None)
    assert math.isnan(row["p_value"]) and row["replicates"] == 0 and row["reason"] == ""
    assert row["csn_rule"] == row["paper_rule"] == "none"


@pytest.mark.parametrize(("capacity", "x_min"), [(1, None), (1, 110), (30, 110), (110, 110)])
def test_a_bound_that_leaves_no_room_is_a_reason_and_no_error(
    capacity: int, x_min: int | None
) -> None:
    values = np.arange(40) % (capacity + 1)
    of = Degrees("a", "in", values, capacity)
    law, row = fit_row(of, x_min, replicates=20, seed=0, stop_at=None)
    assert law.reason and row["reason"] == law.reason and math.isnan(row["alpha"])
    assert row["x_max"] == capacity and row["replicates"] == 0


# -- rivals ----------------------------------------------------------------------------------------


def test_all_rivals_and_the_bounded_lognormals_are_looked_at() -> None:
    values = zipf(2.2, 5, 300, 300, 2)
    of = Degrees("b", "in", values, 300)
    law = powerlaw.fit(values, None, 300)
    tests, rows = rival_rows(of, law, "searched", 7)
    assert [row["rival"] for row in rows] == [*powerlaw.RIVALS, LOGNORMALS]
    assert len(tests) == len(rows)
    for row in rows:
        made = (
            powerlaw.against_lognormals(values, law, WIDEST_LOGNORMAL)
            if row["rival"] == LOGNORMALS
            else powerlaw.compare(values, law, row["rival"])
        )
        assert (row["step"], row["layer"], row["end"], row["variant"]) == (7, "b", "in", "searched")
        for name in ("ratio", "normalised", "p_value", "favours", "reason"):
            assert row[name] == getattr(made, name) or row[name] != row[name]


def against(rival: str, ratio: float, p: float, **more: Any) -> powerlaw.RivalTest:
    more.setdefault("parameters", {})
    return powerlaw.RivalTest(rival, ratio, 0.0, p, **more)


def cut(ratio: float = -0.2, p: float = 0.5, alpha: float = 2.0, rate: float = 0.02) -> Any:
    return against(
        "truncated_power_law", ratio, p, parameters={"alpha": alpha, "rate": rate}, nested=True
    )


def found(
    changes: dict[str, tuple[float, float]] | None = None, *, truncated: Any = None,
    lognormals: Any = None, law: powerlaw.PowerLawFit = LAW, missing: tuple[str, ...] = (),
) -> dict[str, Any]:  # fmt: skip
    """Evidence from seven rivals, none of which is better, but for changes."""
    known = dict.fromkeys(powerlaw.RIVALS, (50.0, 1e-09)) | (changes or {})
    tests = [
        against(name, ratio, p, reason="no fit" if name in missing else "")
        for name, (ratio, p) in known.items()
        if name != "truncated_power_law"
    ]
    tests.append(truncated or cut(ratio=0.0, p=1.0))
    tests.append(lognormals or against(LOGNORMALS, 3.0, 0.007))
    return law_evidence(DEGREES, law, ROW, tests)


def test_the_numbers_of_a_law_are_those_of_its_fit() -> None:
    made = found()
    assert (made["degrees"], made["n"], made["x_max"]) == (4, 5, 200)
    assert (made["alpha"], made["alpha_error"], made["x_min"], made["n_tail"]) == (2.5, 0.1, 3, 400)
    assert (made["p_law"], made["csn_rule"], made["paper_rule"]) == (0.4, "plausible", "rejected")
    assert (made["best_rival"], made["p_rival"], made["law_reason"]) == ("", 1.0, "")
    assert made["p_lognormal"] == 0.007


SEVEN = len(powerlaw.RIVALS)


@pytest.mark.parametrize(
    ("changes", "best", "p_rival"),
    [
        # All rivals are looked at: the smallest p counts as many times.
        ({"lognormal": (-9.0, 0.001)}, "lognormal", 0.001 * SEVEN),
        ({"lognormal": (-9.0, 0.04 / SEVEN), "gamma": (-1.0, 0.3)}, "lognormal", 0.04),
        # It is named only where it is clearly better.
        ({"lognormal": (-9.0, 0.05 / SEVEN)}, "", 0.05),
        ({"lognormal": (-9.0, 0.02)}, "", 0.02 * SEVEN),
        ({"lognormal": (-9.0, 0.02), "gamma": (-8.0, 0.003)}, "gamma", 0.003 * SEVEN),
        ({"lognormal": (-9.0, 0.9)}, "", 1.0),
        # A rival that the law beats is none, however clearly.
        ({"lognormal": (9.0, 1e-9)}, "", 1.0),
        ({"lognormal": (0.0, 1e-9)}, "", 1.0),
    ],
)
def test_the_best_rival_and_its_p_times_their_number(
    changes: dict[str, tuple[float, float]], best: str, p_rival: float
) -> None:
    made = found(changes)
    assert made["p_rival"] == pytest.approx(p_rival)
    assert made["best_rival"] == best


def test_rivals_without_a_fit_beat_nothing_and_do_not_count() -> None:
    made = found({"lognormal": (-9.0, 0.0)}, missing=("lognormal", "gamma"))
    assert made["p_rival"] == 1.0
    made = found({"normal": (-9.0, 0.001)}, missing=("lognormal", "gamma"))
    assert made["p_rival"] == pytest.approx(0.001 * (SEVEN - 2))
    none = [against(name, math.nan, math.nan, reason="no fit") for name in powerlaw.RIVALS]
    none.append(against(LOGNORMALS, math.nan, math.nan, reason="no fit"))
    made = law_evidence(DEGREES, LAW, ROW, none)
    names = ("p_rival", "p_thin", "p_lognormal", "p_cut_off", "alpha_cut_off", "cut_off")
    assert all(math.isnan(made[name]) for name in names) and made["best_rival"] == ""


@pytest.mark.parametrize(
    ("ratio", "p", "p_thin"),
    [(50.0, 0.04, 0.02), (50.0, 1.0, 0.5), (-50.0, 0.04, 0.98), (-50.0, 1.0, 0.5)],
)
def test_that_the_exponential_is_beaten_is_one_sided(ratio: float, p: float, p_thin: float) -> None:
    assert found({"exponential": (ratio, p)})["p_thin"] == pytest.approx(p_thin)


@pytest.mark.parametrize("alpha", [2.5, 5.9, 6.0, 6.1, 9.0])
def test_steepness_is_one_sided_against_the_steepest_law(alpha: float) -> None:
    law = powerlaw.PowerLawFit(alpha, 0.2, 3, 200, 500, 400, 0.0, "support", -9.0, searched=True)
    assert found(law=law)["p_steep"] == pytest.approx(norm.sf(alpha, STEEPEST, 0.2))


# -- the law with a cut-off ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("truncated", "changes", "is_one"),
    [
        (cut(ratio=-9.0, p=0.001), {}, True),
        # As steep as a law, and with a cut-off at all.
        (cut(ratio=-9.0, p=0.001, alpha=1.0), {}, True),
        (cut(ratio=-9.0, p=0.001, alpha=0.999), {}, False),
        (cut(ratio=-9.0, p=0.001, rate=0.0), {}, False),
        # Better than the exponential that it contains: 2 (R_exp - R_cut) is 2.706 or more.
        (cut(ratio=-9.0, p=0.001), {"exponential": (-9.0 + 1.3531, 0.5)}, True),
        (cut(ratio=-9.0, p=0.001), {"exponential": (-9.0 + 1.3529, 0.5)}, False),
    ],
)
def test_what_a_law_with_a_cut_off_is(
    truncated: Any, changes: dict[str, tuple[float, float]], is_one: bool
) -> None:
    made = found(changes, truncated=truncated)
    assert math.isfinite(made["p_cut_off"]) == is_one
    if is_one:
        assert made["p_bent"] == pytest.approx(0.001 * SEVEN)
        assert made["alpha_cut_off"] == truncated.parameters["alpha"]
        assert made["cut_off"] == 50.0
        # It is not a rival of the law as well.
        assert made["best_rival"] != "truncated_power_law"
    else:
        assert math.isnan(made["p_bent"])
        assert math.isnan(made["alpha_cut_off"]) and math.isnan(made["cut_off"])
        assert made["best_rival"] == "truncated_power_law"
        assert made["p_rival"] == pytest.approx(0.001 * SEVEN)


@pytest.mark.parametrize(("lead", "p_best"), [(8.0, 3.2e-5), (1.0, 0.0786), (0.02, 0.4207)])
def test_a_law_with_a_cut_off_has_to_be_the_best_rival(lead: float, p_best: float) -> None:
    """By the signed root of twice its lead in likelihood; the larger p-value of two counts."""
    far = found({"gamma": (-9.0 + lead, 0.5)}, truncated=cut(ratio=-9.0, p=1e-6))
    assert far["p_cut_off"] == pytest.approx(max(p_best, 1e-6 * SEVEN), rel=2e-2)
    assert far["p_bent"] == pytest.approx(1e-6 * SEVEN)
    behind = found({"gamma": (-9.0 - lead, 0.5)}, truncated=cut(ratio=-9.0, p=1e-6))
    assert behind["p_cut_off"] == 1.0 and behind["p_bent"] == far["p_bent"]
    near = found({"gamma": (-9.0 + lead, 0.5)}, truncated=cut(ratio=-9.0, p=0.09))
    assert near["p_cut_off"] == near["p_bent"] == pytest.approx(0.09 * SEVEN)


def test_a_planted_cut_off_is_found_and_an_exact_law_has_none() -> None:
    k = np.arange(3, 2001)
    for alpha, rate, low, high in ((1.8, 1 / 60, 0.0, 1e-4), (2.2, 0.0, 0.05, 1.0)):
        p = k**-alpha * np.exp(-rate * k)
        values = np.random.default_rng(5).choice(k, size=20_000, p=p / p.sum())
        of = Degrees("a", "in", values, 2000)
        law, row = fit_row(of, 3, replicates=0, seed=0, stop_at=None)
        made = law_evidence(of, law, row, rival_rows(of, law, "fixed", 0)[0])
        if rate:
            assert low <= made["p_cut_off"] <= high
            assert made["alpha_cut_off"] == pytest.approx(1.8, abs=0.15)
            assert made["cut_off"] == pytest.approx(60, rel=0.2)
        else:
            assert not made["p_cut_off"] < low and made["best_rival"] == ""
            assert made["p_lognormal"] < 0.05 and made["p_thin"] < 1e-6 and made["p_steep"] > 0.99


# -- the onset -------------------------------------------------------------------------------------


def fits_of(rules: str) -> pd.DataFrame:
    """Four steps; p is a plausible law, r a rejected one, - one without p."""
    made = []
    for step, rule in zip((0, 10, 20, 30), rules, strict=True):
        for variant, end, layer in (
            ("searched", "total", "a"), ("fixed", "total", "a"), ("searched", "in", "a"),
            ("searched", "total", "b"),
        ):  # fmt: skip
            word = {"p": "plausible", "r": "rejected", "-": "none"}[rule]
            if (variant, end, layer) != ("searched", "total", "a"):
                word = "plausible" if word == "rejected" else "rejected"
            made.append(
                {"step": step, "layer": layer, "end": end, "variant": variant, "csn_rule": word,
                 "alpha": 2.0, "replicates": 100}
            )  # fmt: skip
    return pd.DataFrame(made)


@pytest.mark.parametrize(
    ("rules", "onset"),
    [
        ("pppp", 0.0), ("rppp", 10.0), ("prpp", 20.0), ("rrrp", 30.0), ("pp-p", 30.0),
        ("pppr", math.nan), ("rrrr", math.nan), ("ppp-", math.nan),
    ],
)  # fmt: skip
def test_the_onset_of_the_law_lasts_to_the_end(rules: str, onset: float) -> None:
    assert onset_of_law(fits_of(rules), "a") == pytest.approx(onset, nan_ok=True)
    assert math.isnan(onset_of_law(fits_of(rules), "elsewhere"))


def test_no_onset_where_p_was_not_asked_for() -> None:
    fits = fits_of("pppp")
    fits.loc[fits["step"] < 30, "replicates"] = 0
    assert math.isnan(onset_of_law(fits, "a"))
    # A step without any fit has no p to ask for.
    fits = fits_of("-ppp")
    fits["alpha"] = fits["alpha"].where(fits["step"] > 0)
    fits.loc[fits["step"] == 0, "replicates"] = 0
    assert onset_of_law(fits, "a") == 10.0
