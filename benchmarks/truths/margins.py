"""Masks whose hidden neurons have the degrees that were drawn for them, to the edge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from rewire import Masks, Size

from topolab.metrics.nulls import rewired

__all__ = ["draw_lognormal", "draw_power_law", "masks_of_degrees", "wire"]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
#: Degrees of n neurons of a hidden layer (0 or 1) with this capacity.
Draw = Callable[[int, int, int], IntArray]


def draw_power_law(alpha: float, low: int, high: int, n: int, rng: np.random.Generator) -> IntArray:
    """Degrees from p(k) ~ k^-alpha for low <= k <= high, exactly."""
    k = np.arange(low, high + 1)
    p = k ** -float(alpha)
    return rng.choice(k, n, p=p / p.sum()).astype(np.int64)


def draw_lognormal(
    mu: float, sigma: float, high: int, n: int, rng: np.random.Generator
) -> IntArray:
    """Rounded lognormal degrees from 1 to high; what lies outside is drawn again."""
    k = np.zeros(n, dtype=np.int64)
    while (bad := (k < 1) | (k > high)).any():
        k[bad] = np.round(np.exp(np.minimum(rng.normal(mu, sigma, int(bad.sum())), 20)))
    return k


def masks_of_degrees(size: Size, draw: Draw, rng: np.random.Generator) -> Masks:
    """Masks in which both hidden layers have exactly the degrees that `draw` gives them.

    The edges of the first hidden layer are split between its two sides so that the second one
    gets as many as it needs; otherwise the wiring is random.
    """
    for _ in range(100):
        first = draw(0, size.first, size.capacity[0])
        second = draw(1, size.second, size.capacity[1])
        out = _split(first, int(second.sum()), size)
        if out is None:
            continue
        into = first - out
        fc2 = wire(second, out, rng)
        if fc2 is None:
            continue
        fc1 = np.zeros((size.first, size.inputs), dtype=bool)
        for row, edges in zip(fc1, into, strict=True):
            row[rng.choice(size.inputs, edges, replace=False)] = True
        return {"fc1": fc1, "fc2": fc2}
    raise RuntimeError("no masks have such degrees in both layers")


def _split(total: IntArray, wanted: int, size: Size) -> IntArray | None:
    """The outgoing part of each total, the same share where there is room; they sum to `wanted`."""
    least = np.maximum(total - size.inputs, 0)
    most = np.minimum(total, size.second)
    if not least.sum() <= wanted <= most.sum():
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        share = (low + high) / 2
        if np.clip(np.floor(share * total), least, most).sum() <= wanted:
            low = share
        else:
            high = share
    out = np.clip(np.floor(low * total), least, most).astype(np.int64)
    rest = wanted - int(out.sum())
    out[np.flatnonzero(out < most)[:rest]] += 1
    return out if int(out.sum()) == wanted else None


def wire(rows: IntArray, columns: IntArray, rng: np.random.Generator) -> BoolArray | None:
    """A random mask with these row and column sums; None if there is none (Gale and Ryser)."""
    mask = np.zeros((len(rows), len(columns)), dtype=bool)
    need = rows.copy()
    for column in np.argsort(-columns):
        edges = int(columns[column])
        # Those that need most come first, equals in random order.
        chosen = np.lexsort((rng.random(len(need)), -need))[:edges]
        if edges and need[chosen].min() < 1:
            return None
        mask[chosen, column] = True
        need[chosen] -= 1
    if need.any():
        return None
    mixed, _ = rewired(sp.csr_array(mask.astype(np.int8)), rng)
    return np.asarray(mixed.toarray() != 0)
