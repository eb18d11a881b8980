"""Tail indices without a law: what extreme value theory says of the largest degrees.

P(K > k) = l(k) k^(-1 / xi) with any slowly varying l is a power law in the wide sense, of exponent
gamma = 1 + 1 / xi. Three consistent estimators of xi (Voitalov, van der Hoorn, van der Hofstad and
Krioukov 2019), each from as many of the largest values as a double bootstrap finds best.
"""

from topolab.metrics.tail_index.base import TailIndex, add_noise
from topolab.metrics.tail_index.category import CATEGORIES, category
from topolab.metrics.tail_index.hill import hill
from topolab.metrics.tail_index.kernel import kernel
from topolab.metrics.tail_index.moments import moments

__all__ = ["CATEGORIES", "TailIndex", "add_noise", "category", "hill", "kernel", "moments"]
