"""Compiled loops of the fit and of its bootstrap.

A tail is given by its distinct degrees in ascending order, how often each occurs, and sums of
these from above. Distances are only computed as far as needed: a candidate for x_min is given up
at the first degree where it is already further from the data than the best one so far.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from topolab.metrics.jit import jit
from topolab.metrics.powerlaw.hurwitz import (
    TERMS,
    coefficients,
    log_z_derivatives,
    survival_sum,
    tail_series,
)

__all__ = ["ALPHA_HIGH", "ALPHA_LOW", "ALPHA_LOW_BOUNDED", "alpha_of", "best", "distance", "nearer"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# The exponents looked at. Below 1 there is no law without a bound; a bounded one may even rise.
# Beyond 40 a tail is a single value for every purpose.
ALPHA_LOW, ALPHA_LOW_BOUNDED, ALPHA_HIGH = 1.0 + 1e-6, -10.0, 40.0
# A searched tail of a bounded law has room for ten degrees: with two, one exponent fits any data.
LEAST_SPAN = 9.0
# Degrees up to here are counted in a table; beyond, a replicate is sorted.
MOST_COUNTED = 2**20


@jit
def alpha_of(mean_log: float, x_min: float, x_max: float, start: float) -> float:
    """The exponent of the highest likelihood, or NaN where that is at no exponent looked at.

    The mean log-likelihood is -alpha m - ln Z, concave in alpha, with m the mean of ln(k / x_min):
    Newton's method, kept inside a bracket.
    """
    low = ALPHA_LOW if math.isinf(x_max) else ALPHA_LOW_BOUNDED
    high = ALPHA_HIGH
    alpha = min(max(start, low), high)
    for _ in range(200):
        _z, d1, d2 = log_z_derivatives(alpha, x_min, x_max)
        slope = mean_log + d1  # of minus the likelihood: rises with alpha
        if slope > 0:
            high = alpha
        else:
            low = alpha
        step = slope / d2 if d2 > 0 else math.inf
        new = alpha - step
        if not low < new < high:
            new = 0.5 * (low + high)
            step = alpha - new
        alpha = new
        if abs(step) < 1e-7 * max(1.0, abs(alpha)):  # the next one would be 1e-14
            break
    edge = ALPHA_LOW if math.isinf(x_max) else ALPHA_LOW_BOUNDED
    if alpha > ALPHA_HIGH - 1e-3 or alpha < edge + 1e-3:
        return math.nan
    return alpha


@jit
def _tail_sum(
    q: float, log_q: float, alpha: float, x_min: float, log_x: float, x_max: float,
    beyond: float, start: float, c: FloatArray,
) -> float:  # fmt: skip
    """sum_{k = q}^{x_max} (k / x_min)^-alpha, where `beyond` is the formula's value past x_max."""
    if q < start or math.isnan(beyond):
        return survival_sum(alpha, q, x_min, x_max, c)
    if q > x_max:
        return 0.0
    scale = math.exp(-alpha * (log_q - log_x))
    return scale * (q / (alpha - 1.0) + tail_series(alpha, q, c)) - beyond


@jit
def _beyond(alpha: float, x_min: float, x_max: float, start: float, c: FloatArray) -> float:
    if math.isinf(x_max):
        return 0.0
    end = x_max + 1.0
    if abs(alpha - 1.0) < 1e-3 or end < start:  # the formula cancels, or does not reach: sum
        return math.nan
    scale = math.exp(-alpha * math.log(end / x_min))
    return scale * (end / (alpha - 1.0) + tail_series(alpha, end, c))


