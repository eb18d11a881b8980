"""GraSP: keep the weights that carry the gradient's flow."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from topolab.layers import LayerSpec
from topolab.options import Option
from topolab_trainers.config import TrainConfig
from topolab_trainers.inits.base import Init, InitInputs, required_sparsity
from topolab_trainers.inits.scores import evaluating, keep_best, total_edges, weights_of
from topolab_trainers.inits.snip import BATCH

__all__ = ["GRASP", "Grasp"]


class Grasp(Init):
    """Gradient signal preservation: remove the weights with the largest -w (H g).

    References
    ----------
    C. Wang, G. Zhang, R. Grosse, "Picking Winning Tickets Before Training by Preserving Gradient
    Flow", ICLR 2020.
    """

    name = "grasp"
    summary = "weights whose removal would hurt the gradient norm most, -w (H g) (GraSP)"
    card_name = "grasp"
    options = (
        BATCH,
        Option("temperature", "float", 200.0, "Divides the logits.", interval="(0, inf)"),
    )
    needs_weights = True

    def masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """The highest w (H g) over all maskable layers together."""
        scores = self.scores(layers, config, inputs)
        edges = total_edges(layers, required_sparsity(config))
        return keep_best(layers, scores, edges, inputs.generator)

    def scores(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """w (H g) per maskable layer, H and g over the maskable weights."""
        weights = weights_of(inputs.model, layers)
        parameters = list(weights.values())
        x, y = inputs.batch(config.options["saliency_batch"])
        with evaluating(inputs.model):
            loss = nn.functional.cross_entropy(inputs.model(x) / config.options["temperature"], y)
            gradients = torch.autograd.grad(loss, parameters, create_graph=True)
            product = sum((g * g.detach()).sum() for g in gradients)
            assert isinstance(product, Tensor)
            curved = torch.autograd.grad(product, parameters)
        return {
            name: (weight * hg).detach()
            for (name, weight), hg in zip(weights.items(), curved, strict=True)
        }


GRASP = Grasp()
