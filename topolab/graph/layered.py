"""The layered graph of a network: neurons, and the active connections between them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.chaining import Link, chain_layers, separate_layers
from topolab.errors import LayerError
from topolab.graph import doors
from topolab.graph.blocks import (
    describe_weights,
    merge_inputs,
    no_edges,
    sum_by_edge,
    without_zeros,
)
from topolab.graph.graphml import write_graphml
from topolab.layers import LayerSpec
from topolab.snapshot import Snapshot

if TYPE_CHECKING:
    import igraph
    import networkx

__all__ = ["LayeredGraph"]

Direction = Literal["in", "out", "total"]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]


class LayeredGraph:
    """Neurons numbered layer after layer, the inputs first; edges run from layer to layer.

    A neuron of a convolution is a channel. An edge is there where any weight between the two is
    active, and ``active`` says how many are; its ``weight`` is their sum, where weights were
    recorded. Degrees count edges, not weights.

    Parameters
    ----------
    links : sequence of Link
        Per layer of weights the layer it reads: see `topolab.chaining.chain_layers`.
    biadjacencies : sequence of scipy.sparse.csr_array
        Per layer its edges, shape (n_out, n_source), rows sorted, values = active weights. A
        stored 0 is no edge.
    weights : sequence of (ndarray of float32, or None), optional
        Per layer the active weights, ordered by target, then source; None where they were not
        recorded.
    about : mapping, optional
        What is known of the graph as a whole: text and numbers, by name.

    Raises
    ------
    LayerError
        If a layer has another number of weights than of active ones.

    Examples
    --------
    >>> layers = [LayerSpec("fc1", "linear", (2, 3)), LayerSpec("fc2", "linear", (1, 2))]
    >>> masks = {"fc1": [[1, 1, 0], [0, 1, 0]], "fc2": [[1, 0]]}
    >>> graph = LayeredGraph.from_masks(layers, masks)
    >>> graph.degrees("total")
    array([1, 2, 0, 3, 1, 1])
    >>> graph.degrees("in")[graph.layer_slice("fc1")]
    array([2, 1])
    >>> graph.coreness()
    array([1, 1, 0, 1, 1, 1])
    >>> graph.ids[3], graph.about
    ('fc1:0', {'weights': 'not recorded'})
    """

    def __init__(
        self,
        links: Sequence[Link],
        biadjacencies: Sequence[sp.csr_array],
        weights: Sequence[FloatArray | None] | None = None,
        about: Mapping[str, str | int | float] | None = None,
    ) -> None:
        self._links = tuple(links)
        self._blocks = tuple(without_zeros(matrix) for matrix in biadjacencies)
        self._stored = tuple(weights) if weights is not None else (None,) * len(self._links)
        for link, block, stored in zip(self._links, self._blocks, self._stored, strict=True):
            if stored is not None and len(stored) != block.sum():
                raise LayerError(
                    f"layer {link.layer.name}: {len(stored)} weights were given for "
                    f"{block.sum()} active ones"
                )
        self.about = {**(about or {}), "weights": describe_weights(self._stored)}
        sizes: dict[str, int] = {}
        for link in self._links:  # a group of inputs stands before the first layer that reads it
            sizes.setdefault(link.source, link.layer.n_in // link.repeat)
            sizes[link.layer.name] = link.layer.n_out
        self._slices: dict[str, slice] = {}
        self.n_neurons = 0
        for name, size in sizes.items():
            self._slices[name] = slice(self.n_neurons, self.n_neurons + size)
            self.n_neurons += size

    @classmethod
    def from_snapshot(
        cls,
        snapshot: Snapshot,
        *,
        exclude: Sequence[str] = (),
        separate: bool = False,
        about: Mapping[str, str | int | float] | None = None,
    ) -> LayeredGraph:
        """The graph of a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
        exclude : sequence of str
            Layers whose edges are left out; their neurons stay, without those edges. (A dense
            output layer lifts the degree of every neuron before it by the same number.)
        separate : bool
            Every layer of weights as a bipartite graph of its own, its inputs named
            ``<layer>:in``; for layers that do not chain.
        about : mapping, optional
            What to say of the graph besides its ``step``, ``epoch`` (NaN where not known) and
            ``weights``: ``recorded``, ``not recorded``, or ``recorded for some layers``.

        Raises
        ------
        LayerError
            If the layers do not chain and `separate` is False, or `exclude` names an unknown one.
        """
        for name in exclude:
            snapshot.layer(name)
        links = separate_layers(snapshot.layers) if separate else chain_layers(snapshot.layers)
        blocks, weights = [], []
        for link in links:
            stored = snapshot.weights[link.layer.name]
            if link.layer.name in exclude:
                blocks.append(no_edges(link.layer.n_out, link.layer.n_in // link.repeat))
                weights.append(None if stored is None else stored[:0])
            else:
                block = snapshot.biadjacency(link.layer.name)
                blocks.append(merge_inputs(block, link.repeat))
                weights.append(stored)
        said = {**(about or {}), "step": snapshot.step, "epoch": snapshot.epoch}
        return cls(links, blocks, weights, said)

    @classmethod
    def from_masks(cls, layers: Sequence[LayerSpec], masks: Mapping[str, Any]) -> LayeredGraph:
        """The graph of masks that are no snapshot (yet).

        Raises
        ------
        LayerError
            If a mask is missing or does not fit, or the layers do not chain.
        """
        links, blocks = chain_layers(layers), []
        for link in links:
            if link.layer.name not in masks:
                raise LayerError(f"no mask was given for layer {link.layer.name}")
            edges = link.layer.edges(np.asarray(masks[link.layer.name], dtype=np.bool_))
            blocks.append(merge_inputs(sp.csr_array(edges), link.repeat))
        return cls(links, blocks)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """``"input"``, then the layers of weights; each names the neurons it feeds.

        Further groups of inputs, as a layer may have of its own, stand before that layer.
        """
        return tuple(self._slices)

    @property
    def weight_layers(self) -> tuple[str, ...]:
        """The layers of weights, in order."""
        return tuple(link.layer.name for link in self._links)

    @property
    def inputs(self) -> frozenset[str]:
        """The groups of neurons that no layer of weights feeds; mostly ``"input"`` alone."""
        return frozenset(self._slices) - frozenset(self.weight_layers)

    @property
    def unread(self) -> frozenset[str]:
        """The groups of neurons that no layer of weights reads; mostly the last alone."""
        return frozenset(self._slices) - {link.source for link in self._links}

    @property
    def sizes(self) -> dict[str, int]:
        """Neurons of every layer, by name."""
        return {name: where.stop - where.start for name, where in self._slices.items()}

    @property
    def ids(self) -> list[str]:
        """A name for every neuron: layer and number, such as ``fc1:12``."""
        return [f"{name}:{i}" for name, size in self.sizes.items() for i in range(size)]

    @property
    def neuron_layers(self) -> list[str]:
        """The name of the layer of every neuron."""
        return [name for name, size in self.sizes.items() for _ in range(size)]

    @property
    def layer_positions(self) -> IntArray:
        """Per neuron the position of its layer in `layer_names`, shape (n_neurons,)."""
        sizes = list(self.sizes.values())
        return np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)

    def neuron_attributes(self) -> dict[str, IntArray]:
        """The numbers that every neuron has, by name, each of shape (n_neurons,).

        ``index`` is its number within its layer; ``in_degree``, ``out_degree``, ``degree`` are
        counts of edges; ``coreness`` is as of `coreness`.
        """
        fan_in, fan_out = self.degrees("in"), self.degrees("out")
        return {
            "index": np.concatenate([np.arange(n, dtype=np.int64) for n in self.sizes.values()]),
            "in_degree": fan_in,
            "out_degree": fan_out,
            "degree": fan_in + fan_out,
            "coreness": self.coreness(),
        }

    def layer_slice(self, name: str) -> slice:
        """Where the neurons of a layer are in every per-neuron array.

        Raises
        ------
        LayerError
            If there is no such layer.
        """
        if name not in self._slices:
            raise LayerError(f"no layer {name!r}; this graph has {', '.join(self._slices)}")
        return self._slices[name]

    @property
    def blocks(self) -> tuple[tuple[str, str, sp.csr_array], ...]:
        """The blocks of the adjacency matrix that can hold edges, one for each layer of weights.

        Of each the neurons it reads, its name, and its biadjacency, as `block` gives it.
        """
        return tuple(
            (link.source, link.layer.name, block)
            for link, block in zip(self._links, self._blocks, strict=True)
        )

    def block(self, name: str) -> sp.csr_array:
        """Biadjacency of a layer of weights, shape (n_out, n_source), values = active weights."""
        return self._blocks[self._position(name)]

    def source_of(self, name: str) -> str:
        """The name of the neurons that a layer of weights reads."""
        return self._links[self._position(name)].source

    def _position(self, name: str) -> int:
        known = self.weight_layers
        if name not in known:
            raise LayerError(f"no layer {name!r} of weights; this graph has {', '.join(known)}")
        return known.index(name)

    @cached_property
    def edges(self) -> tuple[IntArray, IntArray, IntArray]:
        """All edges: source neuron, target neuron, active weights; each of shape (n_edges,).

        Ordered by layer, then target, then source.
        """
        sources, targets, actives = [], [], []
        for source, name, block in self.blocks:
            where = self._slices[name]
            sources.append(block.indices.astype(np.int64) + self._slices[source].start)
            targets.append(
                np.repeat(np.arange(where.start, where.stop, dtype=np.int64), np.diff(block.indptr))
            )
            actives.append(block.data.astype(np.int64))
        return np.concatenate(sources), np.concatenate(targets), np.concatenate(actives)

    @cached_property
    def weight(self) -> FloatArray | None:
        """The recorded weight of every edge, float32, shape (n_edges,), in the order of `edges`.

        Of several active weights their sum; NaN in a layer whose weights were not recorded; None
        if no layer's were.
        """
        if all(stored is None for stored in self._stored):
            return None
        parts = zip(self._blocks, self._stored, strict=True)
        return np.concatenate([sum_by_edge(block, stored) for block, stored in parts])

    def edge_attributes(self) -> dict[str, IntArray | FloatArray]:
        """The numbers that every edge has, by name, each of shape (n_edges,).

        ``active`` is how many active weights it stands for; ``weight``, which is there only where
        weights were recorded, is as of `weight`.
        """
        attributes: dict[str, IntArray | FloatArray] = {"active": self.edges[2]}
        if self.weight is not None:
            attributes["weight"] = self.weight
        return attributes

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return sum(int(block.nnz) for block in self._blocks)

    def degrees(self, direction: Direction = "total") -> IntArray:
        """Edges per neuron.

        Parameters
        ----------
        direction : {"total", "in", "out"}
            ``in`` is the fan-in, ``out`` the fan-out, ``total`` their sum.

        Returns
        -------
        ndarray of int64, shape (n_neurons,)

        Raises
        ------
        LayerError
            For another direction.
        """
        if direction not in ("in", "out", "total"):
            raise LayerError(f"direction {direction!r} is none of in, out, total")
        degrees = np.zeros(self.n_neurons, dtype=np.int64)
        for source, name, block in self.blocks:
            if direction != "out":
                degrees[self._slices[name]] += np.diff(block.indptr)
            if direction != "in":
                width = block.shape[1]
                degrees[self._slices[source]] += np.bincount(block.indices, minlength=width)
        return degrees

    def coreness(self) -> IntArray:
        """The largest k for which a neuron is in the k-core of the undirected graph.

        Returns
        -------
        ndarray of int64, shape (n_neurons,)

        References
        ----------
        S. B. Seidman, "Network structure and minimum degree", Social Networks 5 (1983).
        """
        from topolab.metrics.kcore import coreness_of_blocks

        return coreness_of_blocks(
            self.n_neurons,
            [
                (self._slices[source].start, self._slices[name].start, block.indptr, block.indices)
                for source, name, block in self.blocks
            ],
        )

    def to_scipy(self, values: Literal["active", "weight"] = "active") -> sp.csr_array:
        """The adjacency matrix, row = source, column = target.

        Parameters
        ----------
        values : {"active", "weight"}
            What the matrix holds: how many active weights each edge stands for (int64), or the
            recorded weight (float32). An edge with a weight of 0 is a stored 0.

        Returns
        -------
        scipy.sparse.csr_array, shape (n_neurons, n_neurons)

        Raises
        ------
        LayerError
            If weights are asked for and none were recorded.
        """
        return doors.to_scipy(self, values)

    def to_igraph(self) -> igraph.Graph:
        """A directed igraph: vertices are numbered as the neurons are.

        They carry ``id``, ``layer`` and what `neuron_attributes` names, edges what
        `edge_attributes` names, the graph what `about` says.
        """
        return doors.to_igraph(self)

    def to_networkx(self) -> networkx.DiGraph:
        """A networkx DiGraph: nodes are numbers of neurons, attributes as in `to_igraph`."""
        return doors.to_networkx(self)

    def write_graphml(self, path: str | os.PathLike[str]) -> None:
        """Write GraphML, for Gephi and others: the same as ``topolab export --to graphml``.

        Nodes are named by their ``id``, such as ``fc1:12``.
        """
        write_graphml(self, Path(path))

    def __repr__(self) -> str:
        return f"<LayeredGraph: {self.n_neurons} neurons, {self.n_edges} edges>"
