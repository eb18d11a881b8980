"""The rivals of a power law: published ratios, scipy's distributions, and a plain optimiser."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import powerlaw as powerlaw_package
import pytest
from scipy import stats
from scipy.optimize import minimize, minimize_scalar

from topolab.errors import AnalysisError
from topolab.metrics import powerlaw
from topolab.metrics.powerlaw.rivals import RIVALS, Tail, tail_of

WORDS = np.loadtxt(Path(powerlaw_package.__file__).parent / "reference_data" / "words.txt").astype(
    int
)


def test_ratios_for_words_against_the_published_ones() -> None:
    """CSN's normalised ratios; their stretched exponential is no maximum of its likelihood."""
    law = powerlaw.fit(WORDS)
    found = {rival: powerlaw.compare(WORDS, law, rival) for rival in powerlaw.RIVALS}
    assert found["lognormal"].normalised == pytest.approx(0.395, abs=0.02)
    assert found["lognormal"].p_value == pytest.approx(0.69, abs=0.02)
    assert found["exponential"].normalised == pytest.approx(9.09, rel=0.01)
    assert found["exponential"].p_value < 1e-15
    truncated = found["truncated_power_law"]
    assert truncated.nested and truncated.ratio < 0
    assert truncated.p_value == pytest.approx(0.178 / 2, abs=0.001)  # half of the two-sided one
    stretched = found["stretched_exponential"]
    assert stretched.ratio > 0 and stretched.favours == "neither"
    assert stretched.boundary == "power law" and not found["exponential"].boundary

    # Their 4.13 is what a stretched exponential gives that is held at beta = 0.12, say.
    tail, log_pmf = tail_of(WORDS, law), RIVALS["stretched_exponential"].log_pmf

    def held(q: float) -> np.ndarray:
        return log_pmf(tail.k, np.array([[q, 0.12]]), 7.0, math.inf)[0]

    at = minimize_scalar(lambda q: -tail.weight @ held(q), bounds=(-5, 10), method="bounded")
    log_z = float(powerlaw.log_hurwitz(law.alpha, 7)) + law.alpha * math.log(7)
    d = -law.alpha * np.log(tail.k / 7) - log_z - held(at.x)
    ratio, n = tail.weight @ d, tail.n
    spread = math.sqrt(n * (tail.weight @ (d - ratio / n) ** 2 / n))
    assert ratio / spread == pytest.approx(4.13, abs=0.2)
    assert ratio > stretched.ratio + 10


@pytest.mark.parametrize("x_max", [None, 150])
@pytest.mark.parametrize("rival", list(RIVALS))
def test_each_rival_is_scipys_distribution_on_the_tail(rival: str, x_max: int | None) -> None:
    """At the fitted parameters, normalised over all degrees of the tail by plain sums."""
    data = np.random.default_rng(11).negative_binomial(2.5, 0.06, 900) + 3
    law = powerlaw.fit(data, x_min=5, x_max=x_max)
    tail = tail_of(data, law)
    made = powerlaw.compare(data, law, rival)
    k = np.arange(5, (x_max or 40_000) + 1)
    p = made.parameters

    def rounded(of: stats.rv_continuous) -> np.ndarray:
        below, above = of.cdf(k + 0.5) - of.cdf(k - 0.5), of.sf(k - 0.5) - of.sf(k + 0.5)
        return np.where(of.cdf(k) < 0.5, below, above)

    weights = {
        "lognormal": lambda: rounded(stats.lognorm(p["sigma"], scale=math.exp(p["mu"]))),
        "exponential": lambda: np.exp(-p["rate"] * (k - 5)),
        "stretched_exponential": lambda: (
            -np.diff(stats.weibull_min(p["beta"], scale=math.exp(p["log_tau"])).sf([*k, k[-1] + 1]))
        ),
        "truncated_power_law": lambda: k ** -p["alpha"] * np.exp(-p["rate"] * k),
        "normal": lambda: rounded(stats.norm(p["mu"], p["sigma"])),
        "gamma": lambda: rounded(stats.gamma(p["shape"], scale=1 / p["rate"])),
        "negative_binomial": lambda: stats.nbinom(p["r"], p["p"]).pmf(k),
    }[rival]()
    logs = np.log(weights[tail.k.astype(int) - 5] / weights.sum())
    assert made.log_likelihood == pytest.approx(tail.weight @ logs, abs=1e-6)
    assert made.ratio == pytest.approx(law.log_likelihood - made.log_likelihood, abs=1e-6)


