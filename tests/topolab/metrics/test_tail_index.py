"""Tail indices: samples of known index, and every estimator against its definition."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest
from scipy.integrate import quad

from topolab.errors import AnalysisError
from topolab.metrics import tail_index
from topolab.metrics.tail_index.base import log_moments, ordered_logs, sample_sizes
from topolab.metrics.tail_index.kernel import _BIWEIGHT, _TRIWEIGHT, estimates

ESTIMATORS = {
    "hill": tail_index.hill,
    "moments": tail_index.moments,
    "kernel": tail_index.kernel,
}


def burr(rng: np.random.Generator, xi: float, rho: float, n: int) -> np.ndarray:
    """P(X > x) = (1 + x^(-rho / xi))^(1 / rho): a power law that is reached slowly."""
    return (rng.random(n) ** rho - 1) ** (-xi / rho)


SAMPLES = {
    "pareto 2": lambda rng, n: 1 + rng.pareto(2.0, n),
    "pareto 1": lambda rng, n: 1 + rng.pareto(1.0, n),
    "burr": lambda rng, n: burr(rng, 0.5, -2.0, n),
    "exponential": lambda rng, n: 1 + rng.exponential(1.0, n),
    "uniform": lambda rng, n: rng.uniform(1.0, 2.0, n),
    "degrees": lambda rng, n: tail_index.add_noise(rng.zipf(2.5, n), 1),
}


@pytest.mark.parametrize(
    ("sample", "xi", "hill", "others"),
    [
        ("pareto 2", 0.5, 0.04, 0.08),
        ("pareto 1", 1.0, 0.06, 0.1),
        ("burr", 0.5, 0.1, 0.15),
        ("degrees", 1 / 1.5, 0.08, 0.12),
        ("exponential", 0.0, None, 0.2),
        ("uniform", -1.0, None, 0.5),
    ],
)
def test_known_tails(sample: str, xi: float, hill: float | None, others: float) -> None:
    """Means of ten samples; Hill's estimator knows no index that is not above 0."""
    found: dict[str, list[float]] = {name: [] for name in ESTIMATORS}
    for seed in range(10):
        values = SAMPLES[sample](np.random.default_rng(seed), 1500)
        for name, estimate in ESTIMATORS.items():
            made = estimate(values, replicates=150, seed=seed)
            assert made.reason == "" and 2 <= made.k <= 1500 and made.n == 1500
            found[name].append(made.xi)
    if hill is not None:
        assert np.mean(found["hill"]) == pytest.approx(xi, abs=hill)
    else:
        assert 0 < np.mean(found["hill"]) < 0.3
    for name in ("moments", "kernel"):
        assert np.mean(found[name]) == pytest.approx(xi, abs=others)


def test_categories_of_known_tails() -> None:
    words = {}
    for sample, draw in SAMPLES.items():
        values = draw(np.random.default_rng(3), 2000)
        made = [estimate(values, replicates=150) for estimate in ESTIMATORS.values()]
        words[sample] = tail_index.category(made)
    assert words["pareto 1"] == words["degrees"] == "power law with divergent second moment"
    assert "power law" in words["pareto 2"] and "a power law" not in words["pareto 2"]
    assert words["uniform"] == "not a power law"
    assert words["exponential"] in ("not a power law", "hardly a power law")


def test_the_limits_of_the_categories() -> None:
    def word(*xi: float) -> str:
        return tail_index.category([tail_index.TailIndex("hill", x, 10, 100) for x in xi])

    assert word(0.9, 0.9, 0.0) == "not a power law"
    assert word(0.9, 0.9, 0.25) == "hardly a power law"
    assert word(0.9, 0.26, 0.5) == word(0.5, 0.5, 0.5) == "power law"
    assert word(0.51, 0.9, 0.6) == "power law with divergent second moment"
    assert word(0.9, math.nan, 0.9) == word() == ""
    gammas = [tail_index.TailIndex("hill", xi, 1, 1).gamma for xi in (1.0, 0.25, 0.0, -1.0)]
    assert gammas == [2.0, 5.0, math.inf, math.inf]
    assert math.isnan(tail_index.TailIndex("hill", math.nan, 1, 1).gamma)


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_seeded_and_of_any_order(name: str) -> None:
    values = SAMPLES["pareto 2"](np.random.default_rng(0), 400)
    made = ESTIMATORS[name](values, replicates=60, seed=4)
    assert made == ESTIMATORS[name](values[::-1], replicates=60, seed=4)
    assert made.xi == pytest.approx(ESTIMATORS[name](7 * values, replicates=60, seed=4).xi)
    assert made != ESTIMATORS[name](values, replicates=60, seed=5)


def test_moments_of_logarithms_by_plain_sums() -> None:
    rng = np.random.default_rng(1)
    logs = np.sort(rng.normal(5, 2, (3, 40)))[:, ::-1]
    for m, found in enumerate(log_moments(logs, 3), start=1):
        plain = [
            [((row[:k] - row[k]) ** m).mean() for k in range(1, 40)] for row in logs
        ]  # fmt: skip
        assert np.allclose(found, plain, rtol=1e-9)


