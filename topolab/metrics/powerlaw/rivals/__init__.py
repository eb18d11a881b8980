"""The rivals of a power law, and how it is held against them."""

from topolab.metrics.powerlaw.rivals.base import Rival, Tail
from topolab.metrics.powerlaw.rivals.comparison import RIVALS, RivalTest, compare, tail_of

__all__ = ["RIVALS", "Rival", "RivalTest", "Tail", "compare", "tail_of"]
