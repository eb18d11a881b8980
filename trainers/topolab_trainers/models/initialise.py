"""How weights start: seeded, the same on every device, absent ones 0."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from topolab.errors import ConfigError

__all__ = ["initialise"]


@torch.no_grad()
def initialise(
    model: nn.Module,
    masks: Mapping[str, Tensor],
    generator: torch.Generator,
    how: str = "he",
) -> None:
    """Initialise every masked layer; absent weights are 0.

    Parameters
    ----------
    model : Module
    masks : mapping of str to Tensor of bool
        Per layer name; every linear and convolutional layer of the model.
    generator : torch.Generator
        On the CPU: the weights are the same on every device.
    how : {"he", "kaiming-uniform", "torch"}
        he: normal with variance 2 / ((1 - s) n), s the layer's realised sparsity and n its
        inputs (for a convolution times the kernel's size), that is with the mean fan-in of the
        mask; biases 0 (PSN). kaiming-uniform: uniform within sqrt(6 / n), whatever the mask;
        biases 0 (NIST). torch: uniform within 1 / sqrt(n), biases too, as ``torch.nn.Linear``
        does by default.

    Examples
    --------
    >>> layer = torch.nn.utils.skip_init(torch.nn.Linear, 800, 500)
    >>> mask = torch.zeros(500, 800, dtype=torch.bool); mask[:, :80] = True
    >>> initialise(torch.nn.Sequential(layer), {"0": mask}, torch.Generator().manual_seed(0))
    >>> round(float(layer.weight.detach()[:, :80].var()) * 80 / 2, 1)
    1.0
    """
    for name, mask in masks.items():
        layer = model.get_submodule(name)
        weight, bias = layer.weight, layer.bias
        assert isinstance(weight, Tensor)
        n = weight[0].numel()
        if how == "he":
            mean_fan_in = float(mask.sum()) / mask.shape[0]
            if mean_fan_in == 0:
                raise ConfigError(
                    f"layer {name} has no edge at all to start from; use a lower sparsity"
                )
            values = torch.randn(weight.shape, generator=generator) * math.sqrt(2 / mean_fan_in)
        elif how == "kaiming-uniform":
            bound = math.sqrt(6 / n)
            values = (2 * torch.rand(weight.shape, generator=generator) - 1) * bound
        else:
            values = (2 * torch.rand(weight.shape, generator=generator) - 1) / math.sqrt(n)
        weight.copy_(values * mask)
        if isinstance(bias, Tensor):
            bias.zero_()
            if how == "torch":
                values = (2 * torch.rand(bias.shape, generator=generator) - 1) / math.sqrt(n)
                bias.copy_(values)
