"""One network as a torch module, its layers dense with a mask or as active weights only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from topolab_trainers.engine import Engine, make_optimizer
from topolab_trainers.network import make_network
from topolab_trainers.storage import CsrStorage

if TYPE_CHECKING:
    from topolab_trainers.data.dataset import Dataset
    from topolab_trainers.jobs import Job

__all__ = ["ModuleEngine"]

EVALUATION_BATCH = 2048


class ModuleEngine(Engine):
    """The usual case, R = 1: any model there is, with any storage.

    Raises
    ------
    ConfigError
        If data, network and settings do not fit together.
    """

    def __init__(self, jobs: Sequence[Job], dataset: Dataset) -> None:
        (job,) = jobs
        network = make_network(job.method, job.config, dataset)
        self.layers = network.layers
        self.model = network.model.to(torch.device(job.config.device))
        self.layer_storages = network.stored(job.config, job.method.needs(job.config))
        self.storages = [self.layer_storages]
        self.optimizer = make_optimizer(self, job.config)

    def parameters(self) -> dict[str, nn.Parameter]:
        """The model's."""
        return dict(self.model.named_parameters())

    def module(self) -> nn.Module:
        """The model."""
        return self.model

    def backward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """One pass through the model and back."""
        logits = self.model(x[0])
        loss = nn.functional.cross_entropy(logits, y[0])
        loss.backward()  # type: ignore[no-untyped-call]
        right = (logits.detach().argmax(1) == y[0]).sum()
        return loss.detach()[None], right[None]

    def mask_gradients(self) -> None:
        """Layer by layer."""
        for storage in self.layer_storages.values():
            storage.mask_gradient()

    @torch.no_grad()
    def evaluate(self, x: Tensor, y: Tensor) -> list[tuple[float, float]]:
        """In batches, in evaluation mode."""
        loss = torch.zeros((), device=x.device)
        right = torch.zeros((), dtype=torch.int64, device=x.device)
        self.model.eval()
        for some_x, some_y in zip(
            torch.split(x, EVALUATION_BATCH), torch.split(y, EVALUATION_BATCH), strict=True
        ):
            logits = self.model(some_x)
            loss += nn.functional.cross_entropy(logits, some_y, reduction="sum")
            right += (logits.argmax(1) == some_y).sum()
        self.model.train()
        return [(float(loss) / len(y), int(right) / len(y))]

    def summary(self) -> dict[str, Any]:
        """``csr`` if any layer is kept so."""
        csr = any(isinstance(s, CsrStorage) for s in self.layer_storages.values())
        return {"engine": "csr" if csr else "masked"}

    def dense_state(self, index: int = 0) -> dict[str, Tensor]:
        """Active weights are spread out to where they are."""
        state = dict(self.model.state_dict())
        for name, storage in self.layer_storages.items():
            if isinstance(storage, CsrStorage):
                del state[f"{name}.values"]
                state[f"{name}.weight"] = storage.weight
        return state

    @torch.no_grad()
    def load_dense_state(self, state: Mapping[str, Tensor]) -> None:
        """Take weights from a dense state; absent ones stay 0."""
        own = dict(self.model.state_dict())
        for name, storage in self.layer_storages.items():
            weight = state[f"{name}.weight"].to(storage.mask.device)
            if isinstance(storage, CsrStorage):
                storage.module.values.data = weight[storage.mask]
            else:
                storage.parameter.copy_(weight * storage.mask)
        for key, value in own.items():
            layer, _, what = key.rpartition(".")
            if layer in self.layer_storages and what in ("weight", "values"):
                continue
            value.copy_(state[key])

    def own_state(self, index: int) -> dict[str, Tensor]:
        """The model's, with vectors of active weights where those are kept."""
        return dict(self.model.state_dict())

    def load_own_state(self, index: int, state: Mapping[str, Tensor]) -> None:
        """Strictly: every entry is there."""
        self.model.load_state_dict(dict(state))

    def optimizer_entry(self, index: int, parameter: nn.Parameter, value: Tensor) -> Tensor:
        """All of it."""
        return value

    def load_optimizer_entry(
        self, index: int, parameter: nn.Parameter, entry: str, value: Tensor
    ) -> None:
        """As it was."""
        self.optimizer.state[parameter][entry] = value.to(parameter.device)
