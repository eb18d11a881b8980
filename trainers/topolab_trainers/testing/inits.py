"""The contract of an initialisation of masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from topolab.layers import LayerSpec, layers_of
from topolab.registry import Group
from topolab.testing import Contract, check_card
from topolab_trainers.config import TrainConfig
from topolab_trainers.inits.base import InitInputs
from topolab_trainers.models import initialise
from topolab_trainers.models.mlp import MLP
from topolab_trainers.static import Static

__all__ = ["InitContract", "inputs_of"]


def seeded(seed: int = 0) -> torch.Generator:
    """A generator of its own."""
    return torch.Generator().manual_seed(seed)


def inputs_of(
    seed: int = 0, widths: tuple[int, ...] = (30, 24, 16)
) -> tuple[tuple[LayerSpec, ...], InitInputs]:
    """A small perceptron with weights, and what an initialisation may look at."""
    model = MLP(widths[0], widths[1:-1], widths[-1], norm="layernorm")
    layers = layers_of(model)
    ones = {k.name: torch.ones(k.shape, dtype=torch.bool) for k in layers}
    initialise(model, ones, seeded(seed))
    x = torch.rand(64, widths[0], generator=seeded(1))
    y = torch.randint(0, widths[-1], (64,), generator=seeded(2))
    return layers, InitInputs(model, lambda n: (x[:n], y[:n]), seeded(seed))


class InitContract(Contract):
    """What every registered initialisation does.

    Attributes
    ----------
    special : mapping
        By initialisation settings that it needs; None takes one back.
    """

    group: ClassVar[Group] = "inits"
    special: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def config(self, name: str) -> TrainConfig:
        """A configuration that asks for this initialisation."""
        return Static().configure(init=name, **{"sparsity": 0.8, **self.special.get(name, {})})

    def test_masks_are_exact_and_repeat(self, name: str) -> None:
        """Equal seeds, equal masks; the sparsity is met to the edge; nothing else is touched."""
        init, config = self.entry(name), self.config(name)
        before = torch.random.get_rng_state()
        first, again = (
            init.masks(layers, config, made) for layers, made in (inputs_of(3), inputs_of(3))
        )
        layers, made = inputs_of(3)
        weights = {k: v.clone() for k, v in made.model.state_dict().items()}
        init.masks(layers, config, made)
        assert all(torch.equal(v, weights[k]) for k, v in made.model.state_dict().items())
        assert all(p.grad is None for p in made.model.parameters())
        assert torch.equal(before, torch.random.get_rng_state())
        for layer in layers:
            mask = first[layer.name]
            assert mask.dtype == torch.bool and tuple(mask.shape) == layer.shape
            assert torch.equal(mask, again[layer.name]) and bool(mask.any())
        if init.uses_sparsity:
            total = sum(int(m.sum()) for m in first.values())
            assert total == round(0.2 * sum(k.size for k in layers))

    def test_layers_that_are_not_maskable_are_dense(self, name: str) -> None:
        """And the others are not."""
        layers, made = inputs_of()
        dense = tuple(LayerSpec(k.name, k.kind, k.shape, maskable=k.name != "fc2") for k in layers)
        masks = self.entry(name).masks(dense, self.config(name), made)
        assert bool(masks["fc2"].all()) and not bool(masks["fc1"].all())

    def test_it_has_a_card(self, name: str) -> None:
        """The card speaks of every option."""
        init = self.entry(name)
        check_card(init, init.options)
        assert init.name == name and 0 < len(init.summary) < 90

    def test_it_serves_a_method(self, name: str) -> None:
        """A method takes it by name, with its options."""
        config = self.config(name)
        assert config.init == name
        assert {option.name for option in self.entry(name).options} <= set(config.options)
