"""A small sparse network and a training step that the tests of recording share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn.utils import prune


def make_mlp(seed: int = 0, *, pruned: bool = True) -> torch.nn.Sequential:
    """8 inputs, hidden layers of 6 and 5, 3 outputs; the hidden layers 60 % pruned."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(
        torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 5), torch.nn.ReLU(),
        torch.nn.Linear(5, 3),
    )  # fmt: skip
    if pruned:
        for index in (0, 2):
            prune.random_unstructured(model[index], "weight", amount=0.6)
    return model


def make_batch(seed: int, size: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(size, 8, generator=generator)
    return inputs, inputs[:, :3].argmax(dim=1)


def train_step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    inputs, labels = make_batch(seed)
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(inputs), labels).backward()
    optimizer.step()


@pytest.fixture
def mlp() -> Callable[..., torch.nn.Sequential]:
    return make_mlp


@pytest.fixture
def batch() -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    return make_batch


@pytest.fixture
def one_step() -> Callable[[torch.nn.Module, torch.optim.Optimizer, int], None]:
    return train_step
