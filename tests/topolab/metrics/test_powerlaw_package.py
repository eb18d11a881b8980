"""The fit as the powerlaw package makes it."""

from __future__ import annotations

import math
import warnings

import numpy as np
import powerlaw as powerlaw_package
import pytest

from topolab.errors import AnalysisError
from topolab.metrics import powerlaw


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("x_max", [None, 784])
def test_its_discrete_fit_is_ours(seed: int, x_max: int | None) -> None:
    rng = np.random.default_rng(seed)
    degrees = np.minimum(rng.zipf(2.2, 1024) + 8, 784)
    degrees[:5] = 0
    for x_min in (None, 20):
        theirs = powerlaw.fit_by_package(degrees, x_min, x_max)
        ours = powerlaw.fit(degrees, x_min, x_max)
        assert (theirs.x_min, theirs.n_tail, theirs.n) == (ours.x_min, ours.n_tail, 1024)
        assert theirs.alpha == pytest.approx(ours.alpha, abs=1e-3)
        assert theirs.ks_distance == pytest.approx(ours.ks_distance, abs=1e-4)
        assert theirs.log_likelihood == pytest.approx(ours.log_likelihood, abs=1e-4)
        assert theirs.searched == (x_min is None) and not theirs.reason


def test_its_continuous_fit_is_another() -> None:
    """From 110 on, NSH's x_min, the two are near; where a degree is a large part of x_min not."""
    rng = np.random.default_rng(3)
    near = np.round(110 * (1 - rng.random(400)) ** (-1 / 1.7)).astype(int)
    far = rng.zipf(2.7, 2000)
    for degrees, x_min, least, most in ((near, 110, 0.0, 0.02), (far, 2, 0.5, 2.0)):
        made = powerlaw.fit_by_package(degrees, x_min, discrete=False)
        tail = degrees[degrees >= x_min]
        assert made.alpha == pytest.approx(1 + len(tail) / np.log(tail / x_min).sum(), rel=1e-6)
        assert made.sigma == pytest.approx((made.alpha - 1) / math.sqrt(len(tail)), rel=1e-6)
        assert least < made.alpha - powerlaw.fit(degrees, x_min).alpha < most


def test_its_limit_of_three_is_lifted() -> None:
    """Told nothing, the package seeks alpha up to 3 and so another x_min."""
    steep = np.random.default_rng(0).zipf(3.6, 4000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        default = powerlaw_package.Fit(
            steep, discrete=True, xmin=1, verbose=0, estimate_discrete=False
        )
        assert default.power_law.alpha <= 3
    assert powerlaw.fit_by_package(steep, 1).alpha == pytest.approx(3.6, abs=0.1)


def test_what_has_no_fit_says_why() -> None:
    for degrees, x_min in (([], None), ([0, 0], None), ([5, 5, 5], None), ([1, 2, 200], 110)):
        made = powerlaw.fit_by_package(degrees, x_min)
        assert "fewer than two distinct degrees" in made.reason and math.isnan(made.alpha)
    # The package raises a ValueError where its candidate for x_min is beyond what it keeps.
    made = powerlaw.fit_by_package([3, 3, 1, 1, 0, 0], None, 3)
    assert made.reason == "the powerlaw package finds no exponent" and math.isnan(made.alpha)
    with pytest.raises(AnalysisError):
        powerlaw.fit_by_package([1.5, 2])
