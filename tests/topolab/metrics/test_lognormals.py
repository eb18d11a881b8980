"""A power law against the best lognormal up to a width: by brute force, and its size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from topolab.errors import AnalysisError
from topolab.metrics.powerlaw import against_lognormals, fit


def lognormals(seed: int, mu: float, sigma: float, n: int) -> np.ndarray:
    """Rounded to whole numbers; those that are 0 are drawn anew."""
    rng, made = np.random.default_rng(seed), np.zeros(0)
    while len(made) < n:
        more = np.rint(np.exp(mu + sigma * rng.normal(size=n)))
        made = np.concatenate([made, more[more >= 1]])
    return made[:n].astype(np.int64)


def zipf(seed: int, alpha: float, low: int, high: int, n: int) -> np.ndarray:
    k = np.arange(low, high + 1)
    p = k ** -float(alpha)
    return np.random.default_rng(seed).choice(k, size=n, p=p / p.sum())


def highest(
    data: np.ndarray, law: Any, mus: np.ndarray, sigmas: np.ndarray
) -> tuple[float, float, float]:
    """The highest log-likelihood on a grid of (mu, sigma), and where it is."""
    k, counts = np.unique(data[data >= law.x_min], return_counts=True)
    best = (-math.inf, math.nan, math.nan)
    top = math.inf if law.x_max is None else law.x_max + 0.5
    for mu in mus:
        for sigma in sigmas:
            low, high = (
                ndtr((mu - np.log(k + shift)) / sigma) for shift in (-0.5, 0.5)
            )  # survivals
            whole = ndtr((mu - math.log(law.x_min - 0.5)) / sigma) - ndtr(
                (mu - math.log(top)) / sigma if math.isfinite(top) else -math.inf
            )
            with np.errstate(divide="ignore", invalid="ignore"):
                value = float(counts @ np.log((low - high) / whole))
            if math.isfinite(value):
                best = max(best, (value, float(mu), float(sigma)))
    return best


def power_law(data: np.ndarray, law: Any, high: int) -> float:
    """Its log-likelihood by a plain sum."""
    tail = data[data >= law.x_min]
    support = np.arange(law.x_min, high + 1) ** -law.alpha
    return float(-law.alpha * np.log(tail).sum() - len(tail) * math.log(support.sum()))


@pytest.mark.parametrize(
    ("data", "x_min", "x_max", "sigma"),
    [
        (zipf(0, 2.0, 3, 400, 800), 3, 400, 2.0),
        (zipf(1, 2.6, 2, 200, 500), 2, 200, 1.0),
        (lognormals(2, 2.5, 0.7, 600), 4, 300, 2.0),
        (np.minimum(lognormals(3, 2.0, 1.4, 600), 500), 1, 500, 2.0),
    ],
)
def test_no_lognormal_of_a_grid_is_better(
    data: np.ndarray, x_min: int, x_max: int, sigma: float
) -> None:
    law = fit(data, x_min, x_max)
    made = against_lognormals(data, law, sigma)
    at = made.parameters
    assert at["sigma"] <= sigma * (1 + 1e-9)
    ours = power_law(data, law, x_max)
    coarse = highest(data, law, np.linspace(-12, 6, 91), np.linspace(0.1, sigma, 39))
    fine = highest(
        data, law, np.linspace(coarse[1] - 0.3, coarse[1] + 0.3, 61),
        np.minimum(np.linspace(coarse[2] - 0.06, coarse[2] + 0.06, 41), sigma),
    )  # fmt: skip
    assert ours - made.ratio >= fine[0] - 1e-6  # theirs is the highest of all
    assert ours - made.ratio == pytest.approx(fine[0], abs=0.02)
    assert (at["mu"], at["sigma"]) == pytest.approx((fine[1], fine[2]), abs=0.06)
    # The statistic is the signed root of twice the ratio, and the test is one-sided.
    assert made.normalised == pytest.approx(math.copysign((2 * abs(made.ratio)) ** 0.5, made.ratio))
    assert made.p_value == pytest.approx(1 - ndtr(made.normalised), abs=1e-12)


@pytest.mark.parametrize("sigma", [1.2, 2.0])
def test_its_size_is_that_of_a_test_at_five_percent(sigma: float) -> None:
    """Lognormals up to the width are told from themselves by chance only."""
    rejected = 0
    for seed in range(40):
        data = lognormals(seed, 3.0, sigma, 500)
        rejected += against_lognormals(data, fit(data, 1), 2.0).p_value < 0.05
    assert rejected <= 4


@pytest.mark.parametrize(("alpha", "low"), [(2.0, 1), (2.0, 40), (2.7, 5)])
def test_an_exact_law_is_told_from_them(alpha: float, low: int) -> None:
    for seed in range(3):
        data = zipf(seed, alpha, low, 5000, 5000)
        made = against_lognormals(data, fit(data, low, 5000))
        assert made.p_value < 0.05 and made.ratio > 0
        assert made.parameters["sigma"] == pytest.approx(2.0)  # the widest is the nearest


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6), st.floats(0.3, 1.9))
def test_wider_lognormals_are_never_worse(seed: int, sigma: float) -> None:
    data = zipf(seed, 2.2, 3, 500, 300)
    law = fit(data, 3, 500)
    narrow, wide = (against_lognormals(data, law, s) for s in (sigma, sigma + 0.1))
    assert wide.ratio <= narrow.ratio + 1e-6
    assert wide.p_value >= narrow.p_value - 1e-6


def test_its_name_says_the_width() -> None:
    data = zipf(0, 2.0, 3, 400, 300)
    assert against_lognormals(data, fit(data, 3, 400)).rival == "lognormal up to 2"
    assert against_lognormals(data, fit(data, 3, 400), 1.5).rival == "lognormal up to 1.5"


def test_what_it_cannot_be_asked_of() -> None:
    data = zipf(0, 2.0, 3, 400, 300)
    law = fit(data, 3, 400)
    for sigma in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(AnalysisError, match="must be above 0"):
            against_lognormals(data, law, sigma)
    with pytest.raises(AnalysisError, match="not the degrees the law was fitted to"):
        against_lognormals(data[1:], law)
    none = fit([5] * 40)
    made = against_lognormals([5] * 40, none)
    assert made.reason == none.reason and math.isnan(made.p_value) and made.favours == "neither"
    few = fit([3, 4, 5, 6, 8], 3, least_tail=2)
    made = against_lognormals([3, 4, 5, 6, 8], few)
    assert made.reason == "5 degrees in the tail are fewer than ten" and math.isnan(made.ratio)
