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
