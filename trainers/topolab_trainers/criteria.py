"""Pruning and growth criteria, to be combined freely, and the plan of an update that names them.

A criterion is found by entry point (``topolab.drop_criteria``, ``topolab.grow_criteria``), ours as
a stranger's: ``topolab train rigl --grow mine``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from topolab.registry import find
from topolab_trainers.update import (
    positions,
    room_to_drop,
    without_lowest,
    without_lowest_by_sign,
)

__all__ = [
    "DropCriterion",
    "GrowCriterion",
    "LayerView",
    "UpdatePlan",
    "drop_criterion",
    "grow_criterion",
]


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
        Names of a `DropCriterion` and a `GrowCriterion`.
    candidates : {"not-kept", "inactive-before"}
    """

    step: int
    fraction: float
    drop: str = "magnitude"
    grow: str = "random"
    candidates: str = "not-kept"

    # Looked up once for all layers: a look-up asks every folder of the path whether it changed.
    @cached_property
    def drop_criterion(self) -> DropCriterion:
        """The criterion that `drop` names."""
        return drop_criterion(self.drop)

    @cached_property
    def grow_criterion(self) -> GrowCriterion:
        """The criterion that `grow` names."""
        return grow_criterion(self.grow)

    def n_drop(self, size: int, active: int) -> int:
        """floor(fraction * active edges), or fewer if not as many can be grown."""
        return room_to_drop(size, active, int(self.fraction * active), self.candidates)


@dataclass(frozen=True)
class DropCriterion:
    """Which of a layer's edges an update drops.

    Attributes
    ----------
    name, summary : str
    keep : callable
        From a `LayerView`, an `UpdatePlan` and a CPU generator to the mask of what stays, a subset
        of the view's. How many go is the plan's `UpdatePlan.n_drop`; the generator breaks ties.
    """

    name: str
    summary: str
    keep: Callable[[LayerView, UpdatePlan, torch.Generator], Tensor]


@dataclass(frozen=True)
class GrowCriterion:
    """Where as many edges grow.

    Attributes
    ----------
    name, summary : str
    score : callable
        From a `LayerView` to a score of every place, of the mask's shape: the highest of the
        candidates grow. None for candidates that are drawn.
    needs : {"gradient", "momentum"} or None
        What of the view the score looks at, besides mask and weight.
    """

    name: str
    summary: str
    score: Callable[[LayerView], Tensor | None]
    needs: Literal["gradient", "momentum"] | None = None


def drop_criterion(name: str) -> DropCriterion:
    """A pruning criterion by name.

    Raises
    ------
    ConfigError
        If there is none of this name.

    Examples
    --------
    >>> drop_criterion("sign").summary
    'the weights nearest 0 of each sign (SET)'
    """
    found: DropCriterion = find("drop_criteria", name)
    return found


def grow_criterion(name: str) -> GrowCriterion:
    """A growth criterion by name.

    Raises
    ------
    ConfigError
        If there is none of this name.

    Examples
    --------
    >>> grow_criterion("gradient").needs
    'gradient'
    """
    found: GrowCriterion = find("grow_criteria", name)
    return found


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


MAGNITUDE = DropCriterion("magnitude", "the weights smallest in magnitude", by_magnitude)
SIGN = DropCriterion("sign", "the weights nearest 0 of each sign (SET)", by_sign)
DROP_RANDOM = DropCriterion("random", "any edges", drop_at_random)

GROW_RANDOM = GrowCriterion("random", "anywhere", grow_at_random)
GRADIENT = GrowCriterion(
    "gradient", "where the dense gradient is largest (RigL)", grow_by_gradient, needs="gradient"
)
MOMENTUM = GrowCriterion(
    "momentum", "where the averaged dense gradient is largest (SNFS)", grow_by_momentum,
    needs="momentum",
)  # fmt: skip
