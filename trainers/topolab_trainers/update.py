"""Drop and grow: pure functions of (mask, scores, fraction, generator).

A layer's update keeps some of its active edges and grows as many as it dropped, so that their
number never changes. Every choice of "the k highest" is exact under ties, and ties are broken by
the generator, never by the place in memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from topolab.errors import TopolabError

__all__ = [
    "LayerUpdate",
    "count",
    "draw_outside",
    "grow",
    "grow_in_memory_order",
    "highest",
    "keep_highest",
    "positions",
    "room_to_drop",
    "without_lowest",
    "without_lowest_by_sign",
]

#: Scores that a first guess of the k-th highest looks at.
SAMPLE = 8192


class LayerUpdate(NamedTuple):
    """The outcome of one layer's update.

    Attributes
    ----------
    mask : Tensor of bool
    dropped, grown : Tensor of bool
        Edges that were active and are not any more; edges that were not and are.
    regrown : int
        Edges that were dropped and grown again at once; they are in neither.
    """

    mask: Tensor
    dropped: Tensor
    grown: Tensor
    regrown: int


def highest(scores: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """Positions of the k highest of a vector; ties at the border are drawn at random.

    Parameters
    ----------
    scores : Tensor, shape (n,)
    k : int
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor of int64, shape (k,), in no particular order

    Raises
    ------
    TopolabError
        If a score is NaN.

    Examples
    --------
    >>> g = torch.Generator().manual_seed(0)
    >>> sorted(highest(torch.tensor([3.0, 1.0, 2.0, 3.0]), 2, g).tolist())
    [0, 3]
    """
    # A sum is NaN if any score is, and cheaper to ask for.
    if bool(torch.isnan(scores.sum())) and bool(torch.isnan(scores).any()):
        raise TopolabError("a topology update met a NaN score; the training has diverged")
    if k <= 0:
        return torch.empty(0, dtype=torch.int64, device=scores.device)
    if k >= scores.numel():
        return torch.arange(scores.numel(), device=scores.device)
    superset = _superset_of_highest(scores, k)
    if superset is not None:
        return superset[_select_highest(scores[superset], k, generator)]
    return _select_highest(scores, k, generator)


def _select_highest(scores: Tensor, k: int, generator: torch.Generator) -> Tensor:
    if k >= scores.numel():
        return torch.arange(scores.numel(), device=scores.device)
    # The k-th highest is the (n - k + 1)-th lowest.
    border = torch.kthvalue(scores, scores.numel() - k + 1).values
    above = positions(scores > border)
    ties = positions(scores == border)
    return torch.cat([above, _draw(ties, k - above.numel(), generator)])


def _superset_of_highest(scores: Tensor, k: int) -> Tensor | None:
    """Positions that hold the k highest, ties included, and not many more; None if not found.

    A sample guesses a value that a few more than k reach; counting them makes it sure.
    """
    n = scores.numel()
    if n < 4 * SAMPLE or k > n // 2:
        return None
    sample = scores[:: n // SAMPLE | 1]  # an odd stride, so as not to walk along a column
    rank = min(int(1.2 * k / n * sample.numel()) + 40, sample.numel())
    guess = torch.kthvalue(sample, sample.numel() - rank + 1).values
    found = positions(scores >= guess)
    return found if k <= found.numel() <= 3 * n // 4 else None


def positions(mask: Tensor) -> Tensor:
    """Row-major positions of True, int64, ascending.

    Examples
    --------
    >>> positions(torch.tensor([[True, False], [False, True]])).tolist()
    [0, 3]
    """
    flat = mask.reshape(-1)
    if flat.device.type == "cpu":  # numpy is twice as fast at this
        return torch.from_numpy(np.flatnonzero(flat.numpy()))
    return torch.nonzero(flat).squeeze(1)


def count(mask: Tensor) -> int:
    """How many are True."""
    if mask.device.type == "cpu":  # numpy is three times as fast at this
        return int(np.count_nonzero(mask.numpy()))
    return int(torch.count_nonzero(mask))


def _draw(candidates: Tensor, k: int, generator: torch.Generator) -> Tensor:
    if k >= candidates.numel():
        return candidates
    chosen = torch.randperm(candidates.numel(), generator=generator)[:k]
    return candidates[chosen.to(candidates.device)]


def draw_outside(mask: Tensor, k: int, generator: torch.Generator) -> Tensor:
    """k distinct positions where `mask` is False, every set equally likely.

    Parameters
    ----------
    mask : Tensor of bool
    k : int
        At most as many as are free.
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    Tensor of int64, shape (k,)

    Examples
    --------
    >>> mask = torch.tensor([True, False, True, False])
    >>> sorted(draw_outside(mask, 2, torch.Generator().manual_seed(0)).tolist())
    [1, 3]
    """
    flat = mask.reshape(-1)
    n = flat.numel()
    if k <= 0:
        return torch.empty(0, dtype=torch.int64, device=flat.device)
    free = n - count(flat)
    if k > free // 4 or n < SAMPLE:
        return _draw(positions(~flat), k, generator)
    # Few of many: draw places, leave out those of the mask and repetitions, draw on for the rest.
    outside = ~flat.cpu().numpy()
    place = np.empty(n, dtype=np.int32)
    draws = np.empty(0, dtype=np.int64)
    while True:
        more = torch.randint(0, n, (int(1.2 * k * n / free) + 64,), generator=generator).numpy()
        draws = np.concatenate([draws, more[outside[more]]])
        order = np.arange(len(draws), dtype=np.int32)
        place[draws[::-1]] = order[::-1]  # of several assignments the last holds: the first draw
        draws = draws[place[draws] == order]
        if len(draws) >= k:
            return torch.from_numpy(draws[:k]).to(flat.device)


def room_to_drop(size: int, active: int, wanted: int, candidates: str) -> int:
    """How many of a layer's edges can be dropped so that as many can be grown."""
    if candidates == "inactive-before":
        return min(wanted, size - active)
    return wanted