@jit
def distance(
    distinct: FloatArray, logs: FloatArray, above: FloatArray, first: int, alpha: float,
    x_min: float, x_max: float, integers: bool, bound: float, hint: int,
) -> tuple[float, int]:  # fmt: skip
    """The KS distance of the tail from `first` on, and where it is reached.

    Parameters
    ----------
    distinct, logs : ndarray, shape (d,)
        Distinct degrees, ascending, and their logarithms.
    above : ndarray, shape (d + 1,)
        How many data are at or above each; 0 at the end.
    integers : bool
        Look at every integer, which is both ends of every gap; else just below each degree.
    bound : float
        Give up as soon as the distance is known to be no less.
    hint : int
        Where to look first.
    """
    c = np.empty(TERMS)
    coefficients(alpha, c)
    start = math.ceil(max(14.0, abs(alpha) + 6.0))
    log_x = math.log(x_min)
    beyond = _beyond(alpha, x_min, x_max, start, c)
    total = _tail_sum(x_min, log_x, alpha, x_min, log_x, x_max, beyond, start, c)
    n = above[first]
    d = len(distinct)
    worst = 0.0
    where = first
    # First the hint, then a few spread over the tail, then all.
    for stage in range(3):
        if stage == 0:
            begin, end, stride = max(hint, first), max(hint, first) + 1, 1
            if begin >= d:
                continue
        elif stage == 1:
            begin, end, stride = first + 5, d, 16
        else:
            begin, end, stride = first, d, 1
        i = begin
        while i < end:
            q = distinct[i]
            s = _tail_sum(q, logs[i], alpha, x_min, log_x, x_max, beyond, start, c)
            # above / n - s / total, both the share at or above q
            deviation = abs(above[i] / n - s / total)
            if integers:
                s -= math.exp(-alpha * (logs[i] - log_x))
                deviation = max(deviation, abs(above[i + 1] / n - s / total))
            if deviation > worst:
                worst = deviation
                where = i
                if worst >= bound:
                    return worst, where
            i += stride
    return worst, where


@jit
def best(
    distinct: FloatArray, logs: FloatArray, above: FloatArray, logs_above: FloatArray,
    first: IntArray, x_mins: FloatArray, x_max: float, integers: bool,
) -> tuple[float, int, float]:  # fmt: skip
    """(alpha, index of the candidate, distance) of the candidate with the least distance.

    The first of equals; index -1 if none has an exponent.
    """
    least = math.inf
    chosen = -1
    exponent = math.nan
    alpha = 2.5
    hint = 0
    for i in range(len(x_mins)):
        at = first[i]
        mean_log = logs_above[at] / above[at] - math.log(x_mins[i])
        alpha = alpha_of(mean_log, x_mins[i], x_max, alpha)
        if math.isnan(alpha):
            alpha = 2.5
            continue
        d, hint = distance(
            distinct, logs, above, at, alpha, x_mins[i], x_max, integers, least, hint
        )
        if d < least:
            least = d
            chosen = i
            exponent = alpha
    return exponent, chosen, least


@jit
def _nearer(
    distinct: FloatArray, logs: FloatArray, above: FloatArray, logs_above: FloatArray, d: int,
    x_min: float, x_max: float, searched: bool, least_tail: int, integers: bool, bound: float,
    alpha: float,
) -> int:  # fmt: skip
    """1 if a replicate lies nearer to its own fit than `bound`, 0 if not, -1 if it has no fit.

    Only the least distance over the candidates matters, so the first below the bound ends it;
    candidates near the data's own x_min come first, as they are the likeliest.
    """
    near = 0
    while near < d and distinct[near] < x_min:
        near += 1
    if not searched:
        if d - near < 2:
            return -1
        mean_log = logs_above[near] / above[near] - math.log(x_min)
        a = alpha_of(mean_log, x_min, x_max, alpha)
        if math.isnan(a):
            return -1
        least, _ = distance(
            distinct[:d], logs[:d], above[: d + 1], near, a, x_min, x_max, integers, bound, near
        )
        return 1 if least < bound else 0
    hint = near
    up = near
    down = near - 1
    alpha_up = alpha
    alpha_down = alpha
    found = -1
    while up < d - 1 or down >= 0:
        for side in range(2):
            at = up if side == 0 else down
            if at < 0 or at >= d - 1:
                continue
            q = distinct[at]
            if q > x_max - LEAST_SPAN or above[at] < least_tail:
                continue
            mean_log = logs_above[at] / above[at] - logs[at]
            a = alpha_of(mean_log, q, x_max, alpha_up if side == 0 else alpha_down)
            if math.isnan(a):
                continue
            if side == 0:
                alpha_up = a
            else:
                alpha_down = a
            found = 0
            least, hint = distance(
                distinct[:d], logs[:d], above[: d + 1], at, a, q, x_max, integers, bound, hint
            )
            if least < bound:
                return 1
        up += 1
        down -= 1
    return found


