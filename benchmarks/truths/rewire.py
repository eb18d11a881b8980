"""Masks that are rewired by a planted rule: what every known truth is made of.

The network is inputs - first - second - 10; the last layer of weights is dense and never changes.
An update drops edges by the weights of their ends and grows as many where there was none before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import topolab

__all__ = [
    "SIZES", "Masks", "Size", "Weights", "balance", "by_degree", "degrees", "draw_edges",
    "draw_places", "every", "growing", "proportional", "pruning", "random_masks", "rewiring",
    "write_run",
]  # fmt: skip

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
#: The masks of fc1 (first x inputs) and fc2 (second x first).
Masks = Mapping[str, BoolArray]
#: Weights of the neurons of both hidden layers, from their degrees before an update.
Weights = Callable[[IntArray, IntArray], tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Size:
    """A network and the number of its updates."""

    name: str
    inputs: int
    first: int
    second: int
    updates: int

    @property
    def capacity(self) -> tuple[int, int]:
        """The most edges that a neuron of each hidden layer can have."""
        return self.inputs + self.second, self.first

    @property
    def layers(self) -> tuple[topolab.LayerSpec, ...]:
        return (
            topolab.LayerSpec("fc1", "linear", (self.first, self.inputs)),
            topolab.LayerSpec("fc2", "linear", (self.second, self.first)),
            topolab.LayerSpec("fc3", "linear", (10, self.second), maskable=False),
        )


#: 296 inputs, so that the first hidden layer of the large one has room for 1,296 edges a neuron.
SIZES = {
    size.name: size
    for size in (Size("small", 300, 300, 300, 40), Size("large", 296, 1000, 1000, 100))
}


def degrees(masks: Masks) -> tuple[IntArray, IntArray]:
    """Edges of each neuron of the two hidden layers, both sides together."""
    return masks["fc1"].sum(1) + masks["fc2"].sum(0), masks["fc2"].sum(1)


def random_masks(size: Size, fan_in: tuple[int, int], rng: np.random.Generator) -> Masks:
    """As many edges as give the hidden layers these fan-ins on average, at random places."""
    made = {}
    for layer, edges in zip(size.layers, fan_in, strict=False):
        mask = np.zeros(layer.size, dtype=bool)
        mask[rng.choice(layer.size, edges * layer.n_out, replace=False)] = True
        made[layer.name] = mask.reshape(layer.shape)
    return made


# -- weights -----------------------------------------------------------------------------------


def every(first: IntArray, second: IntArray) -> tuple[FloatArray, FloatArray]:
    """All neurons alike."""
    return np.ones(len(first)), np.ones(len(second))


def by_degree(exponent: float) -> Weights:
    """k^exponent. Where the exponent is positive, a neuron without edges gets none."""

    def weigh(first: IntArray, second: IntArray) -> tuple[FloatArray, FloatArray]:
        low = 0 if exponent > 0 else 1  # a negative power of 0 is asked for, but of no edge
        return np.maximum(first, low) ** float(exponent), np.maximum(second, low) ** float(exponent)

    return weigh


# -- draws -------------------------------------------------------------------------------------


def draw_edges(
    mask: BoolArray, count: int, rows: FloatArray, columns: FloatArray, rng: np.random.Generator
) -> IntArray:
    """Flat places of `count` edges, one after the other by the product of their ends' weights."""
    there = np.flatnonzero(mask)
    weight = rows[there // mask.shape[1]] * columns[there % mask.shape[1]]
    waiting = rng.exponential(size=len(there)) / weight  # who is first is drawn by weight
    return there[np.argpartition(waiting, count - 1)[:count]] if count else there[:0]


def draw_places(
    mask: BoolArray, count: int, rows: FloatArray, columns: FloatArray, rng: np.random.Generator
) -> IntArray:
    """Flat places of `count` new edges, one after the other by the product of their ends' weights.

    Both ends are drawn by weight, and a place that is taken is drawn again: exactly such draws
    among the free places, and fast where most are free.
    """
    taken = mask.reshape(-1).copy()
    row_sums, column_sums = np.cumsum(rows), np.cumsum(columns)
    chosen: list[IntArray] = []
    missing, tries = count, 0
    while missing:
        tries += 1
        if tries > 10_000:
            raise RuntimeError(f"{missing} of {count} edges find no free place")
        asked = 2 * missing + 64
        # From the right: a weight of 0 is never drawn.
        row = np.searchsorted(row_sums, rng.random(asked) * row_sums[-1], side="right")
        column = np.searchsorted(column_sums, rng.random(asked) * column_sums[-1], side="right")
        place = row * mask.shape[1] + column
        place = place[~taken[place]]
        place = place[np.sort(np.unique(place, return_index=True)[1])][:missing]
        taken[place] = True
        chosen.append(place)
        missing -= len(place)
    return np.concatenate(chosen) if chosen else np.zeros(0, dtype=np.int64)


# -- runs --------------------------------------------------------------------------------------


def rewiring(
    masks: Masks,
    updates: int,
    drop: float,
    rng: np.random.Generator,
    *,
    gain: Weights = every,
    loss: Weights = every,
) -> Iterator[Masks]:
    """The masks at the start and after every update, each with as many edges.

    Parameters
    ----------
    masks : mapping
        At the start.
    updates : int
    drop : float
        Share of a layer's edges that an update drops, and grows.
    rng : numpy.random.Generator
    gain, loss : callable
        Weights of the neurons. A place is weighted by the hidden neurons at its ends: a neuron of
        degree k and capacity c gains in proportion to (c - k) times its weight.
    """
    yield masks
    for _ in range(updates):
        gain_first, gain_second = gain(*degrees(masks))
        loss_first, loss_second = loss(*degrees(masks))
        inputs = np.ones(masks["fc1"].shape[1])
        ends = {
            "fc1": ((loss_first, inputs), (gain_first, inputs)),
            "fc2": ((loss_second, loss_first), (gain_second, gain_first)),
        }
        new = {}
        for name, old in masks.items():
            lossy, gainful = ends[name]
            count = round(drop * int(old.sum()))
            mask = old.copy()
            mask.reshape(-1)[draw_edges(old, count, *lossy, rng)] = False
            mask.reshape(-1)[draw_places(old, count, *gainful, rng)] = True
            new[name] = mask
        masks = new
        yield masks


def proportional(
    masks: Masks, updates: int, drop: float, rng: np.random.Generator
) -> Iterator[Masks]:
    """Random losses, and gains of each side of a neuron in proportion to its edges there.

    Nothing but chance then changes a neuron's degree, wherever it has room: (c - k) is made good.
    """
    yield masks
    for _ in range(updates):
        new = {}
        for name, old in masks.items():
            count = round(drop * int(old.sum()))
            columns = old.sum(0) if name == "fc2" else np.ones(old.shape[1])
            weights = balance(~old, old.sum(1), columns)
            mask = old.copy()
            ones = [np.ones(n) for n in old.shape]
            mask.reshape(-1)[draw_edges(old, count, *ones, rng)] = False
            mask.reshape(-1)[draw_places(old, count, *weights, rng)] = True
            new[name] = mask
        masks = new
        yield masks


def balance(
    free: BoolArray, rows: npt.ArrayLike, columns: npt.ArrayLike, rounds: int = 5
) -> tuple[FloatArray, FloatArray]:
    """Weights with which draws among free places fall on rows and columns in these proportions."""
    row, column = (np.asarray(x, dtype=np.float64) for x in (rows, columns))
    place = free.astype(np.float32)
    row_weight, column_weight = np.ones(len(row)), column / column.sum()
    for _ in range(rounds):  # Sinkhorn's iteration
        row_weight = row / row.sum() / np.maximum(place @ column_weight, 1e-12)
        column_weight = column / column.sum() / np.maximum(row_weight @ place, 1e-12)
        # Where almost no place is free, a neuron cannot get its share.
        row_weight = np.minimum(row_weight, 1e3 * np.median(row_weight))
        column_weight = np.minimum(column_weight, 1e3 * np.median(column_weight))
    return row_weight, column_weight


def pruning(masks: Masks, updates: int, drop: float, rng: np.random.Generator) -> Iterator[Masks]:
    """Every update drops a share of the edges at random, and grows none."""
    yield masks
    for _ in range(updates):
        new = {name: mask.copy() for name, mask in masks.items()}
        for mask in new.values():
            ones = [np.ones(n) for n in mask.shape]
            count = round(drop * int(mask.sum()))
            mask.reshape(-1)[draw_edges(mask, count, *ones, rng)] = False
        masks = new
        yield masks


def growing(size: Size, edges: int, rng: np.random.Generator) -> Iterator[Masks]:
    """Barabasi and Albert's growth: neurons come in equal numbers, with `edges` a layer on average.

    As many edge ends go to neurons that are there already, in proportion to their degrees. That is
    Simon's process with half of the ends for newcomers: p(k) ~ k^-3.
    """
    seeds = 2 * edges  # among so few neurons half of the places are taken at the start
    come = []
    for n in (size.first, size.second):
        order = rng.permutation(n)
        come.append([order[:seeds], *np.array_split(order[seeds:], size.updates)])
    masks: Masks = {layer.name: np.zeros(layer.shape, dtype=bool) for layer in size.layers[:2]}
    for update in range(size.updates + 1):
        weights = []
        for k, groups in zip(degrees(masks), come, strict=True):
            weight = k.astype(np.float64)
            # Together the newcomers weigh as much as all others.
            weight[groups[update]] = max(weight.sum(), 1.0) / len(groups[update])
            weights.append(weight)
        ends = {"fc1": (weights[0], np.ones(size.inputs)), "fc2": (weights[1], weights[0])}
        new = {}
        for layer, (name, old) in enumerate(masks.items()):
            # Half of the ends are the newcomers'; the first have no others to share with.
            count = edges * len(come[layer][update]) * (2 if update else 1)
            mask = old.copy()
            mask.reshape(-1)[draw_places(old, count, *ends[name], rng)] = True
            new[name] = mask
        masks = new
        yield masks


def write_run(path: Path, size: Size, masks: Iterator[Masks], *, name: str, seed: int) -> None:
    """Record masks as a run of topolab, a snapshot for each."""
    config = {"truth": name, "size": size.name}
    with topolab.Recorder(path, layers=size.layers, config=config, seed=seed) as recorder:
        for step, snapshot in enumerate(masks):
            recorder.record(step, snapshot)
