"""The layered graph of a network: neurons, and the active connections between them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from topolab.chaining import Link, chain_layers
from topolab.errors import LayerError
from topolab.layers import LayerSpec
from topolab.snapshot import Snapshot

if TYPE_CHECKING:
    import igraph
    import networkx

__all__ = ["LayeredGraph"]

Direction = Literal["in", "out", "total"]
IntArray = npt.NDArray[np.int64]


class LayeredGraph:
    """Neurons numbered layer after layer, the inputs first; edges run from layer to layer.

    A neuron of a convolution is a channel. An edge is there where any weight between the two is
    active; its weight is how many are. Degrees count edges, not weights.

    Parameters
    ----------
    links : sequence of Link
        Per layer of weights the layer it reads: see `topolab.chaining.chain_layers`.
    blocks : sequence of scipy.sparse.csr_array
        Per layer the biadjacency matrix, shape (n_out, n_source), values = active weights.

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
    """

    def __init__(self, links: Sequence[Link], blocks: Sequence[sp.csr_array]) -> None:
        self._links = tuple(links)
        self._blocks = tuple(blocks)
        sizes: dict[str, int] = {}
        for link in self._links:  # a group of inputs stands before the first layer that reads it
            sizes.setdefault(link.source, link.layer.n_in // link.repeat)
            sizes[link.layer.name] = link.layer.n_out
        starts = np.concatenate([[0], np.cumsum(list(sizes.values()))])
        self._slices = {
            name: slice(int(starts[i]), int(starts[i + 1])) for i, name in enumerate(sizes)
        }
        self.n_neurons = int(starts[-1])

    @classmethod
    def from_snapshot(cls, snapshot: Snapshot, *, exclude: Sequence[str] = ()) -> LayeredGraph:
        """The graph of a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
        exclude : sequence of str
            Layers whose edges are left out; their neurons stay, without those edges. (A dense
            output layer lifts the degree of every neuron before it by the same number.)

        Raises
        ------
        LayerError
            If the layers do not chain, or `exclude` names an unknown one.
        """
        for name in exclude:
            snapshot.layer(name)
        links = chain_layers(snapshot.layers)
        blocks = [
            _no_edges(link.layer.n_out, link.layer.n_in // link.repeat)
            if link.layer.name in exclude
            else _merge_inputs(snapshot.biadjacency(link.layer.name), link.repeat)
            for link in links
        ]
        return cls(links, blocks)

    @classmethod
    def from_masks(cls, layers: Sequence[LayerSpec], masks: dict[str, Any]) -> LayeredGraph:
        """The graph of masks that are no snapshot (yet).

        Raises
        ------
        LayerError
            If a mask is missing or does not fit, or the layers do not chain.
        """
        links = chain_layers(layers)
        blocks = []
        for link in links:
            if link.layer.name not in masks:
                raise LayerError(f"no mask was given for layer {link.layer.name}")
            edges = link.layer.edges(np.asarray(masks[link.layer.name], dtype=np.bool_))
            blocks.append(_merge_inputs(sp.csr_array(edges), link.repeat))
        return cls(links, blocks)

    # -- neurons -----------------------------------------------------------------------------

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
    def paths(self) -> tuple[tuple[str, str, sp.csr_array], ...]:
        """Per layer of weights what it reads, its name, and its biadjacency."""
        return tuple(
            (link.source, link.layer.name, block)
            for link, block in zip(self._links, self._blocks, strict=True)
        )

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

    def block(self, name: str) -> sp.csr_array:
        """Biadjacency of the layer of this name, shape (n_out, n_source), values = weights."""
        for link, block in zip(self._links, self._blocks, strict=True):
            if link.layer.name == name:
                return block
        raise LayerError(f"no layer {name!r} of weights; this graph has {self.weight_layers}")

    def source_of(self, name: str) -> str:
        """The name of the neurons that a layer of weights reads."""
        for link in self._links:
            if link.layer.name == name:
                return link.source
        raise LayerError(f"no layer {name!r} of weights; this graph has {self.weight_layers}")

    # -- edges and measures ------------------------------------------------------------------

    @cached_property
    def edges(self) -> tuple[IntArray, IntArray, IntArray]:
        """All edges: source neuron, target neuron, weight; each of shape (n_edges,)."""
        sources, targets, weights = [], [], []
        for link, block in zip(self._links, self._blocks, strict=True):
            rows = np.repeat(np.arange(link.layer.n_out, dtype=np.int64), np.diff(block.indptr))
            sources.append(block.indices.astype(np.int64) + self._slices[link.source].start)
            targets.append(rows + self._slices[link.layer.name].start)
            weights.append(block.data.astype(np.int64))
        return np.concatenate(sources), np.concatenate(targets), np.concatenate(weights)

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
        for link, block in zip(self._links, self._blocks, strict=True):
            if direction != "out":
                degrees[self._slices[link.layer.name]] += np.diff(block.indptr)
            if direction != "in":
                width = block.shape[1]
                degrees[self._slices[link.source]] += np.bincount(block.indices, minlength=width)
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
                (
                    self._slices[link.source].start,
                    self._slices[link.layer.name].start,
                    block.indptr,
                    block.indices,
                )
                for link, block in zip(self._links, self._blocks, strict=True)
            ],
        )

    # -- doors -------------------------------------------------------------------------------

    def to_scipy(self) -> sp.csr_array:
        """Adjacency matrix, shape (n_neurons, n_neurons), row = source, values = weights."""
        sources, targets, weights = self.edges
        shape = (self.n_neurons, self.n_neurons)
        return sp.csr_array(sp.coo_array((weights, (sources, targets)), shape=shape))

    def to_igraph(self) -> igraph.Graph:
        """A directed igraph with vertex attributes layer and index, edge attribute weight."""
        import igraph

        sources, targets, weights = self.edges
        graph = igraph.Graph(
            n=self.n_neurons, edges=np.column_stack([sources, targets]), directed=True
        )
        layer, index = self._labels()
        graph.vs["layer"] = layer
        graph.vs["index"] = index
        graph.es["weight"] = weights.tolist()
        return graph

    def to_networkx(self) -> networkx.DiGraph:
        """A networkx DiGraph with node attributes layer and index, edge attribute weight."""
        import networkx

        graph = networkx.DiGraph()
        layer, index = self._labels()
        graph.add_nodes_from(
            (node, {"layer": layer[node], "index": index[node]}) for node in range(self.n_neurons)
        )
        graph.add_weighted_edges_from(zip(*(part.tolist() for part in self.edges), strict=True))
        return graph

    def write_graphml(self, path: str | os.PathLike[str]) -> None:
        """Write the graph with its attributes as GraphML, for Gephi and others."""
        import networkx

        networkx.write_graphml(self.to_networkx(), os.fspath(path))

    def _labels(self) -> tuple[list[str], list[int]]:
        layer: list[str] = []
        index: list[int] = []
        for name, where in self._slices.items():
            layer += [name] * (where.stop - where.start)
            index += range(where.stop - where.start)
        return layer, index

    def __repr__(self) -> str:
        return f"<LayeredGraph: {self.n_neurons} neurons, {self.n_edges} edges>"


def _no_edges(n_out: int, n_in: int) -> sp.csr_array:
    return sp.csr_array(sp.coo_array((n_out, n_in), dtype=np.int32))


def _merge_inputs(matrix: sp.csr_array, repeat: int) -> sp.csr_array:
    """Sum each `repeat` consecutive columns: the places of one channel's flattened map."""
    if repeat == 1:
        return matrix
    coo = matrix.tocoo()
    shape = (matrix.shape[0], matrix.shape[1] // repeat)
    return sp.csr_array(sp.coo_array((coo.data, (coo.row, coo.col // repeat)), shape=shape))
