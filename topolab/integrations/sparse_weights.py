"""Sparse weights as masks: which entries a tensor or a matrix of rows stores."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

__all__ = ["has_csr", "mask_of_sparse", "unpack_csr"]


def mask_of_sparse(values: torch.Tensor) -> torch.Tensor:
    """Where a sparse tensor has an entry, be it 0 or not."""
    if values.layout == torch.sparse_coo:
        indices = values._indices()
        entries = torch.ones(indices.shape[1], device=values.device)
        return torch.sparse_coo_tensor(
            indices, entries, values.shape, check_invariants=False
        ).to_dense() != 0  # fmt: skip
    ones = torch.ones_like(values.values(), dtype=torch.float32)
    by_row = values.layout in (torch.sparse_csr, torch.sparse_bsr)
    start = values.crow_indices() if by_row else values.ccol_indices()
    other = values.col_indices() if by_row else values.row_indices()
    with warnings.catch_warnings():  # torch says once that the layout is in beta
        warnings.filterwarnings("ignore", message="Sparse .* tensor support is in beta")
        filled = torch.sparse_compressed_tensor(
            start, other, ones, values.shape, layout=values.layout, check_invariants=False
        )
    return filled.to_dense() != 0


def has_csr(module: torch.nn.Module) -> bool:
    """Whether a module keeps its weight as SparseLab's ``SparseLinear`` does."""
    fields = ("nrows", "ncols", "values", "col_indices", "row_start", "row_nnz")
    csr = getattr(module, "_csr", None)
    return all(hasattr(csr, field) for field in fields)


def unpack_csr(csr: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Mask and values of a CSR matrix whose rows have room behind their live entries."""
    lengths = np.asarray(csr.row_nnz, dtype=np.int64)
    starts = np.asarray(csr.row_start, dtype=np.int64)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    behind = np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = np.arange(len(rows)) - behind + np.repeat(starts, lengths)
    columns = np.asarray(csr.col_indices, dtype=np.int64)[places]
    mask = np.zeros((int(csr.nrows), int(csr.ncols)), dtype=np.bool_)
    values = np.zeros(mask.shape, dtype=np.float32)
    mask[rows, columns] = True
    values[rows, columns] = np.asarray(csr.values, dtype=np.float32)[places]
    return torch.from_numpy(mask), torch.from_numpy(values)
