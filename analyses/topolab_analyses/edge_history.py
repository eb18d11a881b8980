"""What neurons gained and lost in every update of a run, and the kernels fitted to that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from topolab.errors import AnalysisError
from topolab.metrics.attachment import (
    Joint,
    Kernel,
    Slope,
    change_p,
    fit_joint,
    fit_kernel,
    fit_rate,
    fit_slope,
)
from topolab.snapshot import Snapshot
from topolab_analyses.rewiring import SideEvents, edge_events

__all__ = [
    "KERNEL_NAMES",
    "EdgeHistory",
    "Ends",
    "KernelName",
    "change_of",
    "joint_of",
    "kernel_of",
    "rate_of",
    "slope_of",
]

IntArray = npt.NDArray[np.int64]
SmallArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]
KernelName = Literal["gain", "loss"]
KERNEL_NAMES: tuple[KernelName, ...] = get_args(KernelName)
#: (layer of neurons, "in" or "out").
Side = tuple[str, str]


@dataclass(frozen=True)
class Ends:
    """What one layer of neurons gained and lost at one end, or at both, update by update.

    Attributes
    ----------
    layer, end : str
    sides : tuple of str
        in, out or both.
    before_steps, steps : ndarray of int64, shape (T,)
        Of the snapshots before and after each update.
    degree : ndarray of int32, shape (T, n)
        Of the neurons before it, both sides together where the end is ``total``.
    gained, lost, room, edges : ndarray of int32, shape (T, sides, n)
        Of each side: what came, what went, the free places and the edges before.
    capacity : int
        The most edges that a neuron can have.
    """

    layer: str
    end: str
    sides: tuple[str, ...]
    before_steps: IntArray
    steps: IntArray
    degree: SmallArray
    gained: SmallArray
    lost: SmallArray
    room: SmallArray
    edges: SmallArray
    capacity: int

    def __len__(self) -> int:
        """The number of updates."""
        return len(self.steps)

    def events(self, kernel: KernelName) -> SmallArray:
        """What a kernel speaks of: what was gained, or lost."""
        return self.gained if kernel == "gain" else self.lost

    def places(self, kernel: KernelName) -> SmallArray:
        """What could be drawn: free places for a gain, edges for a loss."""
        return self.room if kernel == "gain" else self.edges


@dataclass(frozen=True)
class _Update:
    before_step: int
    step: int
    sides: dict[Side, SideEvents]


@dataclass(frozen=True)
class EdgeHistory:
    """Every update of a run so far: what a sequential analysis remembers. `add` makes a new one."""

    updates: tuple[_Update, ...] = ()

    def add(self, before: Snapshot, after: Snapshot, moving: Sequence[str]) -> EdgeHistory:
        """The same with the update between two snapshots.

        Parameters
        ----------
        before, after : Snapshot
        moving : sequence of str
            Layers of weights that change at any time of the run.
        """
        sides = edge_events(before, after, moving)
        return EdgeHistory((*self.updates, _Update(before.step, after.step, sides)))

    def ends(self) -> tuple[Side, ...]:
        """(layer of neurons, end) of all that was seen; total where both sides change."""
        found: dict[Side, None] = {}
        for update in self.updates[:1]:
            found.update(dict.fromkeys(update.sides))
        both = [name for name, end in found if end == "in" and (name, "out") in found]
        return (*found, *((name, "total") for name in sorted(both)))

    def main_end(self, layer: str) -> str:
        """Both ends of a layer of neurons together, or the one that changes.

        Raises
        ------
        AnalysisError
            If none does.
        """
        ends = [end for name, end in self.ends() if name == layer]
        if not ends:
            raise AnalysisError(f"no edge of layer {layer} ever changes")
        return "total" if "total" in ends else ends[0]

    def last(self, layer: str, end: str) -> Ends:
        """One end of a layer in the last update alone, whatever happened in it."""
        return EdgeHistory(self.updates[-1:]).of(layer, end, kernel=None)

    def of(self, layer: str, end: str, *, kernel: KernelName | None = "gain") -> Ends:
        """One end of a layer, over the updates in which it gained (or lost) anything.

        Parameters
        ----------
        layer : str
            Of neurons.
        end : {"in", "out", "total"}
        kernel : {"gain", "loss"}, optional
            None: all updates, also those in which nothing moved.
        """
        if (layer, end) not in self.ends():
            raise AnalysisError(f"no edge of layer {layer} ever changes at its end {end!r}")
        keys = [(layer, "in"), (layer, "out")] if end == "total" else [(layer, end)]
        chosen = [
            (update, [update.sides[key] for key in keys])
            for update in self.updates
            if kernel is None or any(_events(update.sides[key], kernel).any() for key in keys)
        ]
        capacities = [self.updates[0].sides[key].capacity for key in keys]
        n = len(self.updates[0].sides[keys[0]].degree)

        def stack(name: str) -> SmallArray:
            made = np.zeros((len(chosen), len(keys), n), dtype=np.int32)
            for t, (_, sides) in enumerate(chosen):
                for s, side in enumerate(sides):
                    made[t, s] = getattr(side, name)
            return made

        edges = stack("degree")
        return Ends(
            layer,
            end,
            tuple(side for _, side in keys),
            np.array([update.before_step for update, _ in chosen], dtype=np.int64),
            np.array([update.step for update, _ in chosen], dtype=np.int64),
            edges.sum(1, dtype=np.int32),
            stack("gained"),
            stack("lost"),
            np.array(capacities, dtype=np.int32)[:, None] - edges,
            edges,
            sum(capacities),
        )


def _events(side: SideEvents, kernel: KernelName) -> SmallArray:
    return side.gained if kernel == "gain" else side.lost


# -- fits --------------------------------------------------------------------------------------


def slope_of(
    ends: Ends,
    kernel: KernelName,
    *,
    chosen: IntArray | None = None,
    replicates: int = 200,
    seed: int = 0,
) -> Slope:
    """The exponent of the kernel of gains, or of losses, by the neurons' degree.

    Parameters
    ----------
    ends : Ends
    kernel : {"gain", "loss"}
    chosen : ndarray of int, optional
        The updates to look at, by position; all without it.
    replicates, seed : int
        As for `topolab.metrics.attachment.fit_slope`.
    """
    events, places, update = _by_degree(ends, kernel, chosen)
    return fit_slope(events, places, update=update, replicates=replicates, seed=seed)


def rate_of(
    ends: Ends,
    kernel: KernelName,
    *,
    chosen: IntArray | None = None,
    replicates: int = 200,
    seed: int = 0,
) -> Slope:
    """The exponent of what a neuron gains, or loses, at all its sides; as for `slope_of`."""
    at = np.arange(len(ends)) if chosen is None else chosen
    # A neuron that cannot gain, or has nothing to lose, is not there for the rate.
    able = ends.places(kernel)[at].sum(1) > 0
    size = _size(ends)
    degree = ends.degree[at]
    events = _count(degree, ends.events(kernel)[at].sum(1), size)
    return fit_rate(events, _count(degree, able, size), replicates=replicates, seed=seed)


def kernel_of(ends: Ends, kernel: KernelName, *, replicates: int = 200, seed: int = 0) -> Kernel:
    """The kernel by bins of degree; as for `slope_of`."""
    events, places, update = _by_degree(ends, kernel, None)
    return fit_kernel(events, places, update=update, replicates=replicates, seed=seed)


def change_of(ends: Ends, kernel: KernelName, *, windows: int = 4) -> float:
    """p-value of one exponent in all parts of a run: `topolab.metrics.attachment.change_p`."""
    events, places, update = _by_degree(ends, kernel, None)
    return change_p(events, places, update=update, windows=windows)


def joint_of(ends: Ends, *, within: bool = True) -> Joint:
    """The exponent of gains by degree at a given fitness of the neurons.

    Parameters
    ----------
    ends : Ends
    within : bool
        Whether only what happens within a neuron counts: `topolab.metrics.attachment.fit_joint`.
    """
    return fit_joint(ends.degree, ends.gained, ends.room, within=within)


def _by_degree(
    ends: Ends, kernel: KernelName, chosen: IntArray | None
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Events and places by degree, a row for each side of each update; and its update."""
    at = np.arange(len(ends)) if chosen is None else chosen
    events, places = ends.events(kernel)[at], ends.places(kernel)[at]
    sides = events.shape[1]
    degree = np.repeat(ends.degree[at], sides, axis=0)
    size = _size(ends)
    return (
        _count(degree, events.reshape(degree.shape), size),
        _count(degree, places.reshape(degree.shape), size),
        np.repeat(np.arange(len(at)), sides),
    )


def _count(degree: SmallArray, values: npt.NDArray[np.generic], size: int) -> FloatArray:
    """Sums of the values of neurons by degree, for every row."""
    rows = len(degree)
    if not rows:
        return np.zeros((0, size))
    where = (degree + size * np.arange(rows)[:, None]).reshape(-1)
    made = np.bincount(where, weights=values.reshape(-1), minlength=rows * size)
    return np.asarray(made.reshape(rows, size), dtype=np.float64)


def _size(ends: Ends) -> int:
    return int(ends.degree.max(initial=0)) + 1
