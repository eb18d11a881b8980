"""A linear layer that stores and computes only its active weights (CSR), on the CPU.

Forward and input gradient are products of a sparse matrix with a dense one; the gradient of the
weights is computed at the active places only. The optimiser then works on a vector of active
weights. See docs/decisions/0008 for when this is faster than masking a dense layer.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from topolab_trainers.update import positions

__all__ = ["CsrLinear", "Pattern"]


class Pattern:
    """Where the active weights of an (m, n) layer are, for products with it and its transpose.

    Parameters
    ----------
    mask : Tensor of bool, shape (m, n)
    active : Tensor of int64, optional
        `positions` of the mask, where they are known already.

    Attributes
    ----------
    shape : tuple of int
        (m, n).
    rows, columns : Tensor of int32
        CSR row pointers (m + 1) and column indices (active), row-major.
    """

    def __init__(self, mask: Tensor, active: Tensor | None = None) -> None:
        m, n = mask.shape
        flat = positions(mask) if active is None else active
        self.shape = (m, n)
        self.columns = (flat % n).to(torch.int32)
        # Positions ascend, so where a row starts can be looked up.
        starts = torch.arange(m + 1, dtype=torch.int64) * n
        self.rows = torch.searchsorted(flat, starts, out_int32=True)
        self._transposed: tuple[Tensor, Tensor, Tensor] | None = None

    def matrix(self, values: Tensor) -> Tensor:
        """The sparse (m, n) matrix with these active values."""
        return _csr(self.rows, self.columns, values, self.shape)

    def transpose(self, values: Tensor) -> Tensor:
        """The sparse (n, m) matrix with the same values."""
        m, n = self.shape
        if self._transposed is None:  # a first layer never asks for it
            # By column, then row. Of small whole numbers numpy's stable sort is a radix sort.
            key = self.columns.numpy().astype(np.uint16 if n <= 2**16 else np.int64)
            order = torch.from_numpy(np.argsort(key, kind="stable"))
            row = torch.repeat_interleave(
                torch.arange(m, dtype=torch.int32), self.rows.diff().long()
            )
            counts = torch.bincount(self.columns, minlength=n)
            self._transposed = (_pointers(counts), row[order], order)
        rows, columns, order = self._transposed
        return _csr(rows, columns, values[order], (n, m))


def _pointers(counts: Tensor) -> Tensor:
    pointers = torch.zeros(counts.numel() + 1, dtype=torch.int32)
    pointers[1:] = counts.cumsum(0)
    return pointers


def _csr(rows: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    return torch.sparse_csr_tensor(rows, columns, values, shape, check_invariants=False)


def _say_it_once() -> None:
    # torch remarks once per process that CSR tensors are in beta. What is used here is covered
    # by tests against dense layers, so the remark is of no use to whoever trains.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zero = torch.zeros(1, dtype=torch.int32)
        _csr(torch.zeros(2, dtype=torch.int32), zero[:0], torch.zeros(0), (1, 1))


_say_it_once()


class _Product(torch.autograd.Function):
    """y = x W^T for a sparse W; both gradients without ever making W dense."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, values: Tensor, layer: CsrLinear) -> Tensor:
        ctx.layer, ctx.pattern = layer, layer.pattern
        ctx.save_for_backward(x, values)
        # The kernels are fastest on row-major operands, and so is everything around this layer.
        product: Tensor = torch.mm(layer.pattern.matrix(values), x.t().contiguous())
        return product.t().contiguous()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, values = ctx.saved_tensors
        pattern: Pattern = ctx.pattern
        transposed = grad.t().contiguous()
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = torch.mm(pattern.transpose(values), transposed).t().contiguous()
        sampled = torch.sparse.sampled_addmm(
            pattern.matrix(torch.zeros_like(values)), transposed, x, beta=0.0
        )
        if ctx.layer.wants_dense_gradient:
            ctx.layer.dense_gradient = transposed @ x
        return grad_x, sampled.values(), None


class CsrLinear(nn.Module):
    """A linear layer of active weights.

    Parameters
    ----------
    weight : Tensor, shape (m, n)
    mask : Tensor of bool, shape (m, n)
    bias : Tensor or None, shape (m,)

    Attributes
    ----------
    values : Parameter, shape (active,)
        The active weights, row-major.
    wants_dense_gradient : bool
        Whether the next backward pass leaves the gradient of *every* weight, absent ones
        included, in `dense_gradient`.

    Examples
    --------
    >>> weight, mask = torch.tensor([[1.0, 5.0], [7.0, 2.0]]), torch.eye(2, dtype=torch.bool)
    >>> CsrLinear(weight, mask, None)(torch.tensor([[10.0, 20.0]])).tolist()
    [[10.0, 40.0]]
    """

    def __init__(self, weight: Tensor, mask: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.pattern = Pattern(mask)
        self.values = nn.Parameter(weight.detach()[mask].clone())
        self.bias = None if bias is None else nn.Parameter(bias.detach().clone())
        self.wants_dense_gradient = False
        self.dense_gradient: Tensor | None = None

    @property
    def in_features(self) -> int:
        """Inputs."""
        return self.pattern.shape[1]

    @property
    def out_features(self) -> int:
        """Outputs."""
        return self.pattern.shape[0]

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (batch, m), of inputs of shape (batch, n)."""
        out: Tensor = _Product.apply(x, self.values, self)  # type: ignore[no-untyped-call]
        return out if self.bias is None else out + self.bias