@pytest.mark.parametrize(
    ("coefficients", "phi"),
    [
        (_BIWEIGHT, lambda u: 15 / 8 * (1 - u * u) ** 2),
        (_TRIWEIGHT, lambda u: 35 / 16 * (1 - u * u) ** 3),
    ],
)
def test_the_kernel_estimate_by_its_definition(coefficients: np.ndarray, phi: object) -> None:
    """With the derivative of u^(alpha + 1) phi_h(u) by differences, and a kernel of mass 1."""
    assert quad(phi, 0, 1)[0] == pytest.approx(1)
    logs = ordered_logs(1 + np.random.default_rng(2).pareto(2.0, 60))
    n, alpha = 60, 0.6

    def phi_h(u: float, h: float) -> float:
        return phi(u / h) / h if u < h else 0.0  # type: ignore[operator]

    for h in (0.2, 0.7, 1.0):
        first = q1 = q2 = 0.0
        for i in range(1, n):
            u, spacing, e = i / n, logs[i - 1] - logs[i], 1e-6
            first += u * phi_h(u, h) * spacing
            q1 += u**alpha * phi_h(u, h) * spacing
            up, down = ((u + s) ** (alpha + 1) * phi_h(u + s, h) for s in (e, -e))
            q2 += (up - down) / (2 * e) * spacing
        made = estimates(logs[None], np.array([h]), coefficients)[0, 0]
        assert made == pytest.approx(first - 1 + q2 / q1, abs=1e-5)


def test_hill_is_the_mean_log_excess_of_the_values_it_counts() -> None:
    values = SAMPLES["burr"](np.random.default_rng(5), 700)
    made = tail_index.hill(values, replicates=60)
    largest = np.sort(values)[::-1]
    assert made.xi == pytest.approx(np.log(largest[: made.k] / largest[made.k]).mean())


def test_the_constant_of_the_moment_estimator() -> None:
    """For xi >= 0 the published variances and biases, whose ratio does not depend on xi."""
    module = importlib.import_module("topolab.metrics.tail_index.moments")
    n1, k1 = 700, 100
    rho = math.log(k1) / (2 * math.log(k1 / n1))
    for xi in (0.0, 0.3, 2.0):
        variance, other = 1 + xi**2, (1 + xi**2) / 4
        bias = xi / (rho * (1 - rho)) + 1 / (1 - rho) ** 2
        other_bias = -(rho + xi * (1 - rho)) / (2 * (1 - rho) ** 3)
        published = (variance * other_bias**2 / (other * bias**2)) ** (1 / (1 - 2 * rho))
        assert module._constant(xi, n1, k1) == pytest.approx(published)
    for xi in (-0.5, -3.0):
        assert 0 < module._constant(xi, n1, k1) < 2


def test_moments_take_the_square_root_of_the_data_at_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = importlib.import_module("topolab.metrics.tail_index.moments")
    assert module._constant(-1e-6, 700, 100) < 1e-3  # and the number of values would be none
    monkeypatch.setattr(module, "_constant", lambda *_: 0.0)
    values = SAMPLES["burr"](np.random.default_rng(0), 900)
    assert tail_index.moments(values, replicates=30).k == 30


def test_bootstraps_of_half_the_data() -> None:
    for n in (50, 1000, 40_000):
        n1, n2 = sample_sizes(n)
        assert n2 == n1 * n1 // n and n2 == pytest.approx(n / 2, rel=0.05)


def test_noise_is_half_a_degree_and_leaves_zeros_out() -> None:
    degrees = np.random.default_rng(6).integers(0, 9, 2000)
    made = tail_index.add_noise(degrees, 3)
    assert np.array_equal(np.round(made), degrees[degrees > 0]) and len(set(made)) == len(made)
    assert np.array_equal(made, tail_index.add_noise(degrees, 3))
    assert not np.array_equal(made, tail_index.add_noise(degrees, 4))
    assert abs((made - np.round(made)).std() - 12**-0.5) < 0.01


def test_what_has_no_index_says_why() -> None:
    for name, estimate in ESTIMATORS.items():
        made = estimate(np.arange(1.0, 30.0))
        assert made.reason == "29 values are fewer than 50" and math.isnan(made.xi), name
        for bad in ([0.0, 1.0], [math.nan, 1.0], [[1.0, 2.0]]):
            with pytest.raises(AnalysisError):
                estimate(bad)
    for bad in ([1.5], [-1], [[1]], ["a"]):
        with pytest.raises(AnalysisError):
            tail_index.add_noise(bad)


def test_ties_give_a_number_or_a_reason() -> None:
    """Data that are whole numbers without noise, nearly all of them the same."""
    values = np.array([1.0] * 300 + [2.0] * 20 + [3.0] * 2)
    for estimate in ESTIMATORS.values():
        made = estimate(values, replicates=30)
        assert math.isfinite(made.xi) or made.reason
