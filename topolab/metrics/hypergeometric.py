"""How many of a kind are drawn: hypergeometric numbers inside compiled loops."""

from __future__ import annotations

import math

import numpy as np

from topolab.metrics.jit import jit
from topolab.metrics.splitmix import State, uniform_number

__all__ = ["hypergeometric"]

_EXACT = 256
_LOG_FACTORIALS = np.array([math.lgamma(n + 1.0) for n in range(_EXACT)])
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


@jit
def _log_factorial(n: int) -> float:
    """Stirling's series beyond the table: exact to rounding."""
    if n < _EXACT:
        return float(_LOG_FACTORIALS[n])
    x = float(n)
    inverse = 1.0 / x
    rest = inverse * (1.0 / 12.0 - inverse * inverse * (1.0 / 360.0))
    return (x + 0.5) * math.log(x) - x + _HALF_LOG_TWO_PI + rest


@jit
def _log_choose(n: int, k: int) -> float:
    return _log_factorial(n) - _log_factorial(k) - _log_factorial(n - k)


@jit
def hypergeometric(kind: int, total: int, drawn: int, state: State) -> int:
    """How many of `drawn` things, out of `total` without repetition, are among the `kind` first.

    By inversion from the mode outwards: as many steps as the number lies standard deviations'
    widths from it, one random number for each draw.
    """
    other = total - kind
    least = max(0, drawn - other)
    most = min(kind, drawn)
    if least == most:
        return least
    mode = int((float(drawn) + 1.0) * (float(kind) + 1.0) / (float(total) + 2.0))
    mode = min(max(mode, least), most)
    p = math.exp(
        _log_choose(kind, mode) + _log_choose(other, drawn - mode) - _log_choose(total, drawn)
    )
    left = uniform_number(state) - p
    if left < 0.0:
        return mode
    up = mode
    down = mode
    p_up = p
    p_down = p
    while up < most or down > least:
        if up < most:
            p_up *= float(kind - up) * float(drawn - up)
            up += 1
            p_up /= float(up) * float(other - drawn + up)
            left -= p_up
            if left < 0.0:
                return up
        if down > least:
            p_down *= float(down) * float(other - drawn + down)
            down -= 1
            p_down /= float(kind - down) * float(drawn - down)
            left -= p_down
            if left < 0.0:
                return down
    return mode  # rounding: the probabilities sum to a little less than 1
