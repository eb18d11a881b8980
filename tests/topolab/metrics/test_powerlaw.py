"""Power-law fits against published values, igraph and the powerlaw package."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import igraph
import numpy as np
import powerlaw as powerlaw_package
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import zeta
from scipy.stats import chisquare

from topolab.errors import AnalysisError
from topolab.metrics import powerlaw

WORDS = np.loadtxt(Path(powerlaw_package.__file__).parent / "reference_data" / "words.txt").astype(
    int
)


def test_the_published_fit_of_word_frequencies() -> None:
    for ks in ("support", "integers"):
        law = powerlaw.fit(WORDS, ks=ks)  # type: ignore[arg-type]
        assert law.x_min == 7 and law.n_tail == 2958
        assert law.alpha == pytest.approx(1.95273, abs=5e-6)
        assert law.ks_distance == pytest.approx(0.00825, abs=5e-6)
        assert law.log_likelihood == pytest.approx(-11753.8176, abs=5e-5)


def test_the_normalisation() -> None:
    assert float(powerlaw.log_hurwitz(2.58, 2)) == pytest.approx(-1.16389915, abs=5e-9)
    bounded = np.exp(powerlaw.log_hurwitz(1.7, 3, 20))
    assert bounded == pytest.approx(sum(k**-1.7 for k in range(3, 21)), rel=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_igraph_agrees(seed: int) -> None:
    rng = np.random.default_rng(seed)
    degrees = np.minimum(rng.zipf(rng.uniform(1.8, 3.0), 1500) + rng.integers(0, 6, 1500), 2000)
    ours = powerlaw.fit(degrees)
    theirs = igraph.power_law_fit(degrees.tolist(), method="discrete")
    assert ours.x_min == theirs.xmin
    assert ours.alpha == pytest.approx(theirs.alpha, rel=1e-5)
    assert ours.ks_distance == pytest.approx(theirs.D, rel=1e-4)
    assert ours.log_likelihood == pytest.approx(theirs.L, rel=1e-8)


def test_the_powerlaw_package_agrees() -> None:
    degrees = np.random.default_rng(1).zipf(2.4, 800)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = powerlaw_package.Fit(
            degrees, discrete=True, xmin=2, verbose=0, estimate_discrete=False,
            parameter_ranges={"alpha": [1.01, 10.0]},
        )  # fmt: skip
        alpha = theirs.power_law.alpha
    assert powerlaw.fit(degrees, 2).alpha == pytest.approx(alpha, rel=1e-3)


def test_a_bounded_law_maximises_its_likelihood() -> None:
    rng = np.random.default_rng(2)
    support = np.arange(2, 61)
    weights = support**-1.3
    degrees = rng.choice(support, 4000, p=weights / weights.sum())
    law = powerlaw.fit(degrees, x_min=2, x_max=60)
    direct = minimize_scalar(
        lambda a: a * np.log(degrees).sum() + len(degrees) * math.log((support**-a).sum()),
        bounds=(0.1, 5),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert law.alpha == pytest.approx(direct.x, abs=1e-6)
    assert law.log_likelihood == pytest.approx(-direct.fun, rel=1e-9)
    assert abs(law.alpha - 1.3) < 4 * law.sigma
    assert abs(powerlaw.fit(degrees, x_min=2).alpha - 1.3) > 0.1  # the bound matters


def test_sigma_is_the_spread_of_alpha() -> None:
    rng = np.random.default_rng(3)
    laws = [powerlaw.fit(rng.zipf(2.5, 1000), x_min=1) for _ in range(200)]
    spread = np.std([law.alpha for law in laws])
    assert spread == pytest.approx(np.mean([law.sigma for law in laws]), rel=0.15)
    assert np.mean([law.alpha for law in laws]) == pytest.approx(2.5, abs=0.02)


def brute_force_distance(degrees: np.ndarray, law: powerlaw.PowerLawFit) -> tuple[float, float]:
    tail = np.sort(degrees[degrees >= law.x_min])
    below = max(
        abs((tail < k).mean() - (1 - zeta(law.alpha, k) / zeta(law.alpha, law.x_min)))
        for k in np.unique(tail)
    )
    integers = max(
        abs((tail <= k).mean() - (1 - zeta(law.alpha, k + 1) / zeta(law.alpha, law.x_min)))
        for k in range(law.x_min, tail.max() + 1)
    )
    return float(below), float(integers)


@pytest.mark.parametrize("seed", range(5))
def test_both_distances_by_brute_force(seed: int) -> None:
    degrees = np.random.default_rng(seed).integers(3, 80, 60)
    law = powerlaw.fit(degrees, x_min=5)
    below, integers = brute_force_distance(degrees, law)
    assert law.ks_distance == pytest.approx(below, abs=1e-12)
    assert powerlaw.ks_distance(degrees, law, "integers") == pytest.approx(integers, abs=1e-12)
    assert powerlaw.fit(degrees, x_min=5, ks="integers").ks_distance == pytest.approx(integers)


def test_the_searched_x_min_has_the_least_distance() -> None:
    degrees = np.random.default_rng(4).integers(1, 30, 200)
    law = powerlaw.fit(degrees)
    fixed = [powerlaw.fit(degrees, x_min=int(x)) for x in np.unique(degrees)[:-1]]
    possible = [f for f in fixed if not f.reason]
    assert law.ks_distance == pytest.approx(min(f.ks_distance for f in possible), rel=1e-9)


@pytest.mark.parametrize(
    ("degrees", "x_min", "reason"),
    [
        ([], None, "fewer than two distinct positive degrees"),
        ([0, 0], None, "fewer than two distinct positive degrees"),
        ([5, 5, 5], None, "fewer than two distinct positive degrees"),
        ([1, 2, 3], 110, "fewer than two distinct degrees at or above x_min = 110"),
        ([1, 2, 200], 110, "fewer than two distinct degrees at or above x_min = 110"),
    ],
)
def test_no_fit_has_a_reason(degrees: list[int], x_min: int | None, reason: str) -> None:
    law = powerlaw.fit(degrees, x_min)
    assert law.reason == reason
    assert math.isnan(law.alpha) and math.isnan(law.ks_distance)
    assert math.isnan(powerlaw.goodness_of_fit(degrees, law, replicates=3).p_value)


@pytest.mark.parametrize("bad", [[-1, 2], [1.5, 2], [np.nan, 1], [[1, 2]], ["a", "b"]])
def test_bad_degrees(bad: list[object]) -> None:
    with pytest.raises(AnalysisError):
        powerlaw.fit(bad)  # type: ignore[arg-type]


def test_samples_follow_the_law() -> None:
    law = powerlaw.fit(np.random.default_rng(5).zipf(2.2, 3000), x_min=3)
    sample = powerlaw.sample_tail(law, 20_000, np.random.default_rng(6))
    edges = np.arange(3, 12)
    p = np.append(edges**-law.alpha, zeta(law.alpha, 12)) / zeta(law.alpha, 3)
    counts = np.append([(sample == k).sum() for k in edges], (sample >= 12).sum())
    assert chisquare(counts, len(sample) * p).pvalue > 0.001
    assert sample.min() == 3


def test_goodness_of_fit_tells_laws_from_others() -> None:
    rng = np.random.default_rng(7)
    true = rng.zipf(2.5, 400)
    false = rng.poisson(20, 400) + 1
    for degrees, plausible in ((true, True), (false, False)):
        law = powerlaw.fit(degrees, x_min=1)
        gof = powerlaw.goodness_of_fit(degrees, law, replicates=60, seed=1)
        assert (gof.p_value > 0.1) == plausible
        assert gof == powerlaw.goodness_of_fit(degrees, law, replicates=60, seed=1)
        assert gof.standard_error == pytest.approx(math.sqrt(gof.p_value * (1 - gof.p_value) / 60))


def test_short_tails_are_no_basis() -> None:
    data = np.array([1] * 60 + [2] * 20 + [3] * 8 + [9, 12, 30])
    searched = powerlaw.fit(data)
    assert searched.n_tail >= 10
    law = powerlaw.fit(data, 9)
    assert law.reason == "3 degrees at or above x_min = 9 are fewer than 10"
    assert math.isnan(law.alpha) and law.n_tail == 3
    assert powerlaw.fit(data, 9, least_tail=3).reason == ""
    assert "holds 10 neurons" in powerlaw.fit([1, 2, 5]).reason
    loose = powerlaw.fit(data, least_tail=2)
    assert loose.ks_distance <= searched.ks_distance
    for bad in (1, 2.5):
        with pytest.raises(AnalysisError):
            powerlaw.fit(data, least_tail=bad)  # type: ignore[arg-type]


def test_a_bounded_search_leaves_room(seed: int = 0) -> None:
    """With two possible degrees an exponent fits any data: such a tail must not win."""
    rng = np.random.default_rng(seed)
    data = np.concatenate([np.minimum(rng.zipf(2.0, 600), 780), [783] * 12, [784] * 11])
    law = powerlaw.fit(data, x_max=784)
    assert law.reason or law.x_min <= 775
    narrow = powerlaw.fit([1, 2, 3] * 20, x_max=5)
    assert "leaves room" in narrow.reason


def test_identical_replicates_count_as_further() -> None:
    """Nine ones and a two: a replicate equal to the data is as far as the data, not nearer."""
    data = np.array([1] * 9 + [2])
    law = powerlaw.fit(data, 1, ks="integers", least_tail=2)
    gof = powerlaw.goodness_of_fit(data, law, replicates=500)
    assert gof.p_value == 1.0 and gof.unfitted > 50  # many replicates are all ones: no fit


def test_p_is_withheld_where_hardly_any_replicate_has_a_fit() -> None:
    data = np.array([0] * 97 + [110, 110, 150])
    law = powerlaw.fit(data, 110, least_tail=2)
    gof = powerlaw.goodness_of_fit(data, law, replicates=300)
    assert 0 < gof.unfitted < 150 and 0 <= gof.p_value <= 1
    steep = np.array([0] * 97 + [1] * 20 + [2])  # a tail that is mostly of one degree
    few = powerlaw.fit(steep, 1)
    gof = powerlaw.goodness_of_fit(steep, few, replicates=300)
    assert gof.unfitted > 90 and math.isnan(gof.p_value) == (gof.unfitted > 150)


def test_data_of_another_law_are_refused() -> None:
    law = powerlaw.fit(np.random.default_rng(0).zipf(2.2, 100), 1)
    for call in (
        lambda: powerlaw.ks_distance([1, 2, 3], law, "support"),
        lambda: powerlaw.compare([1, 2, 3], law, "lognormal"),
        lambda: powerlaw.ks_distance([], law, "integers"),
    ):
        with pytest.raises(AnalysisError, match="not the degrees"):
            call()


def test_large_degrees_cost_no_table() -> None:
    data = (2**30 * (1 + np.random.default_rng(0).pareto(1.5, 60))).astype(np.int64)
    law = powerlaw.fit(data, x_min=2**30)
    assert 0 <= powerlaw.goodness_of_fit(data, law, replicates=50).p_value <= 1
    assert law.alpha == pytest.approx(2.5, abs=0.6)


# -- the Hurwitz zeta function ---------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [1.0001, 1.5, 2.58, 7.3, 39.5])
@pytest.mark.parametrize("x_min", [1, 2, 13, 14, 110, 100_000])
def test_hurwitz_and_its_derivatives(alpha: float, x_min: int) -> None:
    from topolab.metrics.powerlaw.hurwitz import log_z_derivatives

    log_z, d1, d2 = log_z_derivatives(alpha, float(x_min), math.inf)
    if alpha * math.log(x_min) < 600:
        expected = math.log(zeta(alpha, x_min)) + alpha * math.log(x_min)
        assert log_z == pytest.approx(expected, rel=1e-12, abs=1e-12)
    h = 1e-4 * (alpha - 1)
    low, high = (log_z_derivatives(alpha + s, float(x_min), math.inf) for s in (-h, h))
    assert d1 == pytest.approx((high[0] - low[0]) / (2 * h), rel=1e-6)
    assert d2 == pytest.approx((high[1] - low[1]) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("alpha", [-2.0, 0.0, 0.999999, 1.0, 1.000001, 2.5, 30.0])
@pytest.mark.parametrize(("x_min", "x_max"), [(1, 1), (1, 5), (7, 14), (110, 1536), (1, 30_000)])
def test_bounded_sums_term_by_term(alpha: float, x_min: int, x_max: int) -> None:
    from topolab.metrics.powerlaw.hurwitz import TERMS, coefficients, survival_sum

    k = np.arange(x_min, x_max + 1)
    terms = (k / x_min) ** -alpha
    assert float(powerlaw.log_hurwitz(alpha, x_min, x_max)) == pytest.approx(
        math.log(terms.sum()) - alpha * math.log(x_min), rel=1e-11, abs=1e-11
    )
    c = np.empty(TERMS)
    coefficients(alpha, c)
    middle = (x_min + x_max) // 2
    from_middle = survival_sum(alpha, float(middle), float(x_min), float(x_max), c)
    assert from_middle == pytest.approx(terms[k >= middle].sum(), rel=1e-11)


def test_the_normalisation_that_does_not_converge() -> None:
    assert np.isnan(powerlaw.log_hurwitz([1.0, 0.5], 2)).all()
    assert np.isnan(powerlaw.log_hurwitz(2.0, 5, 4))


# -- goodness of fit -------------------------------------------------------------------------------


def plain_decisions(data: np.ndarray, law: powerlaw.PowerLawFit, count: int) -> list[bool]:
    """The bootstrap without any shortcut: draw, fit all candidates in full, compare."""
    from topolab.metrics.powerlaw.replicates import draw_uniforms

    body = data[data < law.x_min]
    share = law.n_tail / law.n
    tail = np.arange(law.x_min, law.x_min + 200_000)
    survival = zeta(law.alpha, tail) / zeta(law.alpha, law.x_min)
    out = []
    for row in draw_uniforms(0, 0, count, law.n):
        values = []
        for u in row:
            if u < share:
                w = 1 - u / share
                values.append(int(tail[(survival >= w).sum() - 1]))
            else:
                values.append(int(body[int((u - share) / (1 - share) * len(body))]))
        made = powerlaw.fit(values, None if law.searched else law.x_min, ks=law.ks)
        out.append(bool(made.ks_distance < law.ks_distance))
    return out


@pytest.mark.parametrize(("x_min", "seed"), [(None, 3), (4, 0)])
@pytest.mark.parametrize("ks", ["support", "integers"])
def test_shortcuts_of_the_bootstrap_change_no_decision(
    x_min: int | None, seed: int, ks: str
) -> None:
    """Also on the arrays that a GPU would compute with."""
    from topolab.metrics.powerlaw.batched import decisions
    from topolab.metrics.powerlaw.resampling import _decisions

    data = np.random.default_rng(seed).zipf(2.4, 120)
    data = data + np.random.default_rng(seed).integers(0, 2, 120)
    law = powerlaw.fit(data, x_min, ks=ks)  # type: ignore[arg-type]
    plain = plain_decisions(data, law, 40)
    assert 0 < sum(plain) < 40
    ours = np.concatenate(list(_decisions(data, law, 40, 0, 1, None)))
    assert ours.tolist() == plain
    arrays = np.concatenate(list(decisions(data, law, 40, 0, "cpu-arrays")))
    assert arrays.tolist() == plain


def test_threads_and_earlier_replicates_change_nothing() -> None:
    data = np.random.default_rng(8).zipf(2.3, 500)
    law = powerlaw.fit(data)
    one = powerlaw.goodness_of_fit(data, law, replicates=450, seed=5)
    assert one == powerlaw.goodness_of_fit(data, law, replicates=450, seed=5, threads=3)
    assert one != powerlaw.goodness_of_fit(data, law, replicates=450, seed=6)
    assert one == powerlaw.goodness_of_fit(data, law, replicates=450, seed=5, device="auto")


def test_sequential_stopping_says_so() -> None:
    rng = np.random.default_rng(9)
    thin = rng.poisson(20, 800) + 1
    law = powerlaw.fit(thin, x_min=10)
    early = powerlaw.goodness_of_fit(thin, law, stop_at=0.1)
    assert early.stopped and early.replicates == 100 and early.high < 0.1
    heavy = rng.zipf(2.5, 800)
    law = powerlaw.fit(heavy, x_min=1)
    plausible = powerlaw.goodness_of_fit(heavy, law, stop_at=0.1)
    assert plausible.stopped and plausible.low > 0.1
    every = powerlaw.goodness_of_fit(heavy, law)
    assert not every.stopped and every.replicates == 2500
    assert plausible.low <= every.p_value <= plausible.high


def test_no_threshold_that_is_read_is_left_undecided() -> None:
    """Stopped replicates decide as all 2,500 do, for both rules; stopped for one they do not."""
    thresholds = (0.1, 0.95)
    rng = np.random.default_rng(21)
    drawn, one_only = 0, 0
    for seed in range(40):
        sample = rng.zipf(2.5, 120) if seed % 4 else rng.geometric(0.2, 120)
        law = powerlaw.fit(sample, x_min=1)
        every = powerlaw.goodness_of_fit(sample, law, seed=seed)
        both = powerlaw.goodness_of_fit(sample, law, seed=seed, stop_at=thresholds)
        one = powerlaw.goodness_of_fit(sample, law, seed=seed, stop_at=0.1)
        assert [both.p_value > t for t in thresholds] == [every.p_value > t for t in thresholds]
        assert both.low <= every.p_value <= both.high
        assert both.stopped == (both.replicates < 2500)
        if both.stopped:
            assert not any(both.low <= t <= both.high for t in thresholds)
        drawn += both.replicates
        one_only += (one.p_value > 0.95) != (every.p_value > 0.95)
    assert drawn < 0.4 * 40 * 2500 and one_only >= 1


def test_the_interval_holds_at_all_looks_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A p of 0.1 exactly: a test that stops at 0.1 is never right to, and stops in 1 % at most."""
    from topolab.metrics.powerlaw import resampling

    rng = np.random.default_rng(22)
    monkeypatch.setattr(
        resampling, "_decisions",
        lambda *_: ((rng.random(100) >= 0.1).astype(np.int8) for _ in range(25)),
    )  # fmt: skip
    data = np.random.default_rng(0).zipf(2.5, 100)
    law = powerlaw.fit(data, 1)
    stopped = sum(powerlaw.goodness_of_fit(data, law, stop_at=0.1).stopped for _ in range(1000))
    assert stopped <= 10
    # Wilson's interval at each look, as if it were the only one
    wrong = 0
    for _ in range(1000):
        hits = np.cumsum((rng.random((25, 100)) < 0.1).sum(1))
        ends = [resampling.wilson(int(h), 100 * (i + 1)) for i, h in enumerate(hits[:-1])]
        wrong += any(not low <= 0.1 <= high for low, high in ends)
    assert wrong > 30


