"""What happens to neurons between two snapshots: edges gained and lost, at either end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.chaining import Link, chain_layers
from topolab.run import Run
from topolab.snapshot import Snapshot

__all__ = [
    "EdgeEnds",
    "SideEvents",
    "changing_layers",
    "count_ends",
    "edge_events",
    "side_events",
    "sum_by_degree",
]

IntArray = npt.NDArray[np.int64]
SmallArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
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


@dataclass(frozen=True)
class EdgeEnds:
    """One end of a layer's edges, by neuron.

    Attributes
    ----------
    degree, gained, lost : ndarray of int64, shape (n,)
        Before the step, and in it.
    gain_chance, loss_chance : ndarray of float64, shape (n,)
        Events expected if as many edges were grown, and dropped, at random.
    capacity : int
        The most edges a neuron can have here.
    """

    degree: IntArray
    gained: IntArray
    lost: IntArray
    gain_chance: FloatArray
    loss_chance: FloatArray
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


def side_events(before: Snapshot, after: Snapshot, moving: Sequence[str]) -> dict[Key, SideEvents]:
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


def edge_events(
    before: Snapshot, after: Snapshot, moving: Sequence[str], *, only: Sequence[str] | None = None
) -> dict[Key, EdgeEnds]:
    """What every neuron gained and lost between two snapshots.

    Parameters
    ----------
    before, after : Snapshot
    moving : sequence of str
        Layers of weights to look at.
    only : sequence of str, optional
        Layers of neurons whose ``total`` is wanted; all that have both ends without it.

    Returns
    -------
    dict of (layer of neurons, end) to EdgeEnds
    """
    found: dict[Key, EdgeEnds] = {}
    for link in chain_layers(before.layers):
        name = link.layer.name
        if name not in moving:
            continue
        old, new = before.masks[name], after.masks[name]
        now = count_ends(link, old)
        gained = count_ends(link, new & ~old)
        lost = count_ends(link, old & ~new)
        for side, key in ((0, (name, "in")), (1, (link.source, "out"))):
            capacity = link.layer.size // len(now[side])
            room = capacity - now[side]
            found[key] = EdgeEnds(
                now[side],
                gained[side],
                lost[side],
                gained[side].sum() * _share(room),
                lost[side].sum() * _share(now[side]),
                capacity,
            )
    for name in sorted({layer for layer, _ in found}):
        into, out = found.get((name, "in")), found.get((name, "out"))
        if into is not None and out is not None and (only is None or name in only):
            found[name, "total"] = EdgeEnds(
                into.degree + out.degree,
                into.gained + out.gained,
                into.lost + out.lost,
                into.gain_chance + out.gain_chance,
                into.loss_chance + out.loss_chance,
                into.capacity + out.capacity,
            )
    return found


def _share(values: IntArray) -> FloatArray:
    total = values.sum()
    return values / total if total else np.zeros(len(values))


def sum_by_degree(ends: EdgeEnds) -> Mapping[str, Any]:
    """The same summed over neurons of each degree: columns of equal length."""
    degree, where = np.unique(ends.degree, return_inverse=True)

    def total(values: npt.NDArray[Any]) -> FloatArray:
        return np.bincount(where, weights=values, minlength=len(degree)).astype(np.float64)

    return {
        "degree": degree,
        "neurons": np.bincount(where, minlength=len(degree)),
        "gained": total(ends.gained).astype(np.int64),
        "gain_chance": total(ends.gain_chance),
        "lost": total(ends.lost).astype(np.int64),
        "loss_chance": total(ends.loss_chance),
    }
