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
