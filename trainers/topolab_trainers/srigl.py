"""SRigL: RigL with a constant fan-in, and neurons that may be ablated."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab.options import Option
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import LayerView, UpdatePlan
from topolab_trainers.distributions import DISTRIBUTIONS, edge_counts
from topolab_trainers.inits.base import InitInputs, dense_masks, required_sparsity
from topolab_trainers.method import Method
from topolab_trainers.profiles import spread
from topolab_trainers.schedules import cosine_fraction
from topolab_trainers.update import LayerUpdate, highest, keep_highest

__all__ = ["SRigL", "constant_fan_in_update"]


class SRigL(Method):
    """Structured RigL.

    References
    ----------
    M. Lasby, A. Golubeva, U. Evci, M. Nica, Y. A. Ioannou, "Dynamic Sparse Training with
    Structured Sparsity", ICLR 2024.
    """

    name = "srigl"
    summary = "SRigL: RigL with a constant fan-in, with or without neuron ablation"
    options = (
        Option("ablation", "bool", True, "Remove neurons with too few salient weights."),
        Option("gamma", "float", 0.3, "Ablate below this share of the fan-in.",
               interval="[0, 1]"),
        Option("distribution", "str", "erk", "How edges are shared among layers.",
               choices=DISTRIBUTIONS),
    )  # fmt: skip
    defaults: ClassVar[dict[str, Any]] = {
        "update_every": 100,
        "drop_fraction": 0.3,
        "t_end": 0.75,
        "init": "random",
    }
    replaces_step = True
    conserves = "nothing"

    def check(self, config: TrainConfig) -> TrainConfig:
        """The fan-in is constant from the start."""
        if config.init != "random":
            raise ConfigError("method srigl starts with a constant fan-in; leave --init away")
        return config

    def needs(self, config: TrainConfig) -> frozenset[str]:
        """The dense gradient, always."""
        return frozenset({"gradient"})

    def initial_masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """Every neuron of a layer has the same fan-in, the nearest whole one; inputs at random."""
        counts = edge_counts(layers, required_sparsity(config), config.options["distribution"])
        masks = dense_masks(layers)
        for layer in layers:
            if layer.maskable:
                k = max(1, round(counts[layer.name] / layer.n_out))
                fan_in = np.full(layer.n_out, k, dtype=np.int64)
                n = layer.size // layer.n_out
                masks[layer.name] = spread(fan_in, n, "random", inputs.generator).reshape(
                    layer.shape
                )
        return masks

    def plan_update(
        self, step: int, total: int, t_end: int, config: TrainConfig, *, nth: int = 0
    ) -> UpdatePlan:
        """RigL's cosine."""
        return UpdatePlan(step, cosine_fraction(step, t_end, config.drop_fraction), grow="gradient")

    def update_layer(
        self, view: LayerView, plan: UpdatePlan, config: TrainConfig, generator: torch.Generator
    ) -> LayerUpdate:
        """See `constant_fan_in_update`."""
        assert view.gradient is not None
        gamma = config.options["gamma"] if config.options["ablation"] else None
        return constant_fan_in_update(
            view.mask, view.weight, view.gradient, plan.fraction, gamma, generator,
            budget=view.budget,
        )  # fmt: skip


def constant_fan_in_update(
    mask: Tensor,
    weight: Tensor,
    gradient: Tensor,
    fraction: float,
    gamma: float | None,
    generator: torch.Generator,
    *,
    budget: int | None = None,
) -> LayerUpdate:
    """One layer's update that leaves every neuron that is not ablated with the same fan-in.

    With K = floor(fraction * active): a weight is salient if it is among the active - K largest
    active magnitudes, or among the K largest gradients of absent weights. Neurons with fewer
    salient weights than max(1, gamma * fan-in) are ablated. The constant fan-in becomes
    floor(budget / neurons left), at most all inputs. The K smallest weights of the layer are
    dropped, and every neuron left regrows by its largest gradients to that fan-in.

    Parameters
    ----------
    mask : Tensor of bool, shape (m, ...)
        Every row has the same number of edges, or none (ablated before; that is for good).
    weight, gradient : Tensor, of the same shape
    fraction : float
    gamma : float or None
        None: no ablation.
    generator : torch.Generator
    budget : int, optional
        Edges of the layer at the start; the active ones without it. With it, what the rounding of
        the fan-in loses at one ablation comes back at the next.

    Returns
    -------
    LayerUpdate

    Notes
    -----
    As many neurons are always left as can hold the edges.

    Examples
    --------
    >>> mask = torch.tensor([[True, True, False], [True, True, False]])
    >>> weight = torch.tensor([[3.0, 2.0, 0.0], [4.0, 0.1, 0.0]])
    >>> gradient = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 2.0]])
    >>> update = constant_fan_in_update(mask, weight, gradient, 0.25, None, torch.Generator())
    >>> update.mask.int().tolist()
    [[1, 1, 0], [1, 0, 1]]
    """
    m = mask.shape[0]
    rows, size = mask.reshape(m, -1), mask[0].numel()
    magnitude, slope = weight.reshape(m, -1).abs(), gradient.reshape(m, -1).abs()
    active = int(rows.sum())
    live = rows.any(dim=1)
    n_live = int(live.sum())
    budget = active if budget is None else budget
    if active == 0:
        return LayerUpdate(mask, torch.zeros_like(mask), torch.zeros_like(mask), 0)
    n_drop = int(fraction * active)
    keep = keep_highest(rows, magnitude, n_drop, generator)
    if gamma is not None and n_live > 1:
        absent = torch.nonzero((~rows & live[:, None]).reshape(-1)).squeeze(1)
        salient = keep.clone().reshape(-1)
        salient[absent[highest(slope.reshape(-1)[absent], n_drop, generator)]] = True
        count = salient.reshape(m, -1).sum(dim=1)
        need = max(1, int(gamma * (active // n_live)))
        left = live & (count >= need)
        # So few neurons cannot hold all edges: the most salient of the others stay as well.
        least = -(-budget // size)
        if int(left.sum()) < least:
            score = count.double().masked_fill(~live, -1)
            left = torch.zeros_like(live)
            left[highest(score, least, generator)] = True
        live = left
    fan_in = min(size, budget // int(live.sum()))
    new = keep & live[:, None]
    for i in torch.nonzero(live).squeeze(1).tolist():
        have = int(new[i].sum())
        if have > fan_in:
            new[i] = keep_highest(new[i], magnitude[i], have - fan_in, generator)
        elif have < fan_in:
            free = torch.nonzero(~new[i]).squeeze(1)
            new[i, free[highest(slope[i][free], fan_in - have, generator)]] = True
    new = new.reshape(mask.shape)
    dropped, grown = mask & ~new, new & ~mask
    gone = int((mask & ~keep.reshape(mask.shape) & ~new).sum())
    return LayerUpdate(new, dropped, grown, regrown=n_drop - gone)
