"""A linear layer that stores and computes only its active weights (CSR), on the CPU.

Forward and input gradient are products of a sparse matrix with a dense one; the gradient of the
weights is computed at the active places only. The optimiser then works on a vector of active
weights. See docs/decisions/0008 for when this is faster than masking a dense layer.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["CsrLinear", "Pattern"]


@dataclass(frozen=True)
class Pattern:
    """Where the active weights of an (m, n) layer are, for products with it and its transpose.

    Attributes
    ----------
    shape : tuple of int
        (m, n).
    rows, columns : Tensor of int32
        CSR row pointers (m + 1) and column indices (active), row-major.
    rows_t, columns_t : Tensor of int32
        The same of the transpose.
    order_t : Tensor of int64
        Active weights of the transpose, as positions in the row-major vector.
    """

    shape: tuple[int, int]
    rows: Tensor
    columns: Tensor
    rows_t: Tensor
    columns_t: Tensor
    order_t: Tensor

    @classmethod
    def of(cls, mask: Tensor) -> Pattern:
        """The pattern of a mask, Tensor of bool, shape (m, n)."""
        m, n = mask.shape
        flat = torch.nonzero(mask.reshape(-1)).squeeze(1)
        row, column = flat // n, flat % n
        order_t = torch.argsort(column, stable=True)  # by column, then row: the transpose's order
        return cls(
            (m, n),
            _pointers(row, m),
            column.to(torch.int32),
            _pointers(column, n),
            row[order_t].to(torch.int32),
            order_t,
        )

    def matrix(self, values: Tensor) -> Tensor:
        """The sparse (m, n) matrix with these active values."""
        return _csr(self.rows, self.columns, values, self.shape)

    def transpose(self, values: Tensor) -> Tensor:
        """The sparse (n, m) matrix with the same values."""
        m, n = self.shape
        return _csr(self.rows_t, self.columns_t, values[self.order_t], (n, m))


def _pointers(index: Tensor, size: int) -> Tensor:
    counts = torch.bincount(index, minlength=size)
    pointers = torch.zeros(size + 1, dtype=torch.int32)
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
        product: Tensor = torch.mm(layer.pattern.matrix(values), x.t())
        return product.t()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None]:  # type: ignore[override]
        x, values = ctx.saved_tensors
        pattern: Pattern = ctx.pattern
        transposed = grad.t().contiguous()
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = torch.mm(pattern.transpose(values), transposed).t()
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
        self.pattern = Pattern.of(mask)
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
