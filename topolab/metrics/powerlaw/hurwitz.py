"""The Hurwitz zeta function and its bounded sums, by Euler-Maclaurin, fast and to 1e-13.

Everything is scaled by x_min^alpha, so that nothing underflows: with q >= x_min,

    h(alpha, q) = sum_{k >= q} (k / x_min)^-alpha = x_min^alpha zeta(alpha, q).

A law bounded at x_max has the sum up to there; that one is defined for every alpha.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from topolab.metrics.jit import jit

__all__ = ["log_hurwitz"]

FloatArray = npt.NDArray[np.float64]

# B_2j / (2j)! of the Euler-Maclaurin formula, j = 1, 2, ...
_EM = np.array(
    [
        1 / 12,
        -1 / 720,
        1 / 30240,
        -1 / 1209600,
        1 / 47900160,
        -691 / 1307674368000,
        1 / 74724249600,
        -3617 / 10670622842880000,
    ]
)
TERMS = len(_EM)


@jit
def _start(alpha: float, q: float) -> float:
    """Where the formula begins: terms before are summed one by one."""
    return max(q, math.ceil(max(14.0, abs(alpha) + 6.0)))


@jit
def coefficients(alpha: float, out: FloatArray) -> None:
    """B_2j/(2j)! alpha (alpha + 1) ... (alpha + 2j - 2), for `tail_series`."""
    rising = alpha
    for j in range(TERMS):
        out[j] = _EM[j] * rising
        rising *= (alpha + 2 * j + 1) * (alpha + 2 * j + 2)


@jit
def tail_series(alpha: float, q: float, c: FloatArray) -> float:
    """q^alpha sum_{k >= q} k^-alpha, less the integral's part: 1/2 + c1/q + c2/q^3 + ..."""
    r = 1.0 / (q * q)
    s = float(c[TERMS - 1])
    for j in range(TERMS - 2, -1, -1):
        s = s * r + c[j]
    return 0.5 + s / q


@jit
def survival_sum(alpha: float, q: float, x_min: float, x_max: float, c: FloatArray) -> float:
    """sum_{k = q}^{x_max} (k / x_min)^-alpha; x_max may be infinite if alpha > 1."""
    if q > x_max:
        return 0.0
    total = 0.0
    n = _start(alpha, q)
    if n > x_max:
        n = x_max + 1.0
    k = q
    while k < n:
        term = math.exp(-alpha * math.log(k / x_min))
        total += term
        if alpha > 0.0 and term < 1e-18 * total:
            return total
        k += 1.0
    if n > x_max:
        return total
    first = math.exp(-alpha * math.log(n / x_min))
    if math.isinf(x_max):
        return total + first * (n / (alpha - 1.0) + tail_series(alpha, n, c))
    end = x_max + 1.0
    last = math.exp(-alpha * math.log(end / x_min))
    e = 1.0 - alpha
    ratio = math.log(end / n)
    integral = ratio if abs(e * ratio) < 1e-12 else math.expm1(e * ratio) / e
    total += first * n * integral
    return total + first * tail_series(alpha, n, c) - last * tail_series(alpha, end, c)


