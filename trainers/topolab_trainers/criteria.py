"""Pruning and growth criteria, to be combined freely, and the plan they are applied at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from topolab_trainers.update import (
    positions,
    room_to_drop,
    without_lowest,
    without_lowest_by_sign,
)

__all__ = ["DROP", "GROW", "LayerView", "UpdatePlan"]


class LayerView:
    """What an update may look at: one layer, all tensors of its shape and not to be changed.

    Parameters
    ----------
    name : str
    mask : Tensor of bool
    weight : Tensor, or callable that makes it
        0 where there is no edge.
    gradient : Tensor, optional
        The dense gradient of this step's batch, absent weights included; only if the growth
        criterion asks for it.
    momentum : Tensor, optional
        The dense gradient averaged over the steps so far, divided by the root of its averaged
        square under Adam; only if the growth criterion asks for it.
    budget : int, optional
        Edges of the layer in its first mask.
    active : Tensor of int64, optional
        `topolab_trainers.update.positions` of the mask, where they are known already.
    values : Tensor, optional
        The weights at these positions, where they are known already.

    Examples
    --------
    >>> view = LayerView("fc", torch.eye(2, dtype=torch.bool), torch.tensor([[3.0, 0], [0, 4.0]]))
    >>> view.active.tolist(), view.values.tolist()
    ([0, 3], [3.0, 4.0])
    """

    def __init__(
        self,
        name: str,
        mask: Tensor,
        weight: Tensor | Callable[[], Tensor],
        gradient: Tensor | None = None,
        momentum: Tensor | None = None,
        budget: int | None = None,
        active: Tensor | None = None,
        values: Tensor | None = None,
    ) -> None:
        self.name, self.mask, self.gradient, self.momentum = name, mask, gradient, momentum
        self.budget = budget
        self._weight, self._active, self._values = weight, active, values

    @property
    def weight(self) -> Tensor:
        """The dense weight."""
        if not isinstance(self._weight, Tensor):
            self._weight = self._weight()
        return self._weight

    @property
    def active(self) -> Tensor:
        """Row-major positions of the active edges."""
        if self._active is None:
            self._active = positions(self.mask)
        return self._active

    @property
    def values(self) -> Tensor:
        """The active weights, in the order of `active`."""
        if self._values is None:
            self._values = self.weight.reshape(-1)[self.active]
        return self._values


@dataclass(frozen=True)
class UpdatePlan:
    """One topology update: when, how much, by which criteria.

    Attributes
    ----------
    step : int
    fraction : float
        Share of a layer's active edges to drop.
    drop, grow : str
        Names in `DROP` and `GROW`.
    candidates : {"not-kept", "inactive-before"}
    """

    step: int
    fraction: float
    drop: str = "magnitude"
    grow: str = "random"
    candidates: str = "not-kept"

    def n_drop(self, size: int, active: int) -> int:
        """floor(fraction * active edges), or fewer if not as many can be grown."""
        return room_to_drop(size, active, int(self.fraction * active), self.candidates)


Drop = Callable[[LayerView, UpdatePlan, torch.Generator], Tensor]
Grow = Callable[[LayerView], Tensor | None]


def by_magnitude(view: LayerView, plan: UpdatePlan, generator: torch.Generator) -> Tensor:
    """All active edges but those smallest in magnitude."""
    n_drop = plan.n_drop(view.mask.numel(), view.active.numel())
    return without_lowest(view.mask, view.active, view.values.abs(), n_drop, generator)


def by_sign(view: LayerView, plan: UpdatePlan, generator: torch.Generator) -> Tensor:
    """SET: all but those nearest 0 among the positive, and among the negative weights."""
    active = view.active.numel()
    n_drop = plan.n_drop(view.mask.numel(), active)
    wanted = int(plan.fraction * active)
    fraction = plan.fraction if n_drop == wanted else n_drop / active
    return without_lowest_by_sign(view.mask, view.active, view.values, fraction, generator)


def drop_at_random(view: LayerView, plan: UpdatePlan, generator: torch.Generator) -> Tensor:
    """Any active edges."""
    # All scores are equal: the generator decides every tie.
    n_drop = plan.n_drop(view.mask.numel(), view.active.numel())
    equal = torch.zeros(view.active.numel(), device=view.mask.device)
    return without_lowest(view.mask, view.active, equal, n_drop, generator)


def grow_at_random(view: LayerView) -> Tensor | None:
    """No score: candidates are drawn."""
    return None


def grow_by_gradient(view: LayerView) -> Tensor | None:
    """RigL: magnitude of the dense gradient."""
    assert view.gradient is not None
    return view.gradient.abs()


def grow_by_momentum(view: LayerView) -> Tensor | None:
    """SNFS: magnitude of the averaged dense gradient."""
    assert view.momentum is not None
    return view.momentum.abs()


DROP: Mapping[str, Drop] = {
    "magnitude": by_magnitude,
    "sign": by_sign,
    "random": drop_at_random,
}
GROW: Mapping[str, Grow] = {
    "random": grow_at_random,
    "gradient": grow_by_gradient,
    "momentum": grow_by_momentum,
}
