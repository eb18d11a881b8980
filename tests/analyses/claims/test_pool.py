"""Several seeds as one row of evidence: more of them say more, and other groups nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from claim_rows import NAN, P_VALUES, evidence, is_sentence, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from topolab_analyses.claims import combine, decay, power_law
from topolab_analyses.claims.combine import fisher, random_effects, stouffer
from topolab_analyses.claims.limits import NOT_SUPPORTED, SUPPORTED, UNDECIDED
from topolab_analyses.judgement import CLAIMS, judge, pool

SENTENCES = ("why", *(f"why_{claim}" for claim in CLAIMS))


def judged(made: list[dict[str, Any]], group: str = "set", layer: str = "fc1") -> pd.DataFrame:
    """Runs of one layer, each judged alone."""
    table = pd.DataFrame(made).assign(group=group, layer=layer)
    return judge(table.assign(run=[f"{group}{i}" for i in range(len(made))]), family="run")


# -- one row of several ----------------------------------------------------------------------------


def test_the_law_of_several_seeds() -> None:
    one = evidence(alpha=2.0, alpha_error=0.1, n_tail=100.0, n=400.0, x_min=3.0, p_law=0.3,
                   p_thin=0.01, p_lognormal=0.2, p_rival=0.03, best_rival="lognormal", x_max=50.0,
                   p_bent=0.03, p_cut_off=0.04, alpha_cut_off=1.5, cut_off=30.0)  # fmt: skip
    two = evidence(alpha=2.4, alpha_error=0.1, n_tail=200.0, n=600.0, x_min=6.0, p_law=0.6,
                   p_thin=0.3, p_lognormal=0.1, p_rival=0.04, best_rival="lognormal", x_max=60.0,
                   law_reason="")  # fmt: skip
    made = power_law.pool(pd.DataFrame([one, two]))
    mean, error, spread = random_effects([2.0, 2.4], [0.1, 0.1])
    assert (made["alpha"], made["alpha_error"], made["alpha_spread"]) == (mean, error, spread)
    assert (made["n_tail"], made["n"], made["x_min"], made["x_max"]) == (300, 1000, 4.5, 60)
    assert made["p_law"] == fisher([0.3, 0.6]) and made["p_rival"] == fisher([0.03, 0.04])
    assert made["p_thin"] == stouffer([0.01, 0.3]) and made["best_rival"] == "lognormal"
    assert made["p_lognormal"] == stouffer([0.2, 0.1])
    assert made["p_steep"] == combine.above(mean, error, 6.0, spread=spread, seeds=2)
    # A seed without a law with a cut-off speaks against one.
    assert made["p_cut_off"] == fisher([0.04, 1.0])
    assert made["p_bent"] == fisher([0.03, 1.0])
    assert (made["alpha_cut_off"], made["cut_off"]) == (1.5, 30.0)


def test_a_rival_is_named_only_where_it_beats_the_law_of_all_seeds() -> None:
    beaten = evidence(p_rival=0.04, best_rival="lognormal")
    made = power_law.pool(pd.DataFrame([beaten, *[evidence(p_rival=1.0)] * 9]))
    assert made["p_rival"] > 0.05 and made["best_rival"] == ""
    # Ten that are nearly beaten are beaten together, by none of them in particular.
    row = pool(judged([evidence(p_rival=0.08)] * 10)).iloc[0]
    assert row["p_rival"] < 0.05 and row["power_law"] == NOT_SUPPORTED
    assert row["why_power_law"].startswith("The best rival describes the degrees better")


def test_seeds_without_a_fit_do_not_count() -> None:
    none = evidence(alpha=NAN, alpha_error=NAN, x_min=0.0, n_tail=0.0, p_law=NAN, p_rival=NAN,
                    p_steep=NAN, p_thin=NAN, p_lognormal=NAN, law_reason="too few")  # fmt: skip
    made = power_law.pool(pd.DataFrame([evidence(), none]))
    assert made["n_tail"] == 300 and made["x_min"] == 4 and made["alpha"] == pytest.approx(2.3)
    assert made["p_law"] == pytest.approx(0.4) and made["law_reason"] == "too few"
    row = pool(judged([none, none])).iloc[0]
    assert row["power_law"] == UNDECIDED
    assert row["why_power_law"] == "No power law can be judged: too few."
    # An exponent without a standard error is one all the same.
    bare = evidence(alpha=2.0, alpha_error=NAN, p_steep=NAN)
    row = pool(judged([bare, bare])).iloc[0]
    assert row["alpha"] == 2 and is_sentence(row["why"])


def test_one_run_says_what_it_says_alone() -> None:
    runs = judged([evidence(p_law=0.01, decay_reason="")])
    row = pool(runs).iloc[0]
    for name in (*CLAIMS, *SENTENCES, "verdict", *P_VALUES):
        assert row[name] == runs[name].iloc[0] or pd.isna([row[name], runs[name].iloc[0]]).all()
    assert row["runs"] == 1 and row["tally"] == "not supported 1"


def test_groups_and_layers_stand_apart() -> None:
    parts = [judged([evidence()] * 3, group, layer) for group in "ab" for layer in ("fc1", "fc2")]
    made = pool(pd.concat([*parts[:3], parts[3].iloc[:1]], ignore_index=True))
    assert made[["group", "layer", "runs"]].to_numpy().tolist() == [
        ["a", "fc1", 3], ["a", "fc2", 3], ["b", "fc1", 3], ["b", "fc2", 1],
    ]  # fmt: skip
    assert made["tally"].tolist() == ["supported 3"] * 3 + ["supported 1"]
    assert made["updates"].tolist() == [40] * 4


def test_no_runs_make_no_rows() -> None:
    none = pool(judged([evidence()]).iloc[:0])
    assert len(none) == 0 and {"group", "layer", "verdict", "why"} <= set(none.columns)


@settings(deadline=None)
@given(st.lists(rows(), min_size=2, max_size=5))
def test_pooled_rows_have_words_and_sentences(made: list[dict[str, Any]]) -> None:
    row = pool(judged(made)).iloc[0]
    for name in SENTENCES:
        assert is_sentence(row[name]), row[name]


@settings(deadline=None)
@given(st.lists(rows(), min_size=1, max_size=4), st.lists(rows(), min_size=1, max_size=4))
def test_other_groups_change_nothing(
    mine: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    ours = judged(mine)
    alone = pool(ours).iloc[0]
    both = pool(pd.concat([judged(others, "rigl"), ours], ignore_index=True))
    among = both[both["group"] == "set"].iloc[0]
    for name in ("verdict", "tally", "runs", *CLAIMS, *SENTENCES):
        assert among[name] == alone[name], name


# -- more seeds ------------------------------------------------------------------------------------


def above(z: float) -> float:
    return float(norm.sf(z))


def drawn(rng: np.random.Generator, *, true: bool) -> dict[str, Any]:
    """Evidence of a seed: of three weak effects, or of three that are absent."""
    slope, within = (0.25, 0.3) if true else (0.0, -0.05)
    gain, inside = rng.normal(slope, 0.08), rng.normal(within, 0.12)
    poor, chance = 40.0, 1.0
    dormant = int(rng.poisson(chance + (5.0 if true else 0.0)))
    p = decay.tests(dormant, chance, poor, 100)
    return evidence(
        p_law=rng.random() if true else rng.beta(0.6, 3), p_thin=above(rng.normal(1.2)),
        p_lognormal=above(rng.normal(1.2)), alpha=rng.normal(2.3, 0.08),
        gain_slope=gain, gain_error=0.08, p_gain=above((gain - 0.1) / 0.08),
        p_no_gain=above((0.1 - gain) / 0.08), within=inside, within_error=0.12,
        p_attachment=above((inside - 0.1) / 0.12), p_no_attachment=above((0.1 - inside) / 0.12),
        poor=poor, dormant=dormant, dormant_null=chance, p_decay=p[0], p_no_decay=p[1],
    )  # fmt: skip


def pools(seeds: int, *, true: bool, draws: int = 50) -> pd.DataFrame:
    """What so many seeds say together, in 50 draws of them."""
    made = []
    for number in range(draws):
        rng = np.random.default_rng([number, seeds])
        runs = [drawn(rng, true=true) for _ in range(seeds)]
        made.append(judged(runs, f"draw {number}"))
    return pool(pd.concat(made, ignore_index=True))


@pytest.mark.parametrize(("true", "said"), [(True, SUPPORTED), (False, NOT_SUPPORTED)])
def test_more_seeds_of_one_truth_are_more_conclusive(true: bool, said: str) -> None:
    """Of each claim the right word is said more often, and the wrong one is not."""
    wrong = NOT_SUPPORTED if true else SUPPORTED
    found = {seeds: pools(seeds, true=true) for seeds in (1, 3, 10)}
    for claim in CLAIMS:
        shares = [float((made[claim] == said).mean()) for made in found.values()]
        assert shares[0] <= shares[1] <= shares[2], (claim, shares)
        assert shares[2] > shares[0] + 0.3, (claim, shares)
        false = [float((made[claim] == wrong).mean()) for made in found.values()]
        # p of a true law is uniform: 7 of 50 at 0.05 or below it are chance, once in a hundred.
        assert max(false) <= (0.14 if claim == "power_law" else 0.04), (claim, false)
    names = ("p_attachment", "p_gain", "p_decay", "p_thin", "p_lognormal")
    for name in names if true else ("p_no_attachment", "p_no_gain", "p_no_decay", "p_law"):
        means = [float(made[name].mean()) for made in found.values()]
        assert means[0] > means[1] > means[2], (name, means)


def test_the_p_value_of_a_true_law_stays_uniform() -> None:
    """Pooled tests of what is true reject one in twenty, however many seeds there are."""
    rng = np.random.default_rng(0)
    for seeds in (1, 3, 10):
        p = np.array([fisher(rng.random(seeds)) for _ in range(4000)])
        assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.012)
        p = np.array([stouffer(rng.random(seeds)) for _ in range(4000)])
        assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.012)