@jit
def draw(
    w: float, alpha: float, x_min: float, x_max: float, survival: FloatArray, guide: IntArray,
    total: float, c: FloatArray,
) -> float:  # fmt: skip
    """The k with P(K >= k) >= w > P(K >= k + 1), for w in (0, 1].

    `survival[j]` is P(K >= x_min + j); `guide[g]` a j to begin at for w in [g, g + 1) / len(guide).
    """
    last = len(survival) - 1
    if w > survival[last]:
        g = min(int(w * len(guide)), len(guide) - 1)
        j = int(guide[g])
        step = 1
        while j + step <= last and survival[j + step] >= w:  # gallop, then halve
            j += step
            step *= 2
        end = min(j + step, last)
        while end - j > 1:
            half = (j + end) // 2
            if survival[half] >= w:
                j = half
            else:
                end = half
        return x_min + float(j)
    low = x_min + last
    limit = min(x_max, 9007199254740992.0)
    if low >= limit:
        return limit
    high = 2.0 * low
    while high <= limit and survival_sum(alpha, high, x_min, x_max, c) / total >= w:
        low = high
        high *= 2.0
    high = min(high, limit + 1.0)
    while high - low > 1.0:
        middle = math.floor(0.5 * (low + high))
        if survival_sum(alpha, middle, x_min, x_max, c) / total >= w:
            low = middle
        else:
            high = middle
    return low


@jit
def nearer(
    uniforms: FloatArray, body: FloatArray, share: float, alpha: float, x_min: float, x_max: float,
    survival: FloatArray, guide: IntArray, searched: bool, least_tail: int, integers: bool,
    bound: float, out: npt.NDArray[np.int8],
) -> None:  # fmt: skip
    """For each row of uniform numbers a replicate, and whether it lies nearer than `bound`.

    Parameters
    ----------
    uniforms : ndarray, shape (replicates, n)
        In [0, 1). Below `share` one becomes a draw from the tail, else one from `body`.
    body : ndarray
        The data below x_min.
    out : ndarray of int8, shape (replicates,)
        1 for nearer, 0 for not, -1 for a replicate without a fit.
    """
    n = uniforms.shape[1]
    c = np.empty(TERMS)
    coefficients(alpha, c)
    total = survival_sum(alpha, x_min, x_min, x_max, c)
    # Small degrees are counted, large ones sorted; where the tail begins far out, all are.
    limit = int(x_min) + len(survival)
    if limit > MOST_COUNTED:
        limit = 1
    counts = np.zeros(limit, np.int64)
    table = np.empty(limit)
    for degree in range(1, limit):
        table[degree] = math.log(degree)
    rest = np.empty(n)
    distinct = np.empty(n)
    logs = np.empty(n)
    above = np.empty(n + 1)
    logs_above = np.empty(n + 1)
    for r in range(uniforms.shape[0]):
        many = 0
        top = 0
        for i in range(n):
            u = uniforms[r, i]
            if u < share:
                k = draw(1.0 - u / share, alpha, x_min, x_max, survival, guide, total, c)
            else:
                j = int((u - share) / (1.0 - share) * len(body))
                k = float(body[min(j, len(body) - 1)])
            if k >= limit:
                rest[many] = k
                many += 1
                continue
            counts[int(k)] += 1
            top = max(top, int(k))
        # Distinct degrees above 0, ascending, with their multiplicities in `above` for now.
        d = 0
        for degree in range(1, top + 1):
            if counts[degree]:
                distinct[d] = degree
                logs[d] = table[degree]
                above[d] = counts[degree]
                d += 1
                counts[degree] = 0
        counts[0] = 0
        if many:
            far = np.sort(rest[:many])
            for i in range(many):
                if i and far[i] == far[i - 1]:
                    above[d - 1] += 1
                    continue
                distinct[d] = far[i]
                logs[d] = math.log(far[i])
                above[d] = 1
                d += 1
        above[d] = 0.0
        logs_above[d] = 0.0
        for i in range(d - 1, -1, -1):
            logs_above[i] = logs_above[i + 1] + above[i] * logs[i]
            above[i] += above[i + 1]
        out[r] = _nearer(
            distinct,
            logs,
            above,
            logs_above,
            d,
            x_min,
            x_max,
            searched,
            least_tail,
            integers,
            bound,
            alpha,
        )
