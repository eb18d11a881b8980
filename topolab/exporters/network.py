"""The graph of a snapshot with all that an export says of its neurons and edges."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from topolab.chaining import chain_layers
from topolab.errors import LayerError
from topolab.layers import LayerSpec
from topolab.metrics.bits import csr_of_bits
from topolab.metrics.kcore import coreness_of_blocks
from topolab.snapshot import Snapshot, active_positions

__all__ = ["Network"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]
#: Edges that are written at a time by formats made of text.
CHUNK = 65_536


@dataclass(frozen=True, eq=False)
class Network:
    """Neurons, numbered layer after layer with the inputs first, and edges from input to output.

    Attributes
    ----------
    about : dict
        Of the snapshot: ``run``, ``run_id``, ``step``, ``epoch`` (NaN where not known) and
        ``weights``: ``recorded``, ``not recorded``, or ``recorded for some layers``.
    layers : tuple of str
        Names of the layers of neurons.
    layer, index : ndarray of int64, shape (n_neurons,)
        Position in `layers`; number within the layer.
    in_degree, out_degree, degree, coreness : ndarray of int64, shape (n_neurons,)
    source, target : ndarray of int64, shape (n_edges,)
        Neurons; ordered by layer, then target, then source.
    active : ndarray of int64, shape (n_edges,)
        Active weights on the edge: 1 but for convolutions and flattened maps.
    weight : ndarray of float32, shape (n_edges,), or None
        Their sum, so of a linear layer the weight itself; NaN in a layer whose weights were not
        recorded. None if no layer's were.
    """

    about: dict[str, str | int | float]
    layers: tuple[str, ...]
    layer: IntArray
    index: IntArray
    in_degree: IntArray
    out_degree: IntArray
    coreness: IntArray
    source: IntArray
    target: IntArray
    active: IntArray
    weight: FloatArray | None
    _sizes: dict[str, int] = field(repr=False)

    @property
    def degree(self) -> IntArray:
        """Edges per neuron, in both directions."""
        return self.in_degree + self.out_degree

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return len(self.layer)

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.source)

    @cached_property
    def ids(self) -> list[str]:
        """A name for every neuron: layer and number, such as ``fc1:12``."""
        return [f"{name}:{i}" for name, size in self._sizes.items() for i in range(size)]

    def neurons(self) -> dict[str, IntArray]:
        """The numbers that every neuron has, by name; its layer is not among them."""
        return {
            "index": self.index, "in_degree": self.in_degree, "out_degree": self.out_degree,
            "degree": self.degree, "coreness": self.coreness,
        }  # fmt: skip

    def chunks(self) -> Iterator[tuple[list[int], list[int], list[int], list[str] | None]]:
        """Sources, targets, active weights and weights as text, some edges at a time."""
        for start in range(0, self.n_edges, CHUNK):
            part = slice(start, start + CHUNK)
            weight = None if self.weight is None else _texts(self.weight[part])
            yield (
                self.source[part].tolist(), self.target[part].tolist(),
                self.active[part].tolist(), weight,
            )  # fmt: skip

    @classmethod
    def from_snapshot(
        cls, snapshot: Snapshot, *, run: str = "", run_id: str = "", separate: bool = False
    ) -> Network:
        """The network of a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
        run, run_id : str
            Where it is from.
        separate : bool
            Every layer of weights as a bipartite graph of its own, its inputs named
            ``<layer>:in``; for layers that do not chain, as a residual network's may not.

        Raises
        ------
        LayerError
            If the layers do not chain and `separate` is False.

        Examples
        --------
        >>> shot = getfixture("example_run")[-1]
        >>> network = Network.from_snapshot(shot)
        >>> network.layers, network.ids[36:38], int(network.degree.sum()) == 2 * network.n_edges
        (('input', 'fc1', 'fc2', 'fc3'), ['fc1:0', 'fc1:1'], True)
        """
        links = _separate(snapshot.layers) if separate else _chained(snapshot.layers)
        sizes: dict[str, int] = {}
        for layer, source, repeat in links:
            sizes.setdefault(source, layer.n_in // repeat)
            sizes[layer.name] = layer.n_out
        starts = dict(zip(sizes, np.cumsum([0, *sizes.values()])[:-1].tolist(), strict=True))
        total = sum(sizes.values())
        in_degree, out_degree = np.zeros(total, np.int64), np.zeros(total, np.int64)
        sources, targets, actives, weights, blocks = [], [], [], [], []
        for layer, source, repeat in links:
            indptr, columns, active, weight = _edges(snapshot, layer, repeat)
            row, column = starts[layer.name], starts[source]
            fan_in = np.diff(indptr).astype(np.int64)
            in_degree[row : row + layer.n_out] += fan_in
            width = sizes[source]
            out_degree[column : column + width] += np.bincount(columns, minlength=width)
            sources.append(columns.astype(np.int64) + column)
            targets.append(np.repeat(np.arange(row, row + layer.n_out, dtype=np.int64), fan_in))
            actives.append(active)
            weights.append(weight)
            blocks.append((column, row, indptr, columns))
        known = [weight is not None for weight in weights]
        return cls(
            about={
                "run": run, "run_id": run_id, "step": snapshot.step, "epoch": snapshot.epoch,
                "weights": "recorded" if all(known) else
                "recorded for some layers" if any(known) else "not recorded",
            },
            layers=tuple(sizes),
            layer=np.repeat(np.arange(len(sizes)), list(sizes.values())).astype(np.int64),
            index=np.concatenate([np.arange(n, dtype=np.int64) for n in sizes.values()]),
            in_degree=in_degree,
            out_degree=out_degree,
            coreness=coreness_of_blocks(total, blocks),
            source=np.concatenate(sources),
            target=np.concatenate(targets),
            active=np.concatenate(actives),
            weight=np.concatenate(
                [
                    np.full(len(active), np.nan, np.float32) if weight is None else weight
                    for active, weight in zip(actives, weights, strict=True)
                ]
            ) if any(known) else None,
            _sizes=sizes,
        )  # fmt: skip


def _chained(layers: tuple[LayerSpec, ...]) -> list[tuple[LayerSpec, str, int]]:
    try:
        return [(link.layer, link.source, link.repeat) for link in chain_layers(layers)]
    except LayerError as error:
        raise LayerError(
            f"{error}; or export every layer as a graph of its own: separate=True (--separate)"
        ) from error


def _separate(layers: tuple[LayerSpec, ...]) -> list[tuple[LayerSpec, str, int]]:
    # No layer's name holds a colon, so no layer has this one.
    return [(layer, f"{layer.name}:in", 1) for layer in layers]


def _edges(
    snapshot: Snapshot, layer: LayerSpec, repeat: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], IntArray, FloatArray | None]:
    """Of one layer: CSR structure, active weights on each edge, and their sum."""
    packed, weights = snapshot.packed[layer.name], snapshot.weights[layer.name]
    if layer.kind == "linear" and repeat == 1:
        indptr, columns = csr_of_bits(packed, layer.n_out, layer.n_in)
        return indptr, columns, np.ones(len(columns), np.int64), weights
    # Active weights lie row-major, so that those of one edge are neighbours.
    flat = active_positions(packed, layer.size)
    if layer.kind == "conv":
        kernel, inputs = math.prod(layer.shape[2:]), layer.shape[1]
        rows, columns = np.divmod(flat // kernel, inputs)
        columns += rows // (layer.n_out // layer.groups) * inputs
    else:
        rows, columns = np.divmod(flat, layer.n_in)
        columns //= repeat
    first = np.flatnonzero(np.diff(rows * layer.n_in + columns, prepend=-1))
    active = np.diff(first, append=len(flat)).astype(np.int64)
    indptr = np.zeros(layer.n_out + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows[first], minlength=layer.n_out), out=indptr[1:])
    if weights is None:
        return indptr, columns[first], active, None
    summed = np.add.reduceat(weights.astype(np.float64), first) if len(first) else np.zeros(0)
    return indptr, columns[first], active, summed.astype(np.float32)


def _texts(values: FloatArray) -> list[str]:
    """The shortest decimals that give these float32 back, in words that all readers know."""
    texts: list[str] = values.astype(str).tolist()
    if not np.isfinite(values).all():
        words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        texts = [words.get(text, text) for text in texts]
    return texts