@pytest.mark.parametrize("rival", list(RIVALS))
@pytest.mark.parametrize("x_max", [None, 400])
def test_every_rival_sums_to_one(rival: str, x_max: int | None) -> None:
    rng = np.random.default_rng(11)
    data = np.minimum(rng.zipf(2.1, 800) + 3, 400)
    law = powerlaw.fit(data, x_min=5, x_max=x_max)
    tail, spec = tail_of(data, law), RIVALS[rival]
    k = np.arange(5.0, (x_max or 3_000_000) + 1)
    for q in spec.starts(tail):
        total = np.exp(spec.log_pmf(k, np.array([q]), 5.0, float(x_max or math.inf))).sum()
        # without a bound a heavy tail has a little beyond three million
        assert total == pytest.approx(1, abs=1e-9 if x_max else 2e-3) or (total == 0 and not x_max)


def assorted_tails() -> list[tuple[np.ndarray, int | None, int | None]]:
    """Fifty samples: heavy, bounded, bells, thin, with cut-offs, flat; x_min given or searched."""
    rng = np.random.default_rng(0)
    tails: list[tuple[np.ndarray, int | None, int | None]] = []
    for _ in range(5):
        cut = np.arange(3, 400)
        weights = cut**-1.4 * np.exp(-cut / rng.uniform(20, 200))
        tails += [
            (rng.zipf(rng.uniform(1.7, 3.2), int(rng.integers(60, 2000))), None, None),
            (np.minimum(rng.zipf(rng.uniform(1.5, 2.5), 600), 500), None, 500),
            (np.round(np.exp(rng.normal(3, rng.uniform(0.2, 1.5), 500))), None, None),
            (np.round(np.exp(rng.normal(3, rng.uniform(0.2, 1.5), 500))) + 1, 2, None),
            (rng.poisson(rng.uniform(5, 120), 400), 3, None),
            (rng.geometric(rng.uniform(0.01, 0.3), 700) + 4, 5, None),
            (rng.negative_binomial(rng.uniform(0.3, 20), 0.05, 800) + 1, 2, None),
            (rng.binomial(784, rng.uniform(0.01, 0.5), 512), None, 784),
            (rng.choice(cut, 900, p=weights / weights.sum()), 3, 399),
            (rng.integers(1, 100, 300), 1, 120),
        ]
    return tails


def plain_optimum(rival: str, tail: Tail) -> float:
    """The highest log-likelihood that Nelder and Mead's simplex finds from any of the starts."""
    spec = RIVALS[rival]

    def cost(q: np.ndarray) -> float:
        value = -float(spec.log_pmf(tail.k, q[None], tail.x_min, tail.x_max)[0] @ tail.weight)
        return value / tail.n if math.isfinite(value) else 1e10

    found = [
        minimize(
            cost, np.clip(start, *np.array(spec.bounds).T), method="Nelder-Mead",
            bounds=spec.bounds, options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 500},
        ).fun
        for start in spec.starts(tail)
    ]  # fmt: skip
    return -min(found) * tail.n


@pytest.mark.parametrize("rival", list(RIVALS))
def test_no_plain_optimiser_finds_a_higher_likelihood(rival: str) -> None:
    known = 0
    for degrees, x_min, x_max in assorted_tails()[:: 1 if rival != "gamma" else 2]:
        law = powerlaw.fit(degrees, x_min, x_max)
        made = powerlaw.compare(degrees, law, rival)
        if law.reason or made.reason:
            continue
        known += 1
        best = plain_optimum(rival, tail_of(degrees, law))
        assert made.log_likelihood >= best - 1e-6
        if not made.boundary:  # where a simplex creeps along a valley
            assert made.log_likelihood <= best + 0.01
    assert known >= (40 if rival != "gamma" else 20)


def test_a_truncated_power_law_falls() -> None:
    """With an exponent below 0 it would be a bell, and win against a law it is no kin of."""
    bell = np.random.default_rng(0).poisson(60, 500)
    law = powerlaw.fit(bell, 30)
    made = powerlaw.compare(bell, law, "truncated_power_law")
    assert made.parameters["alpha"] == 0 and made.boundary == "exponential"
    plain = powerlaw.compare(bell, law, "exponential")
    assert made.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-6)
    gamma = powerlaw.compare(bell, law, "gamma")
    assert gamma.log_likelihood > made.log_likelihood + 100 and gamma.parameters["shape"] > 10


def test_rims_are_named() -> None:
    heavy = np.random.default_rng(1).zipf(2.2, 1500)
    law = powerlaw.fit(heavy, 1)
    found = {rival: powerlaw.compare(heavy, law, rival) for rival in RIVALS}
    assert {rival: made.boundary for rival, made in found.items() if made.boundary} == {
        "normal": "exponential",
        "gamma": "truncated power law",
        "negative_binomial": "logarithmic law",
        **{r: "power law" for r in ("stretched_exponential",) if found[r].boundary},
        **{r: "power law" for r in ("truncated_power_law",) if found[r].boundary},
    }
    flat = np.random.default_rng(2).integers(90, 111, 400)
    even = powerlaw.fit(flat, 90, 110)
    assert powerlaw.compare(flat, even, "exponential").boundary in ("", "equal shares")


