"""How a layer's weights are kept: dense with a mask, one slice of many, or active ones only.

All offer the same: the mask, the weight and its dense gradient as seen by an update, and ways
to mask the gradient of a step and to apply an update.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from topolab.layers import LayerSpec
from topolab_trainers.csr import CsrLinear, Pattern
from topolab_trainers.update import positions

__all__ = [
    "CSR_DENSITY",
    "CSR_SIZE",
    "CsrStorage",
    "MaskedStorage",
    "StackedStorage",
    "Storage",
    "suits_csr",
]

# Measured by benchmarks/bench_training.py (see docs/decisions/0008): below this density, and from
# this many weights on, CSR steps are faster than masked dense ones on the CPU.
CSR_DENSITY = 0.15
CSR_SIZE = 100_000


def suits_csr(layer: LayerSpec, active: int, *, least: int = CSR_SIZE) -> bool:
    """Whether a layer is faster by CSR: linear, large and sparse enough.

    Examples
    --------
    >>> suits_csr(LayerSpec("fc", "linear", (1024, 1024)), 52_000)
    True
    """
    return (
        layer.kind == "linear"
        and layer.maskable
        and layer.size >= least
        and active <= CSR_DENSITY * layer.size
    )


class MaskedStorage:
    """A dense weight whose gradient is masked before every step.

    An absent weight starts at 0 and its gradient is 0, so neither it nor its optimiser state
    ever leaves 0, weight decay included.
    """

    def __init__(self, layer: LayerSpec, parameter: nn.Parameter, mask: Tensor) -> None:
        self.layer, self.parameter = layer, parameter
        self.mask = mask.to(parameter.device)
        # Multiplying by a mask of the weight's own type is the fastest way to mask.
        self._factor: Tensor | None = None
        self._refresh()
        self.budget = self.active.numel()

    def _own(self, value: Tensor) -> Tensor:
        """What of a tensor of the parameter's shape is this layer's."""
        return value

    @property
    def full(self) -> bool:
        """Whether every weight is there."""
        return self.active.numel() == self.mask.numel()

    def _refresh(self) -> None:
        self.active = positions(self.mask)
        if self.full:
            self._factor = None
        elif self._factor is None:
            self._factor = self.mask.to(self.parameter.dtype)
        else:
            self._factor.copy_(self.mask)

    @property
    def weight(self) -> Tensor:
        """The dense weight, 0 where there is no edge; not a copy."""
        return self._own(self.parameter.detach())

    @property
    def values(self) -> Tensor | None:
        """The active weights, where that costs nothing."""
        return None

    def want_gradient(self, wanted: bool) -> None:
        """The dense gradient is always there."""

    def gradient(self) -> Tensor:
        """The dense gradient of the last backward pass; masked ones after `mask_gradient`."""
        assert self.parameter.grad is not None
        return self._own(self.parameter.grad)

    def mask_gradient(self) -> None:
        """Set the gradient of absent weights to 0."""
        if self._factor is not None:
            self.gradient().mul_(self._factor)

    @torch.no_grad()
    def set(
        self, mask: Tensor, optimizer: torch.optim.Optimizer | None, new: Tensor | None = None
    ) -> None:
        """Take another mask: what comes or goes is 0 (or `new`), optimiser state included."""
        weight, changed = self.weight, positions(mask ^ self.mask)
        weight.view(-1)[changed] = 0
        if new is not None:
            grown = mask & ~self.mask
            weight[grown] = new[grown]
        if optimizer is not None:
            for value in _state(optimizer, self.parameter).values():
                if isinstance(value, Tensor) and value.shape == self.parameter.shape:
                    self._own(value).view(-1)[changed] = 0
        self.mask = mask
        self._refresh()

    @torch.no_grad()
    def load_mask(self, mask: Tensor) -> None:
        """Take a mask without touching weights: they are loaded next."""
        self.mask = mask.to(self.parameter.device)
        self._refresh()

    def per_neuron_gradient(self) -> Tensor:
        """Mean absolute gradient over each neuron's active weights; 0 without any."""
        fan_in = self.mask.reshape(len(self.mask), -1).sum(1)
        total = (self.gradient() * self.mask).abs().reshape(len(self.mask), -1).sum(1)
        return total / fan_in.clamp(min=1)


