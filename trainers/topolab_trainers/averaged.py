"""The dense gradient averaged over steps, for growth by momentum (SNFS).

It is kept apart from the optimiser's momentum, which is masked at every step and so is 0 at every
absent weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from topolab_trainers.storage import Storage

__all__ = ["AveragedGradient"]

BETA2 = 0.999
EPSILON = 1e-8


class AveragedGradient:
    """Exponential averages m of the dense gradient, and v of its square if `normalised`.

    Parameters
    ----------
    storages : iterable of Storage
    beta : float
        Of m; v has 0.999 as Adam.
    normalised : bool
        The score is then m / sqrt(v) and not m. Bias corrections are left out: they are the same
        factor for every weight.
    """

    def __init__(self, storages: Iterable[Storage], beta: float, *, normalised: bool) -> None:
        self.storages = list(storages)
        self.beta = beta
        self.m = {s.layer.name: torch.zeros_like(s.weight) for s in self.storages}
        self.v = {k: torch.zeros_like(m) for k, m in self.m.items()} if normalised else {}

    @torch.no_grad()
    def accumulate(self) -> None:
        """Take in the dense gradients of this step, before they are masked."""
        for storage in self.storages:
            name, gradient = storage.layer.name, storage.gradient()
            self.m[name].lerp_(gradient, 1 - self.beta)
            if name in self.v:
                self.v[name].mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)

    def score(self, name: str) -> Tensor:
        """m, or m / sqrt(v)."""
        if name in self.v:
            return self.m[name] / (self.v[name].sqrt() + EPSILON)
        return self.m[name]

    def tensors(self) -> dict[str, Tensor]:
        """What a resumed training needs."""
        return {f"m.{k}": m for k, m in self.m.items()} | {f"v.{k}": v for k, v in self.v.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take back what `tensors` gave."""
        for key, own in self.tensors().items():
            own.copy_(tensors[key])
