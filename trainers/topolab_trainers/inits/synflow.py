"""SynFlow: keep the flow of synaptic strength, without looking at data."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from topolab.layers import LayerSpec
from topolab.options import Option
from topolab_trainers.config import TrainConfig
from topolab_trainers.inits.base import Init, InitInputs, dense_masks, required_sparsity
from topolab_trainers.inits.scores import keep_best, total_edges, weights_of

__all__ = ["SYNFLOW", "SynFlow"]

NORMS = (nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm)


class SynFlow(Init):
    """Iterative synaptic flow pruning.

    References
    ----------
    H. Tanaka, D. Kunin, D. L. K. Yamins, S. Ganguli, "Pruning neural networks without any data by
    iteratively conserving synaptic flow", NeurIPS 2020.
    """

    name = "synflow"
    summary = "largest synaptic flow, in many small steps, without data (SynFlow)"
    card_name = "synflow"
    options = (
        Option("synflow_steps", "int", 100, "Pruning steps, exponential in density.",
               interval="[1, inf)"),
    )  # fmt: skip
    needs_weights = True

    def masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """Density after step k of n: (1 - sparsity)^(k / n), scores anew at every step."""
        density = 1 - required_sparsity(config)
        steps = config.options["synflow_steps"]
        x, _ = inputs.batch(1)
        masks = dense_masks(layers)
        for k in range(1, steps + 1):
            scores = self.scores(layers, inputs.model, x.shape[1], masks)
            # A weight that is gone has score 0 as others may have; it must not come back.
            for name, score in scores.items():
                score[~masks[name]] = -1
            edges = total_edges(layers, 1 - density ** (k / steps))
            masks = keep_best(layers, scores, edges, inputs.generator)
        return masks

    def scores(
        self, layers: tuple[LayerSpec, ...], model: nn.Module, n_in: int, masks: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """w dR/dw per maskable layer of the linearised network, R the sum of its outputs.

        Weights are replaced by their magnitudes, biases by 0, normalisations by the identity, and
        the input is all ones; in double precision, since R grows with every layer.
        """
        linear = copy.deepcopy(model).double().cpu()
        for path, module in list(linear.named_modules()):
            if isinstance(module, NORMS):
                parent, _, name = path.rpartition(".")
                setattr(linear.get_submodule(parent), name, nn.Identity())
        with torch.no_grad():
            for path, parameter in linear.named_parameters():
                parameter.abs_()
                if path.endswith("bias"):
                    parameter.zero_()
                elif path.removesuffix(".weight") in masks:
                    parameter.mul_(masks[path.removesuffix(".weight")])
        weights = weights_of(linear, layers)
        flow = linear(torch.ones(1, n_in, dtype=torch.float64)).sum()
        gradients = torch.autograd.grad(flow, list(weights.values()))
        return {
            name: (weight * gradient).detach()
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
        }


SYNFLOW = SynFlow()
