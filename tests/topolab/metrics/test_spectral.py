"""Singular values, against numpy; the Ramanujan bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp

from topolab.metrics import nulls, spectral


@pytest.mark.parametrize("shape", [(20, 30), (90, 120)])
def test_singular_values_are_numpys(shape: tuple[int, int]) -> None:
    """The larger shape goes the iterative way."""
    block = sp.csr_array(np.random.default_rng(2).random(shape) < 0.2)
    found = spectral.spectrum(block)
    full = block.toarray().astype(float)
    values = np.linalg.svd(full, compute_uv=False)
    assert (found.sigma1, found.sigma2) == pytest.approx(tuple(values[:2]), rel=1e-9)
    rows, cols = full.sum(1), full.sum(0)
    bound = math.sqrt(rows.mean() - 1) + math.sqrt(cols.mean() - 1)
    assert found.bound == pytest.approx(bound) and found.gap == pytest.approx(values[0] - values[1])
    scaled = np.linalg.svd(full / np.sqrt(rows[:, None] * cols), compute_uv=False)
    assert scaled[0] == pytest.approx(1) and found.normalised2 == pytest.approx(scaled[1], rel=1e-9)


def test_known_spectra() -> None:
    pieces = sp.csr_array(np.kron(np.eye(2), np.ones((3, 4))))
    found = spectral.spectrum(pieces)
    assert found.normalised2 == pytest.approx(1) and found.gap == pytest.approx(0, abs=1e-9)
    for block, reason in (
        (np.zeros((3, 4)), "no edges"),
        (np.eye(1, 5), "single neuron"),
        (np.ones((1, 5)), "single neuron"),
    ):
        none = spectral.spectrum(sp.csr_array(block))
        assert math.isnan(none.sigma1) and reason in none.reason
    matching = spectral.spectrum(sp.csr_array(np.eye(4)))
    assert "the bound is 0" in matching.reason and not matching.proven


def test_a_random_regular_layer_is_nearly_ramanujan() -> None:
    """Friedman: almost every one; hubs are not, in the plain spectrum."""
    rng = np.random.default_rng(3)
    regular = sp.csr_array(np.array([rng.permutation(np.arange(200) < 12) for _ in range(200)]))
    regular, _ = nulls.rewired(regular, rng)
    assert abs(spectral.spectrum(regular).margin) < 0.15
    hubs = rng.random((200, 200)) < np.where(np.arange(200) < 10, 0.6, 0.03)[:, None]
    assert spectral.spectrum(sp.csr_array(hubs)).margin < -0.15


@pytest.mark.parametrize(
    ("block", "proven"),
    [
        (np.ones((2, 2)), True),
        (np.ones((3, 2)), True),
        # A neuron with a single input; one with a single output; a neuron with more than two.
        ([[1, 1, 1], [1, 1, 1], [1, 0, 0]], False),
        ([[1, 1, 0], [1, 1, 0], [1, 1, 1]], False),
        ([[1, 1, 1], [1, 1, 1], [1, 1, 1]], True),
        # Neurons without edges do not count.
        ([[1, 1, 0], [1, 1, 0], [0, 0, 0]], True),
        (np.eye(3), False),
    ],
)
def test_the_bound_is_proven_where_every_neuron_has_two_edges(block: object, proven: bool) -> None:
    assert spectral.spectrum(sp.csr_array(np.asarray(block, float))).proven is proven


def test_neurons_without_edges_change_nothing() -> None:
    small = sp.csr_array(np.array([[1.0, 1, 0], [0, 1, 1], [1, 1, 1]]))
    large = sp.csr_array(np.pad(small.toarray(), ((0, 2), (1, 3))))
    assert spectral.spectrum(small) == spectral.spectrum(large)
    weighted = small.copy()
    weighted.data = np.array([-3.0, 0.5, 2, 2, 7, -1, 4])
    assert spectral.spectrum(weighted) == spectral.spectrum(small)


def test_two_neurons_on_a_side_have_two_singular_values() -> None:
    """[[1, 1], [0, 1]]: the golden ratio and its inverse."""
    found = spectral.spectrum(sp.csr_array(np.array([[1.0, 1], [0, 1]])))
    golden = (1 + math.sqrt(5)) / 2
    assert (found.sigma1, found.sigma2) == pytest.approx((golden, 1 / golden))
    assert found.bound == pytest.approx(2 * math.sqrt(0.5)) and found.reason == ""
    assert found.margin == pytest.approx(1 - 1 / golden / math.sqrt(2))
    matching = spectral.spectrum(sp.csr_array(np.eye(3)))
    assert matching.bound == 0 and math.isnan(matching.margin) and matching.sigma2 == 1
    assert not spectral.spectrum(sp.csr_array((3, 3))).proven


def test_a_small_bound_is_a_bound() -> None:
    """Four neurons a side and five edges: 2 sqrt(1/4) = 1; one edge less is a matching."""
    block = np.eye(4)
    block[0, 1] = 1
    found = spectral.spectrum(sp.csr_array(block))
    assert found.bound == pytest.approx(1) and math.isfinite(found.margin) and found.reason == ""


def test_the_second_normalised_value_is_at_most_one() -> None:
    """Of two pieces it is 1, whatever the rounding."""
    for seed in range(10, 30):
        rng = np.random.default_rng(seed)
        pieces = sp.block_diag([rng.random((5, 7)) < 0.7, rng.random((6, 4)) < 0.7], format="csr")
        assert 1 - 1e-9 < spectral.spectrum(sp.csr_array(pieces.astype(float))).normalised2 <= 1


@pytest.mark.parametrize("short", [64, 65])
def test_both_ways_agree_and_the_seed_fixes_the_iteration(short: int) -> None:
    """64 neurons on the shorter side go the full way, 65 the iterative one."""
    block = sp.csr_array((np.random.default_rng(short).random((short, 90)) < 0.2).astype(float))
    found = spectral.spectrum(block, seed=3)
    values = np.linalg.svd(block.toarray(), compute_uv=False)
    assert (found.sigma1, found.sigma2) == pytest.approx(tuple(values[:2]), rel=1e-9)
    assert spectral.spectrum(block, seed=3) == found
    assert spectral.spectrum(block) == spectral.spectrum(block, seed=0)
    same = spectral.spectrum(block, seed=3) == spectral.spectrum(block, seed=4)
    assert same == (short == 64)


@pytest.mark.parametrize("shape", [(20, 30), (1, 9), (70, 200), (200, 70), (150, 150)])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 1.0])
def test_the_second_normalised_value_alone_is_that_of_the_spectrum(
    shape: tuple[int, int], share: float
) -> None:
    full = (np.random.default_rng(7).random(shape) < share).astype(float)
    block = sp.csr_array(full)
    alone, whole = spectral.second_normalised(block), spectral.spectrum(block).normalised2
    assert alone == pytest.approx(whole, abs=1e-15, nan_ok=True)
    full = full[full.any(1)][:, full.any(0)]
    if min(full.shape) < 2:
        assert math.isnan(alone)
    else:
        scaled = full / np.sqrt(full.sum(1)[:, None] * full.sum(0))
        values = np.linalg.svd(scaled, compute_uv=False)
        assert alone == pytest.approx(values[1], abs=1e-12)
