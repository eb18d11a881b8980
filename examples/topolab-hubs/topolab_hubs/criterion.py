"""A growth criterion: edges go to the neurons that have most."""

from __future__ import annotations

from torch import Tensor

from topolab_trainers.criteria import GrowCriterion, LayerView

__all__ = ["HUBS"]


def fan_in(view: LayerView) -> Tensor:
    """Of every place the fan-in of its neuron; among equal ones chance decides."""
    inputs = view.mask.reshape(view.mask.shape[0], -1).sum(dim=1)
    shape = (-1, *[1] * (view.mask.dim() - 1))
    return inputs.reshape(shape).expand(view.mask.shape).float()


HUBS = GrowCriterion("hubs", "the neurons with the largest fan-in", fan_in)
