"""SparseLab's SET, trained with its own loop on its own sparse layers, is recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import topolab
from topolab.integrations.masks import find_mask

sparselab = pytest.importorskip("sparselab", reason="sparselab is not installed")
# What it does itself: its layers are made from torch's CSR tensors, its to_dense reads views.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta"),
    pytest.mark.filterwarnings("ignore:The given NumPy array is not writable"),
]

Batch = Callable[..., tuple[torch.Tensor, torch.Tensor]]


def live(layer: torch.nn.Module) -> np.ndarray:
    """Its connections, by its own reader, with values that cannot be 0."""
    csr = layer._csr
    mask = np.zeros((csr.nrows, csr.ncols), dtype=bool)
    for row in range(csr.nrows):
        start, length = int(csr.row_start[row]), int(csr.row_nnz[row])
        mask[row, np.asarray(csr.col_indices)[start : start + length]] = True
    return mask


def test_set_is_recorded(tmp_path: Path, batch: Batch) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        sparselab.SparseLinear(8, 12, sparsity=0.5), torch.nn.ReLU(), torch.nn.Linear(12, 3)
    )
    updates = sparselab.SET(sparsity=0.5, drop_fraction=0.3, update_freq=3, seed=1)
    model.apply(updates)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    used = {}
    with topolab.attach(optimizer, model, tmp_path / "run", every=1, weights=True):
        for step in range(1, 10):
            inputs, labels = batch(step)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), labels).backward()
            used[step] = live(model[0])
            optimizer.step()
            last = model[0]._csr.to_dense().clone()
            updates.step()
        final = live(model[0])
        found = find_mask(model[0])
        assert found is not None
        assert np.array_equal(found.mask.numpy(), final)
    run = topolab.open_run(tmp_path / "run")
    assert [(s.name, s.shape, s.maskable) for s in run.layers] == [
        ("0", (12, 8), True), ("2", (3, 12), False),
    ]  # fmt: skip
    for step, mask in used.items():
        assert np.array_equal(run.at(step=step).masks["0"], mask)
    assert not np.array_equal(used[1], used[9])
    assert run[-1].weights["0"] is not None
    assert np.array_equal(run[-1].weights["0"], last.numpy()[used[9]])
    assert (final & (model[0]._csr.to_dense().numpy() == 0)).any()  # grown, and still 0