def without_lowest(
    mask: Tensor, active: Tensor, score: Tensor, n_drop: int, generator: torch.Generator
) -> Tensor:
    """A mask without the `n_drop` active edges of the lowest score.

    Parameters
    ----------
    mask : Tensor of bool
    active : Tensor of int64, shape (k,)
        `positions` of the mask.
    score : Tensor, shape (k,)
        In the order of `active`.
    n_drop : int
    generator : torch.Generator

    Returns
    -------
    Tensor of bool, of the mask's shape
    """
    keep = mask.reshape(-1).clone()
    keep[active[highest(-score, n_drop, generator)]] = False
    return keep.reshape(mask.shape)


def without_lowest_by_sign(
    mask: Tensor, active: Tensor, values: Tensor, fraction: float, generator: torch.Generator
) -> Tensor:
    """SET's rule: a mask without the positive weights nearest 0 and the negative ones nearest 0.

    ``floor(fraction * count)`` of each sign go; a weight of exactly 0 counts as positive.

    Parameters
    ----------
    mask : Tensor of bool
    active : Tensor of int64, shape (k,)
        `positions` of the mask.
    values : Tensor, shape (k,)
        The weights there.
    fraction : float
    generator : torch.Generator

    Returns
    -------
    Tensor of bool, of the mask's shape

    Examples
    --------
    >>> mask = torch.tensor([[True, True, True, True, False]])
    >>> weight = torch.tensor([0.1, 0.9, -0.2, -0.8])
    >>> left = without_lowest_by_sign(mask, positions(mask), weight, 0.5, torch.Generator())
    >>> left.int().tolist()
    [[0, 1, 0, 1, 0]]
    """
    keep = mask.reshape(-1).clone()
    for side in (values >= 0, values < 0):
        where = positions(side)
        n_drop = int(fraction * where.numel())
        keep[active[where[highest(-values[where].abs(), n_drop, generator)]]] = False
    return keep.reshape(mask.shape)


def keep_highest(mask: Tensor, score: Tensor, n_drop: int, generator: torch.Generator) -> Tensor:
    """All active edges but the `n_drop` with the lowest score.

    Parameters
    ----------
    mask : Tensor of bool
    score : Tensor, of the mask's shape
    n_drop : int
    generator : torch.Generator

    Returns
    -------
    Tensor of bool, of the mask's shape

    Examples
    --------
    >>> mask = torch.tensor([[True, True, False, True]])
    >>> score = torch.tensor([[0.5, 0.1, 9.0, 0.3]])
    >>> keep_highest(mask, score, 1, torch.Generator()).int().tolist()
    [[1, 0, 0, 1]]
    """
    active = positions(mask)
    return without_lowest(mask, active, score.reshape(-1)[active], n_drop, generator)


def grow(
    mask: Tensor,
    keep: Tensor,
    score: Tensor | None,
    generator: torch.Generator,
    *,
    candidates: str = "not-kept",
    number: int | None = None,
) -> LayerUpdate:
    """Grow as many edges as `keep` dropped from `mask`, or another number.

    Parameters
    ----------
    mask, keep : Tensor of bool
        The mask before the update, and what is kept of it.
    score : Tensor or None
        The candidates with the highest score grow; without one they are drawn at random.
    generator : torch.Generator
    candidates : {"not-kept", "inactive-before"}
        Whether an edge that was just dropped may come back.
    number : int, optional
        How many to grow, where it is not the number of dropped ones.

    Returns
    -------
    LayerUpdate
    """
    if number is None:
        number = count(mask) - count(keep)
    closed = keep if candidates == "not-kept" else mask
    number = min(number, closed.numel() - count(closed))
    if score is None:
        chosen = draw_outside(closed, number, generator)
    else:
        open_scores = score.reshape(-1).clone()
        open_scores[positions(closed)] = -torch.inf
        chosen = highest(open_scores, number, generator)
    new = keep.reshape(-1).clone()
    new[chosen] = True
    regrown = count(mask.reshape(-1)[chosen])
    new = new.reshape(mask.shape)
    return LayerUpdate(new, mask & ~new, new & ~mask, regrown)


def grow_in_memory_order(mask: Tensor, keep: Tensor, score: Tensor) -> LayerUpdate:
    """A known mistake, kept as a variant to be studied: ties fall in memory order.

    Only edges that were inactive before may grow. Where the score was masked before, all of them
    have the score 0, and the first in memory grow: the lowest indices, whatever the task.

    Examples
    --------
    >>> mask = torch.tensor([[False, True], [True, True]])
    >>> keep = torch.tensor([[False, True], [False, True]])
    >>> grow_in_memory_order(mask, keep, torch.zeros(2, 2)).mask.int().tolist()
    [[1, 1], [0, 1]]
    """
    free = positions(~mask)
    order = torch.argsort(score.reshape(-1)[free], descending=True, stable=True)
    new = keep.reshape(-1).clone()
    new[free[order[: count(mask) - count(keep)]]] = True
    new = new.reshape(mask.shape)
    return LayerUpdate(new, mask & ~new, new & ~mask, regrown=0)
