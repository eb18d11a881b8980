"""Pruning without growth: the largest weights stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from topolab.errors import TopolabError
from topolab_trainers.criteria import LayerView
from topolab_trainers.update import LayerUpdate, highest

if TYPE_CHECKING:
    from topolab_trainers.method import LayerGenerator

__all__ = ["prune_to"]


def prune_to(
    views: Sequence[LayerView], edges: int, draw: LayerGenerator
) -> dict[str, LayerUpdate]:
    """Keep the `edges` active weights largest in magnitude over some layers together.

    Parameters
    ----------
    views : sequence of LayerView
    edges : int
        At most as many as are active.
    draw : callable
        Ties are broken by the generator of the first layer.

    Returns
    -------
    dict of str to LayerUpdate

    Raises
    ------
    TopolabError
        If a layer would be left without a single edge.

    Examples
    --------
    >>> view = LayerView("a", torch.ones(1, 3, dtype=torch.bool), torch.tensor([[0.1, -3.0, 2.0]]))
    >>> prune_to([view], 2, lambda name: torch.Generator())["a"].mask.int().tolist()
    [[0, 1, 1]]
    """
    scores = torch.cat(
        [view.weight.abs().masked_fill(~view.mask, -1).reshape(-1) for view in views]
    )
    kept = torch.zeros(scores.numel(), dtype=torch.bool, device=scores.device)
    kept[highest(scores, edges, draw(views[0].name))] = True
    updates, start = {}, 0
    for view in views:
        size = view.mask.numel()
        mask = kept[start : start + size].reshape(view.mask.shape) & view.mask
        start += size
        if not bool(mask.any()):
            raise TopolabError(
                f"the prune would leave layer {view.name} without a single edge (layer collapse); "
                "use a lower sparsity; every snapshot so far is kept"
            )
        updates[view.name] = LayerUpdate(mask, view.mask & ~mask, torch.zeros_like(mask), 0)
    return updates