class StackedStorage(MaskedStorage):
    """One replica's slice of a layer whose weights are stacked, (R, m, ...).

    Parameters
    ----------
    layer : LayerSpec
    parameter : Parameter, shape (R, m, ...)
    mask : Tensor of bool, shape (m, ...)
    factor : Tensor or None, shape (R, m, ...)
        The masks of all replicas in the weight's type, kept up to date here; None where the layer
        is never masked.
    index : int
        Which replica's.
    """

    def __init__(
        self, layer: LayerSpec, parameter: nn.Parameter, mask: Tensor, factor: Tensor | None,
        index: int,
    ) -> None:  # fmt: skip
        self.index, self._slice = index, None if factor is None else factor[index]
        super().__init__(layer, parameter, mask)

    def _own(self, value: Tensor) -> Tensor:
        return value[self.index]

    def _refresh(self) -> None:
        self.active, self._factor = positions(self.mask), self._slice
        if self._slice is not None:
            self._slice.copy_(self.mask)


class CsrStorage:
    """Active weights only: see `CsrLinear`."""

    def __init__(self, layer: LayerSpec, module: CsrLinear, mask: Tensor) -> None:
        self.layer, self.module, self.mask = layer, module, mask
        self.active = positions(mask)
        self.budget = self.active.numel()

    @property
    def full(self) -> bool:
        """Whether every weight is there."""
        return self.active.numel() == self.mask.numel()

    @property
    def parameter(self) -> nn.Parameter:
        """The vector of active weights."""
        return self.module.values

    @property
    def weight(self) -> Tensor:
        """The dense weight, 0 where there is no edge; made when asked for."""
        return self._scattered(self.module.values.detach())

    @property
    def values(self) -> Tensor | None:
        """The active weights, in the order of `active`."""
        return self.module.values.detach()

    def _scattered(self, values: Tensor) -> Tensor:
        out = torch.zeros(self.mask.numel(), dtype=values.dtype)
        out[self.active] = values
        return out.view(self.mask.shape)

    def want_gradient(self, wanted: bool) -> None:
        """Whether the next backward pass computes the dense gradient too."""
        self.module.wants_dense_gradient = wanted
        if not wanted:
            self.module.dense_gradient = None

    def gradient(self) -> Tensor:
        """The dense gradient of the last backward pass, if it was wanted."""
        assert self.module.dense_gradient is not None
        return self.module.dense_gradient

    def mask_gradient(self) -> None:
        """There is no other gradient than that of active weights."""

    @torch.no_grad()
    def set(
        self, mask: Tensor, optimizer: torch.optim.Optimizer | None, new: Tensor | None = None
    ) -> None:
        """Take another mask: what comes is 0 (or `new`) with optimiser state 0."""
        parameter, active = self.module.values, positions(mask)
        # Where each place was among the active ones; anything for those that were not.
        place = torch.empty(mask.numel(), dtype=torch.int32)
        place[self.active] = torch.arange(self.active.numel(), dtype=torch.int32)
        stays = self.mask.view(-1)[active]
        source = place[active].masked_fill_(~stays, 0)

        def moved(values: Tensor) -> Tensor:
            return values[source].mul_(stays) if values.numel() else torch.zeros(active.numel())

        if optimizer is not None:
            state = _state(optimizer, parameter)
            for key, value in state.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    state[key] = moved(value)
        weight = moved(parameter.detach())
        if new is not None:
            weight = torch.where(stays, weight, new.view(-1)[active])
        parameter.data = weight
        parameter.grad = None
        self.mask, self.active = mask, active
        self.module.pattern = Pattern(mask, active)

    @torch.no_grad()
    def load_mask(self, mask: Tensor) -> None:
        """Take a mask; the weights are loaded next."""
        self.mask, self.active = mask, positions(mask)
        self.module.pattern = Pattern(mask, self.active)
        self.module.values.data = torch.zeros(self.active.numel())

    def per_neuron_gradient(self) -> Tensor:
        """Mean absolute gradient over each neuron's active weights; 0 without any."""
        values = self.module.values.grad
        assert values is not None
        row = torch.nonzero(self.mask)[:, 0]
        total = torch.zeros(len(self.mask)).index_add_(0, row, values.abs())
        return total / self.mask.sum(1).clamp(min=1)


Storage = MaskedStorage | CsrStorage


def _state(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> dict[str, Any]:
    found: dict[str, Any] = optimizer.state.get(parameter, {})
    return found