@jit
def log_z_derivatives(alpha: float, x_min: float, x_max: float) -> tuple[float, float, float]:
    """ln Z + alpha ln x_min, and the first two derivatives of it by alpha.

    Z = sum_{k = x_min}^{x_max} k^-alpha, each term in turn of (k / x_min)^-alpha and its
    logarithms: the derivatives are the moments of -ln(k / x_min).
    """
    z = 0.0
    z1 = 0.0
    z2 = 0.0
    n = _start(alpha, x_min)
    if n > x_max:
        n = x_max + 1.0
    k = x_min
    while k < n:
        log = math.log(k / x_min)
        term = math.exp(-alpha * log)
        z += term
        z1 -= term * log
        z2 += term * log * log
        k += 1.0
        if alpha > 50.0 and term * log * log < 1e-18 * z2:
            n = math.inf  # the rest is below rounding
            break
    if n <= x_max and not math.isinf(n):
        for side in range(2):
            if side == 1 and math.isinf(x_max):
                break
            q = n if side == 0 else x_max + 1.0
            sign = 1.0 if side == 0 else -1.0
            log = math.log(q / x_min)
            scale = sign * math.exp(-alpha * log)
            # the series and its derivatives
            s = 0.5
            s1 = 0.0
            s2 = 0.0
            p = alpha
            p1 = 1.0
            p2 = 0.0
            power = 1.0 / q
            for j in range(TERMS):
                b = _EM[j] * power
                s += b * p
                s1 += b * p1
                s2 += b * p2
                power /= q * q
                for i in (2 * j + 1, 2 * j + 2):
                    f = alpha + i
                    p2 = p2 * f + 2.0 * p1
                    p1 = p1 * f + p
                    p *= f
            if math.isinf(x_max):  # the integral, q / (alpha - 1)
                d = alpha - 1.0
                s += q / d
                s1 -= q / (d * d)
                s2 += 2.0 * q / (d * d * d)
            z += scale * s
            z1 += scale * (s1 - log * s)
            z2 += scale * (s2 - 2.0 * log * s1 + log * log * s)
        if not math.isinf(x_max):
            # int_n^end (t / x_min)^-alpha dt and the moments of -ln(t / x_min) over it, with
            # t = n e^u: x_min e^{(1 - alpha) ln(n / x_min)} int_0^r e^{(1 - alpha) u} ... du
            r = math.log((x_max + 1.0) / n)
            log = math.log(n / x_min)
            e = 1.0 - alpha
            m0, m1, m2 = _moments(e, r)
            scale = x_min * math.exp(e * log)
            z += scale * m0
            z1 -= scale * (log * m0 + m1)
            z2 += scale * (log * log * m0 + 2.0 * log * m1 + m2)
    d1 = z1 / z
    return math.log(z), d1, z2 / z - d1 * d1


@jit
def _moments(e: float, r: float) -> tuple[float, float, float]:
    """int_0^r u^m exp(e u) du for m = 0, 1, 2."""
    x = e * r
    if abs(x) < 1.0:  # their power series; the closed forms would cancel
        m0 = 0.0
        m1 = 0.0
        m2 = 0.0
        term = 1.0
        for i in range(30):
            m0 += term / (i + 1)
            m1 += term / (i + 2)
            m2 += term / (i + 3)
            term *= x / (i + 1)
        return m0 * r, m1 * r * r, m2 * r * r * r
    g = math.exp(x)
    m0 = (g - 1.0) / e
    m1 = (r * g - m0) / e
    m2 = (r * r * g - 2.0 * m1) / e
    return m0, m1, m2


def log_hurwitz(alpha: npt.ArrayLike, x_min: npt.ArrayLike, x_max: int | None = None) -> FloatArray:
    """ln of the normalisation: zeta(alpha, x_min), less zeta(alpha, x_max + 1) if bounded.

    Parameters
    ----------
    alpha : array_like
        Above 1, or above -100 if `x_max` is given.
    x_min : array_like
        At least 1.
    x_max : int, optional
        The last value of a bounded law.

    Returns
    -------
    ndarray of float64
        Of the two broadcast; NaN where the sum does not converge.

    Examples
    --------
    >>> round(float(log_hurwitz(2.58, 2)), 8)
    -1.16389915
    """
    exponents, starts = np.broadcast_arrays(
        np.asarray(alpha, dtype=np.float64), np.asarray(x_min, dtype=np.float64)
    )
    out = np.full(exponents.shape, math.nan)
    end = math.inf if x_max is None else float(x_max)
    for at in np.ndindex(exponents.shape):
        a, first = float(exponents[at]), float(starts[at])
        if first >= 1 and end >= first and a > (1 if x_max is None else -100):
            out[at] = log_z_derivatives(a, first, end)[0] - a * math.log(first)
    return out
