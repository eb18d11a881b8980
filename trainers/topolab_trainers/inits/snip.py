"""SNIP: keep the weights whose removal would change the loss most."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from topolab.layers import LayerSpec
from topolab.options import Option
from topolab_trainers.config import TrainConfig
from topolab_trainers.inits.base import Init, InitInputs, required_sparsity
from topolab_trainers.inits.scores import evaluating, keep_best, total_edges, weights_of

__all__ = ["SNIP", "Snip"]

BATCH = Option("saliency_batch", "int", 256, "Samples that the scores are computed on.",
               interval="[1, inf)")  # fmt: skip


class Snip(Init):
    """Connection sensitivity abs(w dL/dw) of the dense initial network, on one batch.

    References
    ----------
    N. Lee, T. Ajanthan, P. H. S. Torr, "SNIP: Single-shot network pruning based on connection
    sensitivity", ICLR 2019.
    """

    name = "snip"
    summary = "largest connection sensitivity, abs(w dL/dw), at initialisation (SNIP)"
    card_name = "snip"
    options = (BATCH,)
    needs_weights = True

    def masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """The highest sensitivities over all maskable layers together."""
        scores = self.scores(layers, config, inputs)
        edges = total_edges(layers, required_sparsity(config))
        return keep_best(layers, scores, edges, inputs.generator)

    def scores(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """abs(w dL/dw) per maskable layer."""
        weights = weights_of(inputs.model, layers)
        x, y = inputs.batch(config.options["saliency_batch"])
        with evaluating(inputs.model):
            loss = nn.functional.cross_entropy(inputs.model(x), y)
            gradients = torch.autograd.grad(loss, list(weights.values()))
        return {
            name: (weight * gradient).abs().detach()
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
        }


SNIP = Snip()
