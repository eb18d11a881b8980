"""Many MLPs of one shape as one program: seeds, profiles, sparsities, methods may differ.

The parameters of all replicas are stacked, (R, m, n) for a layer, and go through the network, its
gradient and the optimiser together. Every replica has its own masks, batches and updates; each
follows the same training as alone, to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from topolab_trainers.engine import Engine, make_optimizer
from topolab_trainers.network import make_network
from topolab_trainers.storage import StackedStorage

if TYPE_CHECKING:
    from topolab_trainers.data.dataset import Dataset
    from topolab_trainers.jobs import Job

__all__ = ["StackedEngine"]

#: Values of one evaluation batch, over all replicas, at the most.
EVALUATION_VALUES = 4_000_000


class StackedEngine(Engine):
    """R networks, one group of `topolab_trainers.jobs.groups`."""

    def __init__(self, jobs: Sequence[Job], dataset: Dataset) -> None:
        config, device = jobs[0].config, torch.device(jobs[0].config.device)
        networks = [make_network(job.method, job.config, dataset) for job in jobs]
        self.number, self.norm = len(jobs), config.norm
        self.layers = networks[0].layers
        own = [dict(network.model.named_parameters()) for network in networks]
        self._parameters = {
            key: nn.Parameter(torch.stack([each[key].detach() for each in own]).to(device))
            for key in own[0]
        }
        # Multiplying by masks of the weights' own type is the fastest way to mask.
        self.factors = {
            layer.name: torch.stack([n.masks[layer.name] for n in networks]).to(
                device, torch.float32
            )
            for layer in self.layers
            if layer.maskable
        }
        self.storages = [
            {
                layer.name: StackedStorage(
                    layer, self._parameters[f"{layer.name}.weight"], network.masks[layer.name],
                    self.factors.get(layer.name), index,
                )
                for layer in self.layers
            }
            for index, network in enumerate(networks)
        ]  # fmt: skip
        self.optimizer = make_optimizer(self, config)

    def parameters(self) -> dict[str, nn.Parameter]:
        """Stacked: the first axis is the replica."""
        return self._parameters

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (R, batch, classes), of inputs (R, batch, n) or (1, batch, n) for all."""
        p, depth = self._parameters, len(self.layers)
        x = x.expand(self.number, *x.shape[1:])
        for i in range(1, depth + 1):
            x = torch.baddbmm(p[f"fc{i}.bias"][:, None], x, p[f"fc{i}.weight"].transpose(1, 2))
            if i == depth:
                break
            if self.norm == "layernorm":
                x = nn.functional.layer_norm(x, x.shape[-1:])
                x = x * p[f"norm{i}.weight"][:, None] + p[f"norm{i}.bias"][:, None]
            x = torch.relu(x)
        return x

    def backward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """One pass for all; the sum of the mean losses has every replica's own gradients."""
        logits = self.forward(x)
        losses = nn.functional.cross_entropy(
            logits.flatten(0, 1), y.flatten(), reduction="none"
        ).view(y.shape)
        means = losses.mean(dim=1)
        means.sum().backward()  # type: ignore[no-untyped-call]
        return means.detach(), (logits.detach().argmax(2) == y).sum(1)

    def mask_gradients(self) -> None:
        """All replicas of a layer at once."""
        for name, factor in self.factors.items():
            gradient = self._parameters[f"{name}.weight"].grad
            assert gradient is not None
            gradient.mul_(factor)

    @torch.no_grad()
    def evaluate(self, x: Tensor, y: Tensor) -> list[tuple[float, float]]:
        """In batches that hold so many values for all replicas together."""
        widest = max(layer.n_out for layer in self.layers)
        size = max(16, EVALUATION_VALUES // (self.number * widest))
        loss = torch.zeros(self.number, device=x.device)
        right = torch.zeros(self.number, dtype=torch.int64, device=x.device)
        for some_x, some_y in zip(torch.split(x, size), torch.split(y, size), strict=True):
            logits = self.forward(some_x[None])
            losses = nn.functional.cross_entropy(
                logits.flatten(0, 1), some_y.repeat(self.number), reduction="none"
            )
            loss += losses.view(self.number, -1).sum(1)
            right += (logits.argmax(2) == some_y).sum(1)
        pairs = zip(loss.tolist(), right.tolist(), strict=True)
        return [(a / len(y), b / len(y)) for a, b in pairs]

    def summary(self) -> dict[str, Any]:
        """How many there were."""
        return {"engine": "batched", "replicas": self.number}

    def dense_state(self, index: int) -> dict[str, Tensor]:
        """One slice of every parameter."""
        return {key: value.detach()[index] for key, value in self._parameters.items()}

    def own_state(self, index: int) -> dict[str, Tensor]:
        """The same."""
        return self.dense_state(index)

    def load_own_state(self, index: int, state: Mapping[str, Tensor]) -> None:
        """Into its slices."""
        for key, parameter in self._parameters.items():
            parameter[index].copy_(state[key])

    def optimizer_entry(self, index: int, parameter: nn.Parameter, value: Tensor) -> Tensor:
        """A slice; what is no array of the parameter's shape (a count of steps) is for all."""
        return value[index] if value.shape == parameter.shape else value

    def load_optimizer_entry(
        self, index: int, parameter: nn.Parameter, entry: str, value: Tensor
    ) -> None:
        """Into its slice of an array that the first of them makes."""
        state = self.optimizer.state[parameter]
        if value.shape != parameter.shape[1:]:
            state[entry] = value.to(parameter.device)
            return
        if entry not in state:
            state[entry] = torch.zeros_like(parameter)
        state[entry][index].copy_(value)
