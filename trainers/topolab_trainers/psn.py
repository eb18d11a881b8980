"""PSN: profiled sparse networks, static masks whose fan-ins follow a profile."""

from __future__ import annotations

from typing import Any, ClassVar

from topolab.errors import ConfigError
from topolab.registry import find
from topolab_trainers.config import TrainConfig
from topolab_trainers.inits.profile import Profile
from topolab_trainers.static import Static

__all__ = ["PSN"]


class PSN(Static):
    """Profiled sparse networks.

    References
    ----------
    N. Tomczak, "Heterogeneous Connectivity in Sparse Networks: Fan-in Profiles, Gradient
    Hierarchy, and Topological Equilibria", arXiv 2604.10560 (2026).
    """

    name = "psn"
    summary = "PSN: static masks whose fan-ins follow a profile (--profile lognormal --ccv 2)"
    defaults: ClassVar[dict[str, Any]] = {"init": "lognormal"}

    def check(self, config: TrainConfig) -> TrainConfig:
        """Profiles only; everything else is the method static."""
        if not isinstance(find("inits", config.init), Profile):
            raise ConfigError(
                f"init {config.init} is no profile; for static masks of any kind use method static"
            )
        return super().check(config)
