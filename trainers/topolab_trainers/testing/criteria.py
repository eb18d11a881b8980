"""The contracts of pruning and growth criteria."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch

from topolab.registry import Group
from topolab.testing import Contract
from topolab_trainers.criteria import DropCriterion, GrowCriterion, LayerView, UpdatePlan
from topolab_trainers.random_regrowth import RandomRegrowth

__all__ = ["DropContract", "GrowContract", "layer_view"]


def layer_view(seed: int = 0, density: float = 0.3) -> LayerView:
    """A layer of 9 x 12 in mid-training."""
    draw = torch.Generator().manual_seed(seed)
    mask = torch.rand(9, 12, generator=draw) < density
    weight = torch.randn(9, 12, generator=draw) * mask
    gradient, momentum = torch.randn(2, 9, 12, generator=draw)
    return LayerView("fc", mask, weight, gradient, momentum, int(mask.sum()))


class DropContract(Contract):
    """What every registered pruning criterion does."""

    group: ClassVar[Group] = "drop_criteria"

    @pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
    def test_it_keeps_a_part_of_the_mask(self, name: str, fraction: float) -> None:
        """Never more than there is, about as much as planned, the same again, nothing changed."""
        criterion = self.entry(name)
        assert isinstance(criterion, DropCriterion) and criterion.name == name
        view, plan = layer_view(), UpdatePlan(7, fraction, drop=name)
        before = view.mask.clone(), view.weight.clone()
        kept, again = (criterion.keep(view, plan, torch.Generator().manual_seed(2)) for _ in "ab")
        assert torch.equal(kept, again) and not bool((kept & ~view.mask).any())
        assert torch.equal(view.mask, before[0]) and torch.equal(view.weight, before[1])
        dropped = int(view.mask.sum() - kept.sum())
        planned = plan.n_drop(view.mask.numel(), int(view.mask.sum()))
        assert planned - 1 <= dropped <= planned  # one less where it rounds by sign


class GrowContract(Contract):
    """What every registered growth criterion does."""

    group: ClassVar[Group] = "grow_criteria"

    def test_a_method_grows_by_it(self, name: str) -> None:
        """``grow=<name>``: as many edges as were dropped, at places that were not kept."""
        criterion = self.entry(name)
        assert isinstance(criterion, GrowCriterion) and criterion.name == name
        method, view = RandomRegrowth(), layer_view()
        config = method.configure(grow=name)
        assert method.needs(config) == {criterion.needs} - {None}
        plan = UpdatePlan(7, 0.4, grow=name)
        one, two = (
            method.update_layer(view, plan, config, torch.Generator().manual_seed(2)) for _ in "ab"
        )
        assert torch.equal(one.mask, two.mask)
        assert int(one.mask.sum()) == int(view.mask.sum()) and bool(one.grown.any())
        assert not bool((one.grown & view.mask).any())

    def test_the_score_is_of_every_place(self, name: str) -> None:
        """Of the mask's shape and without NaN, or None: then candidates are drawn."""
        view = layer_view()
        score = self.entry(name).score(view)
        if score is not None:
            assert score.shape == view.mask.shape and not bool(torch.isnan(score).any())
