"""The largest eigenvalue beside a known one, against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from topolab.metrics import lanczos


def value(matrix: np.ndarray, known: np.ndarray, seed: int = 0) -> float:
    start = np.random.default_rng(seed).normal(size=len(matrix))
    vector = lanczos.largest_beside(known, lambda x: matrix @ x, start)
    assert vector is not None
    assert abs(vector @ known) < 1e-12 and vector @ vector == pytest.approx(1)
    return float(vector @ matrix @ vector)


def spread(values: list[float], seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A matrix of these eigenvalues, and the eigenvector of the first."""
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))
    return axes @ np.diag(values) @ axes.T, axes[:, 0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, *np.linspace(0, 0.3, 199)], 0.3),
        ([1, *np.linspace(0, 0.3, 799) ** 0.5], 0.3**0.5),  # dense at the end
        ([1, *np.linspace(0, 0.3, 198), 0.3 + 1e-7], 0.3 + 1e-7),  # two that are close
        ([1, 1, *np.linspace(0, 0.3, 98)], 1.0),  # the known one is there twice
        ([1, 0.5, 0.5, 0.5, *[0.1] * 60], 0.5),  # few distinct ones: a space that ends early
        ([1, *[0.2] * 70], 0.2),
        ([1, *[0.0] * 70], 0.0),
        ([0.4, 1, *np.linspace(0, 0.3, 98)], 1.0),  # the known one need not be the largest
        ([1, 0.5], 0.5),
        ([1, 0.5, 0.25], 0.5),
    ],
)
def test_the_largest_of_the_others(values: list[float], expected: float) -> None:
    matrix, known = spread(values)
    assert value(matrix, known) == pytest.approx(expected, abs=1e-14, rel=1e-13)


def test_a_space_too_small_begins_again_from_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, known = spread([1, *np.linspace(0, 0.3, 120), 0.32])
    monkeypatch.setattr(lanczos, "_MOST", 18)
    assert value(matrix, known) == pytest.approx(0.32, rel=1e-13)
    monkeypatch.setattr(lanczos, "_RESTARTS", 1)
    start = np.random.default_rng(0).normal(size=len(matrix))
    assert lanczos.largest_beside(known, lambda x: matrix @ x, start) is None


def test_fewer_products_than_a_restarted_iteration() -> None:
    """On a random layer of 512 x 512 scipy's takes half as many again and more."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    layer = (np.random.default_rng(2).random((512, 512)) < 0.1).astype(float)
    layer /= np.sqrt(layer.sum(1)[:, None] * layer.sum(0))
    gram = layer.T @ layer
    known = np.linalg.eigh(gram)[1][:, -1]
    start = np.random.default_rng(0).normal(size=512)
    counts = [0, 0]

    def product(which: int, x: np.ndarray) -> np.ndarray:
        counts[which] += 1
        return np.asarray(gram @ x)

    vector = lanczos.largest_beside(known, lambda x: product(0, x), start)
    assert vector is not None
    operator = LinearOperator((512, 512), matvec=lambda x: product(1, x.ravel()))
    values = eigsh(operator, k=2, tol=0, v0=start, return_eigenvectors=False)
    assert vector @ gram @ vector == pytest.approx(values.min(), rel=1e-12)
    assert 1.5 * counts[0] < counts[1]