def test_the_nested_p_is_that_of_the_mixture() -> None:
    """R is 0 for about half of all samples from a power law, and a small p about as rare as said.

    Bounded, since the sum of the degrees, which the rate listens to, needs a variance for it.
    """
    rng = np.random.default_rng(3)
    truth = powerlaw.PowerLawFit(1.5, 0, 2, 300, 0, 0, 0, "support", 0, False)
    p = []
    for _ in range(400):
        sample = powerlaw.sample_tail(truth, 400, rng)
        made = powerlaw.compare(sample, powerlaw.fit(sample, 2, 300), "truncated_power_law")
        assert (made.p_value == 1) == (made.ratio == 0)
        assert made.ratio == 0 or made.p_value == pytest.approx(
            stats.chi2.sf(-2 * made.ratio, 1) / 2
        )
        p.append(made.p_value)
    at = np.array(p)
    assert 0.38 < (at == 1).mean() < 0.54 and 0.03 < (at < 0.05).mean() < 0.1


def test_information_criteria() -> None:
    data = np.random.default_rng(4).geometric(0.1, 500)
    law = powerlaw.fit(data, 1)
    for rival, size in (("exponential", 1), ("gamma", 2)):
        made = powerlaw.compare(data, law, rival)
        assert made.aic == pytest.approx(2 * size - 2 * made.log_likelihood)
        assert made.bic == pytest.approx(size * math.log(500) - 2 * made.log_likelihood)
        assert made.aic_law - made.aic == pytest.approx(2 - 2 * size - 2 * made.ratio)
        assert made.bic_law == pytest.approx(math.log(500) - 2 * law.log_likelihood)
        assert made.aic < made.aic_law and made.bic < made.bic_law
    few = powerlaw.compare([], powerlaw.fit([]), "gamma")
    assert math.isnan(few.aic) and math.isnan(few.bic_law)


def test_rivals_are_found_where_they_are_the_truth() -> None:
    rng = np.random.default_rng(12)
    thin = rng.geometric(0.05, 3000) + 4
    wide = np.round(np.exp(rng.normal(3, 0.7, 3000))).astype(int)
    heavy = rng.zipf(2.3, 3000)
    for data, x_min, rival, favoured in (
        (thin, 5, "exponential", "exponential"),
        (thin, 5, "truncated_power_law", "truncated_power_law"),
        (wide, 10, "lognormal", "lognormal"),
        (heavy, 1, "exponential", "power law"),
        (heavy, 1, "lognormal", "neither"),  # a very wide one is a power law
        (heavy, 1, "truncated_power_law", "neither"),
    ):
        assert powerlaw.compare(data, powerlaw.fit(data, x_min), rival).favours == favoured
    found = powerlaw.compare(thin, powerlaw.fit(thin, 5), "exponential").parameters["rate"]
    assert found == pytest.approx(-math.log(0.95), rel=0.05)
    mu = powerlaw.compare(wide, powerlaw.fit(wide, 1), "lognormal").parameters
    assert (mu["mu"], mu["sigma"]) == pytest.approx((3, 0.7), abs=0.05)


def test_comparisons_that_cannot_be_say_why() -> None:
    few = [1, 2, 3, 4, 8]
    small = powerlaw.fit(few, 1, least_tail=2)
    assert not small.reason
    assert "fewer than ten" in powerlaw.compare(few, small, "lognormal").reason
    none = powerlaw.compare([], powerlaw.fit([]), "lognormal")
    assert none.reason and none.favours == "neither" and math.isnan(none.ratio)
    with pytest.raises(AnalysisError, match="rival"):
        powerlaw.compare(few, powerlaw.fit(few, 1), "weibull")


# -- each distribution at given parameters, over tails that are long -------------------------------


@pytest.mark.parametrize(("r", "p"), [(0.3, 0.002), (1.0, 0.01), (0.02, 0.0005), (40.0, 0.2)])
@pytest.mark.parametrize(("x_min", "x_max"), [(1, None), (50, None), (3, 4000), (50, 30_000)])
def test_negative_binomials_of_any_length(
    r: float, p: float, x_min: int, x_max: int | None
) -> None:
    """Term by term or by an integral: scipy's law, given that K is in the tail."""
    law = stats.nbinom(r, p)
    w = r / (1 + r)
    q = np.array([[w, math.log((1 - p) / p / (1 - w))]])
    k = np.array([x_min, x_min + 1.0, x_min + 30, x_min + 900])
    inside = law.sf(x_min - 1) - (law.sf(x_max) if x_max else 0.0)
    made = RIVALS["negative_binomial"].log_pmf(k, q, float(x_min), float(x_max or math.inf))[0]
    assert made == pytest.approx(law.logpmf(k) - math.log(inside), abs=1e-9)


