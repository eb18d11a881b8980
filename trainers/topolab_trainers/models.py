"""Networks whose layers are masked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

__all__ = ["MLP", "NORMS", "initialise"]

NORMS = ("layernorm", "none")


class MLP(nn.Module):
    """A multilayer perceptron: linear, norm, ReLU; the last layer linear only.

    Parameters
    ----------
    n_in : int
    hidden : sequence of int
    n_out : int
    norm : {"layernorm", "none"}
        LayerNorm before every ReLU as in PSN, or plain ReLU as in NSH.

    Notes
    -----
    The linear layers are called fc1, fc2, ... Their weights are not initialised here: see
    `initialise`.
    """

    def __init__(self, n_in: int, hidden: Sequence[int], n_out: int, *, norm: str) -> None:
        super().__init__()
        widths = [n_in, *hidden, n_out]
        self.depth = len(widths) - 1
        for i in range(1, self.depth + 1):
            layer = nn.utils.skip_init(nn.Linear, widths[i - 1], widths[i])
            setattr(self, f"fc{i}", layer)
            if norm == "layernorm" and i < self.depth:
                setattr(self, f"norm{i}", nn.LayerNorm(widths[i]))
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (batch, n_out), of inputs of shape (batch, n_in)."""
        for i in range(1, self.depth):
            x = getattr(self, f"fc{i}")(x)
            if self.norm == "layernorm":
                x = getattr(self, f"norm{i}")(x)
            x = torch.relu(x)
        out: Tensor = getattr(self, f"fc{self.depth}")(x)
        return out


@torch.no_grad()
def initialise(model: nn.Module, masks: Mapping[str, Tensor], generator: torch.Generator) -> None:
    """He initialisation with the mean fan-in of each mask; biases 0.

    The variance is 2 / ((1 - s) n): s is the layer's realised sparsity, n its inputs (for a
    convolution times the kernel's size). Absent weights are 0.

    Parameters
    ----------
    model : Module
    masks : mapping of str to Tensor of bool
        Per layer name; every masked layer of the model.
    generator : torch.Generator
        On the CPU: the weights are the same on every device.
    """
    for name, mask in masks.items():
        layer = model.get_submodule(name)
        weight, bias = layer.weight, layer.bias
        assert isinstance(weight, Tensor)
        mean_fan_in = float(mask.sum()) / mask.shape[0]
        values = torch.randn(weight.shape, generator=generator) * math.sqrt(2 / mean_fan_in)
        weight.copy_(values * mask)
        if isinstance(bias, Tensor):
            bias.zero_()
