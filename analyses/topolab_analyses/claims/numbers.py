"""How numbers stand in the sentences of a claim."""

from __future__ import annotations

import math

__all__ = ["alone_and_among", "between", "count", "probability", "short"]

_LIMITS = (0.05, 0.1, 0.95)


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
    while (at := _reached(p, digits)) is not None and digits < 6:
        digits += 1
    if at is not None:
        return f"p just {'below' if p < at else 'above'} {at:g}"
    return f"p = {round(p, max(digits, 1 - math.floor(math.log10(p)))):g}"


def _reached(p: float, digits: int) -> float | None:
    """A limit that p is not at, but rounds to, or beyond."""
    near = round(p, digits)
    for limit in _LIMITS:
        if (p < limit) != (near < limit) or (p > limit) != (near > limit):
            return limit
    return None


def alone_and_among(p: float, adjusted: float) -> str:
    """A p-value, and what it is among the layers that are judged together, if that differs.

    Examples
    --------
    >>> alone_and_among(0.02, 0.06), alone_and_among(0.07, 0.07)
    ('p = 0.02 alone but p = 0.06 among all layers', 'p = 0.07')
    """
    alone, among = probability(p), probability(adjusted)
    return alone if alone == among else f"{alone} alone but {among} among all layers"


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
