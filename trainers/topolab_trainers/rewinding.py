"""Back to earlier weights after a prune (lottery tickets)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from topolab_trainers.engine import make_optimizer

if TYPE_CHECKING:
    import torch

    from topolab_trainers.config import TrainConfig
    from topolab_trainers.module_engine import ModuleEngine

__all__ = ["Rewinding"]


class Rewinding:
    """The weights that come back: kept at one step, taken back after every prune.

    Parameters
    ----------
    engine : ModuleEngine
    config : TrainConfig
        Its option ``rewind_step`` says which step's weights they are.
    device : torch.device

    Attributes
    ----------
    state : dict of str to Tensor
        Empty until that step.
    """

    def __init__(self, engine: ModuleEngine, config: TrainConfig, device: torch.device) -> None:
        self.engine, self.config, self.device = engine, config, device
        self.state: dict[str, Tensor] = {}

    def keep(self, step: int) -> None:
        """Keep the weights if this is the step."""
        if step == self.config.options["rewind_step"]:
            self.state = {k: v.detach().clone() for k, v in self.engine.dense_state().items()}

    def rewind(self) -> None:
        """Back to the kept weights, and an optimiser that knows nothing."""
        rate = self.engine.optimizer.param_groups[0]["lr"]
        self.engine.load_dense_state(self.state)
        self.engine.optimizer = make_optimizer(self.engine, self.config)
        # What was used is what is recorded.
        self.engine.optimizer.param_groups[0]["lr"] = rate

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take back what was saved of `state`."""
        self.state = {k: v.to(self.device) for k, v in state.items()}