@pytest.mark.parametrize(("alpha", "rate"), [(0.0, 0.01), (1.3, 0.001), (2.5, 1e-5), (0.7, 2.0)])
@pytest.mark.parametrize(("x_min", "x_max"), [(1, None), (80, None), (1, 5000), (80, 400)])
def test_truncated_laws_of_any_length(
    alpha: float, rate: float, x_min: int, x_max: int | None
) -> None:
    k = np.arange(x_min, (x_max or 4_000_000) + 1, dtype=float)
    terms = -alpha * np.log(k / x_min) - rate * (k - x_min)
    at = np.array([0, 1, 37, 300])
    plain = terms[at] - math.log(np.exp(terms).sum())
    end = float(x_max or math.inf)
    made = RIVALS["truncated_power_law"].log_pmf(
        k[at], np.array([[alpha, rate]]), float(x_min), end
    )[0]
    assert made == pytest.approx(plain, abs=1e-9)


@pytest.mark.parametrize("x_max", [None, 900])
@pytest.mark.parametrize(("mean", "sd"), [(-300.0, 120.0), (60.0, 25.0), (20.0, 3.0), (5.0, 200.0)])
def test_normal_laws_on_either_side_of_their_mean(
    mean: float, sd: float, x_max: int | None
) -> None:
    """Tails that begin above the mean and below it, the same law by scipy's functions."""
    x_min = 20
    law = stats.norm(mean, sd)
    a, b = (x_min - 0.5 - mean) * x_min / sd**2, x_min**2 / (2 * sd**2)
    k = np.array([20.0, 21.0, 25.0, 40.0])
    inside = law.sf(x_min - 0.5) - (law.sf(x_max + 0.5) if x_max else 0.0)
    plain = np.log((law.sf(k - 0.5) - law.sf(k + 0.5)) / inside)
    q, end = np.array([[a, b]]), float(x_max or math.inf)
    made = RIVALS["normal"].log_pmf(k, q, float(x_min), end)[0]
    assert made == pytest.approx(plain, abs=1e-7)
    # and a lognormal whose logarithm has that shape
    wide = stats.lognorm(0.8, scale=math.exp(2.0 if mean < 0 else 4.0))
    first = math.log(x_min - 0.5)
    q = np.array([[(first - math.log(wide.median())) / 0.64, 1 / (2 * 0.64)]])
    inside = wide.sf(x_min - 0.5) - (wide.sf(x_max + 0.5) if x_max else 0.0)
    plain = np.log((wide.sf(k - 0.5) - wide.sf(k + 0.5)) / inside)
    made = RIVALS["lognormal"].log_pmf(k, q, float(x_min), end)[0]
    assert made == pytest.approx(plain, abs=1e-9)


@pytest.mark.parametrize("x_max", [None, 900])
@pytest.mark.parametrize(("shape", "rate"), [(0.01, 0.01), (1.0, 0.2), (30.0, 0.5), (3.0, 2.0)])
def test_gamma_laws_near_and_far(shape: float, rate: float, x_max: int | None) -> None:
    for x_min in (1, 40):
        law = stats.gamma(shape, scale=1 / rate)
        k = x_min + np.array([0.0, 1.0, 14.0, 15.0, 16.0, 60.0])
        above = law.sf(k - 0.5) - law.sf(k + 0.5)
        plain = np.log(np.where(law.cdf(k) < 0.5, law.cdf(k + 0.5) - law.cdf(k - 0.5), above))
        inside = law.sf(x_min - 0.5) - (law.sf(x_max + 0.5) if x_max else 0.0)
        q, end = np.array([[shape, rate]]), float(x_max or math.inf)
        made = RIVALS["gamma"].log_pmf(k, q, float(x_min), end)[0]
        assert made == pytest.approx(plain - math.log(inside), abs=1e-7)


def test_a_gamma_law_whose_tail_is_below_any_float() -> None:
    """From 2,000 on at rate 1: the survival is e^-2000; the law is nearly geometric there."""
    k = np.array([2000.0, 2001.0, 2010.0])
    made = RIVALS["gamma"].log_pmf(k, np.array([[1.0, 1.0]]), 2000.0, math.inf)[0]
    assert made == pytest.approx(np.log(-np.expm1(-1.0)) - (k - 2000), abs=1e-9)
