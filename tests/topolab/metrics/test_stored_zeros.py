"""A stored 0 of a sparse matrix is no edge, whatever is measured of the matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from topolab.metrics import dormancy, heatmap, nulls, paths, spectral

SIZES = {"input": 6, "fc1": 5, "fc2": 4}


def blocks(*, zeros: bool) -> list[tuple[str, str, sp.csr_array]]:
    """Two layers; with `zeros` every absent edge of the same layers is a stored 0."""
    rng = np.random.default_rng(2)
    made = []
    for source, target in (("input", "fc1"), ("fc1", "fc2")):
        mask = rng.random((SIZES[target], SIZES[source])) < 0.25
        block = sp.csr_array(mask.astype(np.int32))
        if zeros:
            rows, columns = np.indices(mask.shape)
            block = sp.csr_array(
                (mask.astype(np.int32).ravel(), columns.ravel(),
                 np.arange(mask.shape[0] + 1) * mask.shape[1]), shape=mask.shape,
            )  # fmt: skip
            assert block.nnz == rows.size > mask.sum()
        made.append((source, target, block))
    return made


def test_paths_do_not_lead_over_stored_zeros() -> None:
    clean, dirty = (paths.trace(SIZES, blocks(zeros=z)) for z in (False, True))
    for layer in SIZES:
        assert clean.from_input[layer].tolist() == dirty.from_input[layer].tolist()
        assert clean.to_output[layer].tolist() == dirty.to_output[layer].tolist()
        np.testing.assert_array_equal(clean.log_through[layer], dirty.log_through[layer])
    first, second = (block.toarray() for _, _, block in blocks(zeros=False))
    assert dirty.log_total == pytest.approx(np.log((second @ first).sum()))
    assert clean.effective == dirty.effective
    assert dirty.effective["fc1"] < first.sum()  # some edge leads nowhere
    on = [dormancy.on_path(SIZES, blocks(zeros=z)) for z in (False, True)]
    for layer in SIZES:
        assert on[0][layer].tolist() == on[1][layer].tolist()
    assert not all(mask.all() for mask in on[1].values())


@pytest.mark.parametrize(
    "measure",
    [
        lambda b: astuple(spectral.spectrum(b)),
        nulls.assortativity,
        heatmap.input_degree,
        lambda b: heatmap.first_hidden(b, np.arange(b.shape[0])),
        lambda b: nulls.uniform(b, np.random.default_rng(0)).toarray(),
        lambda b: nulls.rewired(b, np.random.default_rng(0), 10.0)[0].toarray(),
    ],
    ids=["spectrum", "assortativity", "input_degree", "first_hidden", "uniform", "rewired"],
)
def test_measures_of_a_layer_do_not_see_stored_zeros(measure: Callable[[Any], Any]) -> None:
    for (_, _, clean), (_, _, dirty) in zip(blocks(zeros=False), blocks(zeros=True), strict=True):
        np.testing.assert_equal(measure(dirty), measure(clean))