def test_a_fixed_x_min_stays_fixed_in_the_replicates() -> None:
    """igraph searches it again in every replicate, which makes them fit better than the data."""
    rng = np.random.default_rng(5)
    truth = powerlaw.PowerLawFit(2.5, 0, 6, None, 0, 0, 0, "support", 0, False)
    data = np.concatenate([rng.integers(1, 6, 200), powerlaw.sample_tail(truth, 100, rng)])
    fixed = powerlaw.fit(data, x_min=6)
    p_fixed = powerlaw.goodness_of_fit(data, fixed, replicates=400).p_value
    as_searched = powerlaw.PowerLawFit(**{**fixed.__dict__, "searched": True})
    p_wrong = powerlaw.goodness_of_fit(data, as_searched, replicates=400).p_value
    assert p_fixed > 0.1 > p_wrong


def test_p_is_uniform_for_true_power_laws_and_small_for_lognormal() -> None:
    """400 samples; the whole calibration with its figure is benchmarks/calibration.py."""
    from scipy.stats import kstest

    rng = np.random.default_rng(10)
    truth = powerlaw.PowerLawFit(2.4, 0, 6, None, 0, 0, 0, "support", 0, False)
    p = []
    for seed in range(400):
        sample = powerlaw.sample_tail(truth, 200, rng)
        law = powerlaw.fit(sample, x_min=6)
        p.append(powerlaw.goodness_of_fit(sample, law, replicates=200, seed=seed).p_value)
    assert kstest(p, "uniform").pvalue > 0.01
    rejected = 0
    for seed in range(40):
        sample = np.maximum(np.round(np.exp(rng.normal(3, 0.8, 400))), 1).astype(int)
        law = powerlaw.fit(sample, x_min=5)
        gof = powerlaw.goodness_of_fit(sample, law, replicates=300, seed=seed, stop_at=0.1)
        rejected += gof.p_value <= 0.1
    assert rejected == 40


