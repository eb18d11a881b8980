"""How numbers stand in the sentences of a claim."""

from __future__ import annotations

import math

__all__ = ["between", "count", "probability", "short"]


def probability(p: float) -> str:
    """A p-value with its sign: never rounded to 0, nor to a limit that it is not at.

    Examples
    --------
    >>> probability(0.2345), probability(0.0004), probability(0.0499), probability(1)
    ('p = 0.23', 'p < 0.001', 'p = 0.0499', 'p = 1')
    """
    if p < 0.001:
        return "p < 0.001"
    digits = 2
    while digits < 6 and any(
        (p < limit) != (round(p, digits) < limit) or (p > limit) != (round(p, digits) > limit)
        for limit in (0.05, 0.1, 0.95)
    ):
        digits += 1
    return f"p = {round(p, max(digits, 1 - math.floor(math.log10(p)))):g}"


def short(value: float) -> str:
    """Two decimals, and no minus in front of a zero.

    Examples
    --------
    >>> short(-0.001), short(1.275)
    ('0.00', '1.27')
    """
    return f"{round(value, 2) + 0.0:.2f}"


def between(low: float, high: float) -> str:
    """An interval.

    Examples
    --------
    >>> between(0.5, 0.75)
    '0.50 to 0.75'
    """
    return f"{short(low)} to {short(high)}"


def count(number: float, what: str, several: str = "") -> str:
    """A number of things.

    Examples
    --------
    >>> count(1, "neuron"), count(1296, "edge"), count(2, "layer")
    ('1 neuron', '1,296 edges', '2 layers')
    """
    whole = f"{int(number):,}" if float(number).is_integer() else f"{number:,.1f}"
    return f"{whole} {what if number == 1 else several or what + 's'}"
