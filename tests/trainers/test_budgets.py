"""How many edges an update leaves to each layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab_trainers.criteria import LayerView, UpdatePlan
from topolab_trainers.inits.base import InitInputs
from topolab_trainers.lottery import Lottery
from topolab_trainers.momentum import Momentum, shares_by_momentum
from topolab_trainers.nist import NIST


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dense_view(name: str, size: int) -> LayerView:
    return LayerView(name, torch.ones(1, size, dtype=torch.bool), torch.arange(size)[None] + 1.0)


# -- lottery tickets ---------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_a_ticket_has_the_nearest_whole_number_of_edges(scope: str) -> None:
    """A quarter of 11 is 2.75, of 12 is 3: of all 23 there are 6 left, not 5."""
    method = Lottery()
    config = method.configure(rounds=1, sparsity=0.75, scope=scope)
    views = [dense_view("a", 11), dense_view("b", 12)]
    plan = method.plan_update(1, 2, 2, config)
    updates = method.update_network(views, plan, config, lambda name: seeded())
    assert sum(int(update.mask.sum()) for update in updates.values()) == 6


# -- momentum ----------------------------------------------------------------------------------


def test_what_a_full_layer_cannot_take_is_shared_among_the_others_alike() -> None:
    """Of 20 edges a would have 12 and has room for 4; b and c share 16 as 3 to 1."""
    shares = shares_by_momentum({"a": 6.0, "b": 3.0, "c": 1.0}, 20, {"a": 4, "b": 99, "c": 99})
    assert shares == {"a": 4, "b": 12, "c": 4}


def test_a_layers_momentum_is_that_of_its_active_weights() -> None:
    """Absent places of b have a large one; its active weights have as much as those of a."""
    mask = torch.tensor([[True] * 4 + [False] * 6])
    weight = torch.tensor([[1.0, 2.0, 3.0, 4.0] + [0.0] * 6])
    views = [
        LayerView("a", mask, weight, None, torch.tensor([[1.0] * 4 + [0.0] * 6])),
        LayerView("b", mask, weight, None, torch.tensor([[-1.0] * 4 + [9.0] * 6])),
    ]
    method = Momentum()
    config = method.configure(redistribute="momentum")
    plan = UpdatePlan(1, 0.5, "magnitude", "momentum", "inactive-before")
    updates = method.update_network(views, plan, config, lambda name: seeded())
    assert [int(updates[name].mask.sum()) for name in "ab"] == [4, 4]


# -- NIST --------------------------------------------------------------------------------------


def nist_masks(prune_to: float) -> dict[str, torch.Tensor]:
    """Two layers of 16 weights that may be masked, and a dense output of 20."""
    layers = (
        LayerSpec("fc1", "linear", (4, 4)),
        LayerSpec("fc2", "linear", (4, 4)),
        LayerSpec("fc3", "linear", (5, 4), maskable=False),
    )
    config = NIST().configure(neuroseeds=(1, 2), prune_to=prune_to, epochs=10)
    inputs = InitInputs(nn.Identity(), lambda n: (torch.zeros(n), torch.zeros(n)), seeded())
    return NIST().initial_masks(layers, config, inputs)


def test_nists_prune_may_not_grow() -> None:
    masks = nist_masks(0.9)
    active = int(masks["fc1"].sum()) + int(masks["fc2"].sum())
    assert 2 < active < 30 and bool(masks["fc3"].all())
    # As many as there are is no growth, one more would be; the dense output does not count.
    nist_masks(1 - active / 32)
    with pytest.raises(ConfigError, match=f"less than the sparsity {1 - active / 32:.4f}"):
        nist_masks(1 - (active + 1) / 32)
