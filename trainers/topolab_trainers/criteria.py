"""Pruning and growth criteria, to be combined freely, and the moment they are applied at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from topolab_trainers.update import keep_by_sign, keep_highest, room_to_drop

__all__ = ["DROP", "GROW", "LayerView", "Moment"]


class LayerView(NamedTuple):
    """What an update may look at: one layer, all tensors of its shape and not to be changed.

    Attributes
    ----------
    name : str
    mask : Tensor of bool
    weight : Tensor
        0 where there is no edge.
    gradient : Tensor or None
        The dense gradient of this step's batch, absent weights included; None if the growth
        criterion does not ask for it.
    momentum : Tensor or None
        The dense gradient averaged over the steps so far, divided by the root of its averaged
        square under Adam; None if the growth criterion does not ask for it.
    budget : int or None
        Edges of the layer in its first mask.
    """

    name: str
    mask: Tensor
    weight: Tensor
    gradient: Tensor | None = None
    momentum: Tensor | None = None
    budget: int | None = None


@dataclass(frozen=True)
class Moment:
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

    def n_drop(self, mask: Tensor) -> int:
        """floor(fraction * active edges), or fewer if not as many can be grown."""
        return room_to_drop(mask, int(self.fraction * int(mask.sum())), self.candidates)


Drop = Callable[[LayerView, Moment, torch.Generator], Tensor]
Grow = Callable[[LayerView], Tensor | None]


def by_magnitude(view: LayerView, moment: Moment, generator: torch.Generator) -> Tensor:
    """All active edges but those smallest in magnitude."""
    return keep_highest(view.mask, view.weight.abs(), moment.n_drop(view.mask), generator)


def by_sign(view: LayerView, moment: Moment, generator: torch.Generator) -> Tensor:
    """SET: all but those nearest 0 among the positive, and among the negative weights."""
    active = int(view.mask.sum())
    room = room_to_drop(view.mask, int(moment.fraction * active), moment.candidates)
    fraction = min(moment.fraction, room / max(active, 1))
    return keep_by_sign(view.mask, view.weight, fraction, generator)


def drop_at_random(view: LayerView, moment: Moment, generator: torch.Generator) -> Tensor:
    """Any active edges."""
    # All scores are equal: the generator decides every tie.
    score = torch.zeros_like(view.weight)
    return keep_highest(view.mask, score, moment.n_drop(view.mask), generator)


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
