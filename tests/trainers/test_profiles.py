"""PSN's arithmetic: shapes, fan-ins, spreading, and what the paper says of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from topolab.errors import ConfigError
from topolab_trainers import profiles
from topolab_trainers.profiles import ccv, fan_ins, searched, shape


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("linear", 0.577), ("quadratic", 0.447), ("exponential", 0.811), ("bell", 0.650)],
)
def test_the_cv_of_the_continuous_profiles(name: str, expected: float) -> None:
    """PSN's text says ~0.45 for linear and ~0.25 for quadratic; its formulas give these."""
    assert ccv(shape(name, 1_000_000)) == pytest.approx(expected, abs=1e-3)
    # By quadrature, independently of how we sample: E[P^2] / E[P]^2 - 1.
    from scipy.integrate import quad

    formula = {
        "linear": lambda t: 1 - t,
        "quadratic": lambda t: 1 - t**2,
        "exponential": lambda t: np.exp(-3 * t),
        "bell": lambda t: np.exp(-3 * (2 * (t - 0.5)) ** 2),
    }[name]
    mean, square = quad(formula, 0, 1)[0], quad(lambda t: formula(t) ** 2, 0, 1)[0]
    assert np.sqrt(square / mean**2 - 1) == pytest.approx(expected, abs=1e-3)
    inverse = shape(f"inverse-{name}", 1_000_000)
    if name != "bell":
        assert ccv(inverse) == pytest.approx(expected, abs=1e-3)


def test_multi_peak_falls_to_0_with_the_number_of_peaks() -> None:
    """PSN says from ~3.2 at k = 1, beta = 1200; the formula gives 3.58, before any clamping."""
    values = [ccv(shape("multi-peak", 1024, peaks=k, beta=1200)) for k in (1, 2, 5, 10, 50)]
    assert values[0] == pytest.approx(3.58, abs=0.01) and values[-1] == pytest.approx(0, abs=0.05)
    assert values == sorted(values, reverse=True)
    p = shape("multi-peak", 1000, peaks=2, beta=1200)
    assert p[250] == p[750] == 1 and p[500] < 1e-30  # centres at 1/4 and 3/4


def test_figure_1_follows_from_rounding_down() -> None:
    """784 -> 1024 at 90 %, exponential: fan-in 247 to 12, ratio 20.6, mean 77.9."""
    edges = round(0.1 * 784 * 1024)
    f = fan_ins(shape("exponential", 1024), 784, edges, rounding="floor")
    assert (f.max(), f.min()) == (247, 12)
    assert f.max() / f.min() == pytest.approx(20.6, abs=0.05)
    assert f.mean() == pytest.approx(77.9, abs=0.05)


def test_the_parameter_counts_follow_from_rounding_up() -> None:
    """About 80,800 active weights in 784 -> 1024 and 105,400 in 1024 -> 1024, at 90 %."""
    for n, stated in ((784, 80_800), (1024, 105_400)):
        edges = round(0.1 * n * 1024)
        up = fan_ins(shape("exponential", 1024), n, edges, rounding="ceil").sum()
        down = fan_ins(shape("exponential", 1024), n, edges, rounding="floor").sum()
        assert abs(up - stated) < 50 < abs(down - stated)
        assert fan_ins(shape("exponential", 1024), n, edges).sum() == edges


NAMES = ["linear", "quadratic", "exponential", "bell", "inverse-bell", "inverse-linear",
         "multi-peak"]  # fmt: skip


@given(
    st.sampled_from(NAMES),
    st.integers(2, 60),
    st.integers(2, 60),
    st.floats(0.05, 0.95),
    st.integers(0, 3),
    st.sampled_from(profiles.ROUNDINGS),
)
def test_what_holds_for_all_fan_ins(
    name: str, n: int, m: int, sparsity: float, f_min: int, rounding: str
) -> None:
    edges = round((1 - sparsity) * n * m)
    if f_min > n or edges < m * f_min or edges == 0:
        with pytest.raises(ConfigError):
            fan_ins(shape(name, m), n, edges if edges else -1, rounding=rounding, f_min=f_min)
        return
    f = fan_ins(shape(name, m, peaks=2), n, edges, rounding=rounding, f_min=f_min)
    assert f.shape == (m,) and f.min() >= f_min and f.max() <= n
    if rounding == "exact":
        assert f.sum() == edges
    if name in ("linear", "quadratic", "exponential"):
        assert (np.diff(f) <= 1).all()  # descending but for the rounding


@pytest.mark.parametrize("target", [0.25, 0.5, 1.0, 1.5, 2.0, 2.5])
def test_the_ccv_is_met_after_clamping(target: float) -> None:
    n, m = 784, 1024
    edges = round(0.1 * n * m)
    for seed in (1, 2):
        family = profiles.lognormal_family(m, seeded(seed))
        p = searched(family, profiles.WIDEST_SIGMA, target, n=n, edges=edges)
        f = fan_ins(p, n, edges)
        assert f.sum() == edges and ccv(f) == pytest.approx(target, abs=0.01)
        assert (np.diff(f) <= 1).all()
    if target <= 2.0:
        p = searched(profiles.powerlaw_family(m), profiles.WIDEST_GAMMA, target, n=n, edges=edges)
        f = fan_ins(p, n, edges)
        assert f.sum() == edges and ccv(f) == pytest.approx(target, abs=0.01)


