"""The word for three tail indices of the same data."""

from __future__ import annotations

import math
from collections.abc import Iterable

from topolab.metrics.tail_index.base import TailIndex

__all__ = ["CATEGORIES", "category"]

#: From the lightest tail to the heaviest.
CATEGORIES = (
    "not a power law",
    "hardly a power law",
    "power law",
    "power law with divergent second moment",
)


def category(indices: Iterable[TailIndex]) -> str:
    """What several estimators say together.

    The least of them decides: at most 0, not a power law; at most 1/4 (gamma 5 or more), hardly
    one; above 1/2 (gamma below 3), one whose second moment diverges.

    Parameters
    ----------
    indices : iterable of TailIndex

    Returns
    -------
    str
        One of `CATEGORIES`; empty where an estimate is missing.

    References
    ----------
    I. Voitalov, P. van der Hoorn, R. van der Hofstad, D. Krioukov, "Scale-free networks well
    done", Physical Review Research 1, 033034 (2019), section V.

    Examples
    --------
    >>> category([TailIndex("hill", 0.7, 40, 900), TailIndex("moments", 0.3, 40, 900)])
    'power law'
    >>> category([TailIndex("hill", 0.7, 40, 900), TailIndex("moments", -0.1, 40, 900)])
    'not a power law'
    """
    least = [index.xi for index in indices]
    if not least or any(math.isnan(xi) for xi in least):
        return ""
    return CATEGORIES[sum(min(least) > limit for limit in (0.0, 0.25, 0.5))]
