"""What happens to neurons between two snapshots: edges gained and lost, at either end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from topolab.chaining import Link, chain_layers
from topolab.run import Run
from topolab.snapshot import Snapshot

__all__ = [
    "SideEvents",
    "changing_layers",
    "count_ends",
    "edge_events",
]

IntArray = npt.NDArray[np.int64]
SmallArray = npt.NDArray[np.int32]
#: (layer of neurons, "in" or "out" or "total").
Key = tuple[str, str]


@dataclass(frozen=True)
class SideEvents:
    """One side of a layer of neurons between two snapshots: what each neuron had, gained, lost.

    Attributes
    ----------
    degree, gained, lost : ndarray of int32, shape (n,)
        Edges at this side before, and those that came and went.
    capacity : int
        The most edges a neuron can have here.
    """

    degree: SmallArray
    gained: SmallArray
    lost: SmallArray
    capacity: int


def changing_layers(run: Run) -> tuple[str, ...]:
    """Layers of weights whose masks differ between any two snapshots of a run."""
    first = {layer.name: run[0].packed[layer.name] for layer in run.layers}
    moving: set[str] = set()
    for snapshot in run:
        for name, mask in first.items():
            if name not in moving and not np.array_equal(mask, snapshot.packed[name]):
                moving.add(name)
        if len(moving) == len(first):
            break
    return tuple(layer.name for layer in run.layers if layer.name in moving)


def count_ends(link: Link, mask: npt.NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    """Active weights of each neuron that a layer feeds, and of each that it reads."""
    layer = link.layer
    into = mask.reshape(layer.n_out, -1).sum(1)
    if layer.kind == "linear":
        out = mask.sum(0)
    else:
        grouped = mask.reshape(layer.groups, layer.n_out // layer.groups, layer.shape[1], -1)
        out = grouped.sum((1, 3)).reshape(-1)
    return into.astype(np.int64), out.reshape(-1, link.repeat).sum(1).astype(np.int64)


def edge_events(before: Snapshot, after: Snapshot, moving: Sequence[str]) -> dict[Key, SideEvents]:
    """What every neuron gained and lost between two snapshots, at either side.

    Parameters
    ----------
    before, after : Snapshot
    moving : sequence of str
        Layers of weights to look at.

    Returns
    -------
    dict of (layer of neurons, "in" or "out") to SideEvents
        A layer of weights gives edges to the neurons it feeds (in) and those it reads (out).
    """
    found: dict[Key, SideEvents] = {}
    for link in chain_layers(before.layers):
        name = link.layer.name
        if name not in moving:
            continue
        old, new = before.masks[name], after.masks[name]
        now = count_ends(link, old)
        gained = count_ends(link, new & ~old)
        lost = count_ends(link, old & ~new)
        for side, key in ((0, (name, "in")), (1, (link.source, "out"))):
            found[key] = SideEvents(
                now[side].astype(np.int32),
                gained[side].astype(np.int32),
                lost[side].astype(np.int32),
                link.layer.size // len(now[side]),
            )
    return found
