"""Laws that reach the most edges a neuron can have: fitted with that bound and without it."""

from __future__ import annotations

import numpy as np
import pytest

from topolab.metrics import powerlaw


def sample_of(seed: int, alpha: float = 2.0, low: int = 40, high: int = 1296) -> np.ndarray:
    """A thousand degrees of an exact power law between two degrees."""
    k = np.arange(low, high + 1)
    chance = k**-alpha
    return np.random.default_rng(seed).choice(k, 1000, p=chance / chance.sum())


def p_of(degrees: np.ndarray, x_max: int | None, seed: int) -> tuple[powerlaw.PowerLawFit, float]:
    law = powerlaw.fit(degrees, None, x_max)
    return law, powerlaw.goodness_of_fit(degrees, law, stop_at=0.1, seed=seed).p_value


def test_a_law_to_the_width_is_plausible_with_its_bound_only() -> None:
    """Twenty of exponent 2.0 from 40 to 1,296: CSN's rule rejects one in ten of true laws."""
    bounded, unbounded = [], []
    for seed in range(20):
        degrees = sample_of(seed)
        bounded.append(p_of(degrees, 1296, seed))
        unbounded.append(p_of(degrees, None, seed))
    assert sum(p > 0.1 for _, p in bounded) >= 17
    assert sum(p > 0.1 for _, p in unbounded) <= 3
    alpha = [law.alpha for law, _ in bounded]
    assert np.mean(alpha) == pytest.approx(2.0, abs=0.03)
    assert np.mean([law.alpha for law, _ in unbounded]) > 2.1


@pytest.mark.parametrize("truth", ["law", "bell", "lognormal"])
def test_a_bound_does_not_make_tails_tiny(truth: str) -> None:
    """A search that may end near the bound could end there often: with two degrees any law fits."""
    held = {784: [], None: []}  # type: dict[int | None, list[int]]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        degrees = {
            "law": lambda s=seed: sample_of(s, 2.5, 10, 784),
            "bell": lambda r=rng: r.binomial(784, 0.1, 512),
            "lognormal": lambda r=rng: np.minimum(np.round(np.exp(r.normal(3, 1.2, 1000))), 784),
        }[truth]()
        for bound, found in held.items():
            found.append(powerlaw.fit(degrees, None, bound).n_tail)
    tiny = {bound: sum(n < 50 for n in found) for bound, found in held.items()}
    assert tiny[784] <= tiny[None]
    short = {bound: np.quantile(found, 0.1) for bound, found in held.items()}
    assert short[784] >= 0.8 * short[None]
