"""SRigL's constant fan-in, worked by hand: who stays, how many inputs each has, and which."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from topolab.layers import LayerSpec
from topolab_trainers.inits.base import InitInputs
from topolab_trainers.srigl import SRigL, constant_fan_in_update


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def six_inputs(*active: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """A mask and weights of neurons with six inputs, of which the first ones are active."""
    mask, weight = torch.zeros(len(active), 6, dtype=torch.bool), torch.zeros(len(active), 6)
    for i, row in enumerate(active):
        mask[i, : len(row)] = True
        weight[i, : len(row)] = torch.tensor(row)
    return mask, weight


@pytest.mark.parametrize(
    ("fraction", "gamma", "fan_in"),
    [
        # K = 2: row 1 has four salient weights and row 2 two, just as many as it should.
        (1 / 3, 1.0, [0, 3, 3]),
        # K = 3: row 2 has one left, and should have floor(0.75 * 2).
        (1 / 2, 0.75, [0, 3, 3]),
        (1 / 2, 1.0, [0, 6, 0]),
    ],
)
def test_a_neuron_stays_with_just_as_many_salient_weights_as_it_should(
    fraction: float, gamma: float, fan_in: list[int]
) -> None:
    """Six edges; one row of six could hold them all."""
    mask, weight = six_inputs([0.1, 0.2], [0.9, 0.8], [0.7, 0.3])
    gradient = torch.zeros(3, 6)
    gradient[1, 2:] = torch.tensor([4.0, 5.0, 6.0, 3.0])
    update = constant_fan_in_update(mask, weight, gradient, fraction, gamma, seeded())
    assert update.mask.sum(1).tolist() == fan_in


def test_of_more_salient_gradients_than_it_can_take_a_neuron_takes_the_largest() -> None:
    mask, weight = six_inputs([0.1, 0.2], [0.9, 0.8], [0.7, 0.6])
    gradient = torch.zeros(3, 6)
    gradient[1, 2:] = torch.tensor([4.0, 5.0, -6.0, 3.0])
    for seed in range(10):
        update = constant_fan_in_update(mask, weight, gradient, 1 / 3, 1.0, seeded(seed))
        # Row 0 goes; of the six edges row 1 keeps two and grows one, by magnitude.
        assert update.mask[1].int().tolist() == [1, 1, 0, 0, 1, 0]


def test_weights_count_by_their_magnitude() -> None:
    mask, weight = six_inputs([-0.9, 0.1], [0.3, -0.8])
    gradient = torch.zeros(2, 6)
    gradient[:, 4] = 1.0
    update = constant_fan_in_update(mask, weight, gradient, 0.5, None, seeded())
    assert update.mask.int().tolist() == [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 1, 0]]


def test_gradients_of_an_ablated_neuron_make_nothing_salient() -> None:
    """Row 0 is gone, with the largest gradients; row 2 has its two salient ones even so."""
    mask, weight = six_inputs([], [0.9, 0.8], [0.1, 0.2])
    gradient = torch.zeros(3, 6)
    gradient[0] = 9.0
    gradient[2, 2:4] = 5.0
    update = constant_fan_in_update(mask, weight, gradient, 0.5, 1.0, seeded())
    assert update.mask.int().tolist() == [[0] * 6, [1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0]]


def test_an_ablated_neuron_does_not_come_back_to_hold_edges() -> None:
    """All that is salient is in row 1; eight edges need a second row, which is 2 or 3."""
    mask, weight = six_inputs([], [0.9, 0.8, 0.7], [0.1], [0.2])
    gradient = torch.zeros(4, 6)
    gradient[1, 4:] = 5.0
    seen = set()
    for seed in range(20):
        update = constant_fan_in_update(mask, weight, gradient, 0.4, 1.0, seeded(seed), budget=8)
        seen.add(tuple(update.mask.sum(1).tolist()))
    assert seen == {(0, 4, 4, 0), (0, 4, 0, 4)}


def test_edges_lost_by_rounding_come_back() -> None:
    mask, weight = six_inputs([0.1, 0.2, 0.3], [0.9, 0.8, 0.7])
    gradient = torch.ones(2, 6)
    for budget, fan_in in ((None, 3), (7, 3), (8, 4), (99, 6)):
        update = constant_fan_in_update(mask, weight, gradient, 0.0, None, seeded(), budget=budget)
        assert update.mask.sum(1).tolist() == [fan_in, fan_in]


def test_what_comes_back_at_once_is_counted_once() -> None:
    """K = 2: 0.1 is dropped and grows again; 0.2 is replaced."""
    mask, weight = six_inputs([0.1, 0.2, 0.8, 0.9])
    gradient = torch.tensor([[9.0, 0.0, 0.0, 0.0, 0.0, 5.0]])
    update = constant_fan_in_update(mask, weight, gradient, 0.5, None, seeded())
    assert update.mask.int().tolist() == [[1, 0, 1, 1, 0, 1]]
    assert update.dropped.int().tolist() == [[0, 1, 0, 0, 0, 0]]
    assert update.grown.int().tolist() == [[0, 0, 0, 0, 0, 1]]
    assert update.regrown == 1


def test_an_empty_layer_stays_empty() -> None:
    mask, weight = six_inputs([], [])
    update = constant_fan_in_update(mask, weight, torch.ones(2, 6), 0.3, 0.3, seeded(), budget=4)
    assert not bool(update.mask.any()) and not bool(update.grown.any()) and update.regrown == 0


@pytest.mark.parametrize(("sparsity", "fan_in"), [(0.84, 10), (0.83, 11)])
def test_the_first_fan_in_is_the_nearest_whole_one(sparsity: float, fan_in: int) -> None:
    """Of 64 inputs 10.24, or 10.88."""
    layers = (LayerSpec("fc1", "linear", (25, 64)),)
    config = SRigL().configure(sparsity=sparsity, distribution="uniform")
    inputs = InitInputs(nn.Identity(), lambda n: (torch.zeros(n), torch.zeros(n)), seeded())
    assert set(SRigL().initial_masks(layers, config, inputs)["fc1"].sum(1).tolist()) == {fan_in}