def test_words_are_plausible() -> None:
    """CSN give p = 0.49 with a grid of exponents, igraph 0.70; all say the same of the law."""
    law = powerlaw.fit(WORDS)
    gof = powerlaw.goodness_of_fit(WORDS, law, replicates=500, stop_at=0.1)
    assert gof.low > 0.1
    error = powerlaw.bootstrap(WORDS, replicates=100)
    assert 1 < error.x_min < 3  # CSN: 7 +- 2
    assert error.alpha == pytest.approx(0.02, abs=0.01)  # CSN: 1.95 +- 0.02
    assert error.n_tail == pytest.approx(987, rel=0.25)  # CSN: 2958 +- 987


def test_bootstraps_refuse_what_cannot_be() -> None:
    data = np.random.default_rng(1).zipf(2.2, 100)
    law = powerlaw.fit(data)
    for bad in (
        {"replicates": 0},
        {"stop_at": 1.0},
        {"stop_at": (0.1, 0.0)},
        {"stop_at": ()},
        {"threads": 0},
        {"device": "nowhere"},
    ):
        with pytest.raises(AnalysisError):
            powerlaw.goodness_of_fit(data, law, **bad)  # type: ignore[arg-type]
    with pytest.raises(AnalysisError, match="not the degrees"):
        powerlaw.goodness_of_fit(data[:-1], law)
    with pytest.raises(AnalysisError):
        powerlaw.bootstrap(data, replicates=1)
    assert math.isnan(powerlaw.bootstrap([], replicates=2).x_min)


def test_bounded_laws_are_drawn_and_tested_within_their_bound() -> None:
    rng = np.random.default_rng(4)
    support = np.arange(3, 41)
    weights = support**-0.8
    data = rng.choice(support, 600, p=weights / weights.sum())
    law = powerlaw.fit(data, x_min=3, x_max=40)
    assert abs(law.alpha - 0.8) < 4 * law.sigma
    sample = powerlaw.sample_tail(law, 5000, rng)
    assert sample.min() == 3 and sample.max() == 40
    expected = support**-law.alpha
    counts = np.bincount(sample, minlength=41)[3:]
    assert chisquare(counts, 5000 * expected / expected.sum()).pvalue > 0.001
    bounded = powerlaw.goodness_of_fit(data, law, replicates=200).p_value
    unbounded = powerlaw.fit(data, x_min=3)
    assert bounded > 0.1 > powerlaw.goodness_of_fit(data, unbounded, replicates=200).p_value