def test_unclamped_lognormal_has_the_sigma_of_the_formula() -> None:
    """Far from both clamps, sigma^2 = ln(1 + CCV^2)."""
    family = profiles.lognormal_family(20_000, seeded())
    p = searched(family, profiles.WIDEST_SIGMA, 0.5, n=100_000, edges=20_000 * 2_000)
    assert np.log(p).std() == pytest.approx(np.sqrt(np.log(1.25)), rel=0.03)
    # ... and the power law is exactly rank^-gamma there.
    p = searched(profiles.powerlaw_family(50), profiles.WIDEST_GAMMA, 0.5, n=10**6, edges=10**6)
    slope = np.diff(np.log(p)) / np.diff(np.log(np.arange(1, 51)))
    assert slope.std() < 1e-9 and slope.mean() < 0


def test_a_ccv_out_of_reach_names_the_largest() -> None:
    family = profiles.lognormal_family(1024, seeded())
    with pytest.raises(ConfigError, match=r"largest reachable is (\d\.\d+)") as caught:
        searched(family, profiles.WIDEST_SIGMA, 3.5, n=784, edges=80_282, what="lognormal")
    largest = float(str(caught.value).rpartition(" ")[2])
    assert 2.7 < largest < 3.0  # the paper: about 2.8 at 90 %
    searched(family, profiles.WIDEST_SIGMA, largest - 0.001, n=784, edges=80_282)
    with pytest.raises(ConfigError, match="largest reachable"):
        searched(family, profiles.WIDEST_SIGMA, largest + 0.01, n=784, edges=80_282)


def test_too_few_edges_names_the_ceiling() -> None:
    with pytest.raises(ConfigError, match=r"highest sparsity is 0\.9"):
        fan_ins(shape("linear", 100), 10, 99)
    with pytest.raises(ConfigError, match=r"f_min 11 is not in \[0, 10\]"):
        fan_ins(shape("linear", 5), 10, 50, f_min=11)
    with pytest.raises(ConfigError, match="more than 5 neurons of 10 inputs"):
        fan_ins(shape("linear", 5), 10, 51)
    with pytest.raises(ConfigError, match="no formula"):
        shape("triangle", 4)


@pytest.mark.parametrize(("alpha", "n", "m"), [(700, 100, 100), (2000, 23, 28), (4000, 784, 1024)])
def test_very_sharp_profiles_are_all_or_little(alpha: float, n: int, m: int) -> None:
    """Values that underflow must not turn the search into a flat profile or an endless one."""
    edges = n * m // 3
    f = fan_ins(shape("exponential", m, alpha=alpha), n, edges)
    assert f.sum() == edges and (np.diff(f) <= 1).all()
    assert f[0] == n and f[-1] < f.mean()
    bell = fan_ins(shape("bell", 9, beta=1200), 15, 106, f_min=3)
    assert bell.sum() == 106 and bell[4] == 15


def test_rounding_leaves_hubs_that_are_full() -> None:
    """A fan-in clamped to n is n, whatever the last bit of the scale says."""
    family = profiles.lognormal_family(1024, seeded(1))
    p = searched(family, profiles.WIDEST_SIGMA, 2.0, n=784, edges=80_282)
    full = int((p >= 784).sum())
    assert full > 10
    for rounding in profiles.ROUNDINGS:
        f = fan_ins(p, 784, 80_282, rounding=rounding)
        assert int((f == 784).sum()) >= full and int((f == 1).sum()) >= int((p <= 1).sum())


@pytest.mark.parametrize("spreading", profiles.SPREADINGS)
def test_spreading_gives_every_neuron_its_fan_in(spreading: str) -> None:
    f = fan_ins(shape("exponential", 200), 100, 2000)
    mask = profiles.spread(f, 100, spreading, seeded())
    assert mask.sum(1).tolist() == f.tolist()
    again = profiles.spread(f, 100, spreading, seeded())
    assert torch.equal(mask, again)


@given(st.integers(0, 5000), st.integers(1, 300), st.data())
def test_even_inputs_are_distinct_and_evenly_apart(i: int, n: int, data: st.DataObject) -> None:
    f = data.draw(st.integers(1, n))
    chosen = profiles.even(i, f, n)
    assert len(set(chosen.tolist())) == f and chosen.min() >= 0 and chosen.max() < n
    gaps = np.diff(np.sort(chosen))
    if f > 1:
        assert (gaps.max() <= -(-n // f) and gaps.min() >= n // f) or n % f
        # j_k = floor((phi_i + k n / f) mod n), in exact arithmetic
        start = int(chosen[0])
        assert chosen.tolist() == [(start + k * n // f) % n for k in range(f)]


def test_even_spreading_is_near_uniform_and_sequential_leaves_inputs_dead() -> None:
    f = fan_ins(shape("exponential", 1024), 784, 80_282)
    out = {s: profiles.spread(f, 784, s, seeded()).sum(0) for s in profiles.SPREADINGS}
    assert int((out["even"] == 0).sum()) == 0 == int((out["random"] == 0).sum())
    assert float(out["even"].double().std()) < float(out["random"].double().std())
    # The paper: 69 % dead inputs under sequential spreading.
    assert float((out["sequential"] == 0).double().mean()) == pytest.approx(0.69, abs=0.01)


def test_random_spreading_is_uniform() -> None:
    hits = torch.zeros(10)
    for seed in range(300):
        hits += profiles.spread(np.array([3, 3]), 10, "random", seeded(seed)).sum(0)
    assert hits.min() > 140 and hits.max() < 220  # 180 expected, standard deviation 11
