"""NIST: neuroseed masks, perhaps one prune, then fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from torch import Tensor

from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab.options import Option
from topolab_trainers.config import TrainConfig
from topolab_trainers.criteria import LayerView, UpdatePlan
from topolab_trainers.inits.base import InitInputs
from topolab_trainers.method import LayerGenerator, Method
from topolab_trainers.pruning import prune_to
from topolab_trainers.schedules import UpdateTimes
from topolab_trainers.update import LayerUpdate

__all__ = ["NIST"]


class NIST(Method):
    """Neurogenesis-inspired sparse training.

    References
    ----------
    "Beyond Pruning: Neuro-inspired Sparse Training for Enhancing Model Performance, Convergence
    Speed, and Training Stability", extending M. Kamelian Rad et al. (2025).
    """

    name = "nist"
    summary = "NIST: neuroseed masks (--neuroseeds 1,10), perhaps one magnitude prune, then fixed"
    options = (
        Option("prune_to", "float", None, "Sparsity after a single prune; none without it.",
               interval="(0, 1)"),
        Option("prune_at", "float", 0.1, "Share of the epochs before the prune.",
               interval="(0, 1)"),
    )  # fmt: skip
    defaults: ClassVar[dict[str, Any]] = {
        "init": "nist",
        "sparsity": None,
        "weight_init": "kaiming-uniform",
        "dense_output": False,
        "optimizer": "adam-sgd",
    }
    conserves = "nothing"

    def check(self, config: TrainConfig) -> TrainConfig:
        """The neuroseeds decide the sparsity; only the prune has a target."""
        if config.init != "nist":
            raise ConfigError("method nist is its masks; leave --init away, or use static")
        if config.sparsity is not None:
            raise ConfigError(
                "the sparsity of nist follows from --neuroseeds; to prune once use --prune-to"
            )
        if config.options["prune_to"] is not None and config.epochs < 2:
            raise ConfigError("a prune comes at the end of an epoch; --prune-to needs --epochs 2")
        return replace(config, update_every=None, drop_fraction=0.0, t_end=0.0)

    def initial_masks(
        self, layers: tuple[LayerSpec, ...], config: TrainConfig, inputs: InitInputs
    ) -> dict[str, Tensor]:
        """Neuroseed masks; refuse a prune that would have to grow."""
        masks = super().initial_masks(layers, config, inputs)
        target = config.options["prune_to"]
        if target is not None:
            size = sum(layer.size for layer in layers if layer.maskable)
            active = sum(int(masks[layer.name].sum()) for layer in layers if layer.maskable)
            if round((1 - target) * size) > active:
                raise ConfigError(
                    f"prune_to {target} is less than the sparsity {1 - active / size:.4f} that "
                    "the neuroseeds give already"
                )
        return masks

    def masked_by_default(self, head: Sequence[str], every: Sequence[str]) -> Sequence[str]:
        """The linear layers of the head: convolutions stay dense."""
        return head

    def times(self, config: TrainConfig, t_end: int, steps_per_epoch: int) -> UpdateTimes:
        """Once, at the end of the epoch nearest to `prune_at` of all, but not the last."""
        if config.options["prune_to"] is None:
            return UpdateTimes(None, t_end, steps_per_epoch)
        epoch = min(max(1, round(config.options["prune_at"] * config.epochs)), config.epochs - 1)
        return UpdateTimes(None, t_end, steps_per_epoch, at=(epoch * steps_per_epoch,))

    def plan_update(
        self, step: int, total: int, t_end: int, config: TrainConfig, *, nth: int = 0
    ) -> UpdatePlan:
        """``fraction`` is the share of the masked layers' weights that is gone afterwards."""
        return UpdatePlan(step, config.options["prune_to"])

    def update_network(
        self,
        views: Sequence[LayerView],
        plan: UpdatePlan,
        config: TrainConfig,
        draw: LayerGenerator,
    ) -> dict[str, LayerUpdate]:
        """One magnitude prune over all masked layers together."""
        size = sum(view.mask.numel() for view in views)
        return prune_to(views, round((1 - plan.fraction) * size), draw)
