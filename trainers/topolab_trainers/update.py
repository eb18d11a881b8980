"""Drop and grow: pure functions of (mask, scores, fraction, generator).

A layer's update keeps some of its active edges and grows as many as it dropped, so that their
number never changes. Every choice of "the k highest" is exact under ties, and ties are broken by
the generator, never by the place in memory.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from topolab.errors import TopolabError

__all__ = [
    "CANDIDATES",
    "Update",
    "drop_and_grow",
    "grow",
    "grow_in_memory_order",
    "highest",
    "keep_by_sign",
    "keep_highest",
    "room_to_drop",
]

CANDIDATES = ("not-kept", "inactive-before")


class Update(NamedTuple):
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
    if torch.isnan(scores).any():
        raise TopolabError("a topology update met a NaN score; the training has diverged")
    if k <= 0:
        return torch.empty(0, dtype=torch.int64, device=scores.device)
    if k >= scores.numel():
        return torch.arange(scores.numel(), device=scores.device)
    # The k-th highest is the (n - k + 1)-th lowest.
    border = torch.kthvalue(scores, scores.numel() - k + 1).values
    above = torch.nonzero(scores > border).squeeze(1)
    ties = torch.nonzero(scores == border).squeeze(1)
    return torch.cat([above, _draw(ties, k - above.numel(), generator)])


def _draw(positions: Tensor, k: int, generator: torch.Generator) -> Tensor:
    if k >= positions.numel():
        return positions
    chosen = torch.randperm(positions.numel(), generator=generator)[:k]
    return positions[chosen.to(positions.device)]


def room_to_drop(mask: Tensor, wanted: int, candidates: str) -> int:
    """How many edges can be dropped so that as many can be grown."""
    if candidates == "inactive-before":
        return min(wanted, int(mask.numel() - mask.sum()))
    return wanted


def keep_highest(mask: Tensor, score: Tensor, n_drop: int, generator: torch.Generator) -> Tensor:
    """All active edges but the `n_drop` with the lowest score.

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
    active = torch.nonzero(mask.reshape(-1)).squeeze(1)
    kept = highest(score.reshape(-1)[active], active.numel() - n_drop, generator)
    keep = torch.zeros(mask.numel(), dtype=torch.bool, device=mask.device)
    keep[active[kept]] = True
    return keep.reshape(mask.shape)


def keep_by_sign(
    mask: Tensor, weight: Tensor, fraction: float, generator: torch.Generator
) -> Tensor:
    """SET's rule: drop the positive weights nearest 0 and the negative ones nearest 0.

    ``floor(fraction * count)`` of each sign are dropped; a weight of exactly 0 counts as positive.

    Examples
    --------
    >>> weight = torch.tensor([[0.1, 0.9, -0.2, -0.8, 0.0]])
    >>> mask = torch.tensor([[True, True, True, True, False]])
    >>> keep_by_sign(mask, weight, 0.5, torch.Generator()).int().tolist()
    [[0, 1, 0, 1, 0]]
    """
    keep = torch.zeros_like(mask)
    for side in (mask & (weight >= 0), mask & (weight < 0)):
        n_drop = int(fraction * int(side.sum()))
        keep |= keep_highest(side, weight.abs(), n_drop, generator)
    return keep


def grow(
    mask: Tensor,
    keep: Tensor,
    score: Tensor | None,
    generator: torch.Generator,
    *,
    candidates: str = "not-kept",
    count: int | None = None,
) -> Update:
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
    count : int, optional
        How many to grow, where it is not the number of dropped ones.

    Returns
    -------
    Update
    """
    if count is None:
        count = int(mask.sum()) - int(keep.sum())
    allowed = ~keep if candidates == "not-kept" else ~mask
    positions = torch.nonzero(allowed.reshape(-1)).squeeze(1)
    if score is None:
        chosen = _draw(positions, count, generator)
    else:
        chosen = positions[highest(score.reshape(-1)[positions], count, generator)]
    new = keep.reshape(-1).clone()
    new[chosen] = True
    new = new.reshape(mask.shape)
    dropped, grown = mask & ~new, new & ~mask
    return Update(new, dropped, grown, regrown=count - int(grown.sum()))


def grow_in_memory_order(mask: Tensor, keep: Tensor, score: Tensor) -> Update:
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
    count = int(mask.sum()) - int(keep.sum())
    positions = torch.nonzero(~mask.reshape(-1)).squeeze(1)
    order = torch.argsort(score.reshape(-1)[positions], descending=True, stable=True)
    new = keep.reshape(-1).clone()
    new[positions[order[:count]]] = True
    new = new.reshape(mask.shape)
    return Update(new, mask & ~new, new & ~mask, regrown=0)


def drop_and_grow(
    mask: Tensor,
    drop_score: Tensor,
    grow_score: Tensor | None,
    fraction: float,
    generator: torch.Generator,
    *,
    candidates: str = "not-kept",
) -> Update:
    """One layer's update: drop the lowest, grow the highest.

    ``floor(fraction * active)`` edges are dropped, and as many grown.

    Parameters
    ----------
    mask : Tensor of bool
    drop_score : Tensor
        The active edges with the lowest are dropped.
    grow_score : Tensor or None
        The candidates with the highest grow; at random without one.
    fraction : float
        In [0, 1].
    generator : torch.Generator
        On the CPU; it decides ties.
    candidates : {"not-kept", "inactive-before"}
        With "not-kept" an edge that was just dropped may come back, as in RigL's own code.

    Returns
    -------
    Update

    Examples
    --------
    Of four edges the weakest goes, and the absent edge with the largest gradient comes.

    >>> mask = torch.tensor([[True, True, True, True, False, False]])
    >>> weight = torch.tensor([[0.4, -0.1, 0.3, -0.2, 0.0, 0.0]])
    >>> gradient = torch.tensor([[0.9, 0.1, 0.9, 0.9, -0.5, 0.3]])
    >>> update = drop_and_grow(mask, weight.abs(), gradient.abs(), 0.25, torch.Generator())
    >>> update.mask.int().tolist()
    [[1, 0, 1, 1, 1, 0]]
    """
    n_drop = room_to_drop(mask, int(fraction * int(mask.sum())), candidates)
    keep = keep_highest(mask, drop_score, n_drop, generator)
    return grow(mask, keep, grow_score, generator, candidates=candidates)
