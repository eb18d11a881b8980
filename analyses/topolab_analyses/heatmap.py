"""The input layer as an image: degrees of the inputs, and the first hidden layer mapped back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from topolab.analysis import Analysis
from topolab.chaining import chain_layers
from topolab.graph import LayeredGraph
from topolab.hooks import WHEN, check_chain
from topolab.metrics import heatmap as metrics
from topolab.run import Run
from topolab.snapshot import Snapshot, weighted_biadjacency
from topolab.tables import Column

__all__ = ["Heatmap"]

_COLUMNS = (
    *WHEN,
    Column(
        "view",
        str,
        "1",
        "input_degree = edges of the input; first_hidden = the total degrees of the hidden "
        "neurons it feeds, summed; input_strength, first_hidden_strength the same of sums of |w|.",
    ),
    Column("channel", int, "1", "Channel of the image; 0 where the inputs are no image."),
    Column("row", int, "pixels", "Row of the image; 0 where the inputs are no image."),
    Column("col", int, "pixels", "Column of the image; index of the input where they are none."),
    Column("value", float, "edges or weight", "The value of the view at this input."),
)


@dataclass(frozen=True)
class Heatmap(Analysis):
    """Views of the inputs, laid out as the image where the run says how.

    Two count edges. Where weights were recorded, two more add up their sizes.

    A first layer that is a convolution has one value per channel, as its neurons are channels.
    """

    name = "heatmap"
    version = 2
    summary = "Heatmaps over the input: degree per pixel, and the first hidden layer mapped back"
    schemas: ClassVar[dict[str, tuple[Column, ...]]] = {"heatmap": _COLUMNS}

    def prepare(self, run: Run) -> Any:
        """Channel, row and column of every input."""
        check_chain(run)
        first = run.layers[0]
        if first.kind == "linear" and first.image_shape is not None:
            place = np.unravel_index(np.arange(first.n_in), first.image_shape)
            return tuple(part.astype(np.int64) for part in place)
        zeros = np.zeros(first.n_in, dtype=np.int64)
        index = np.arange(first.n_in)
        return (index, zeros, zeros) if first.kind == "conv" else (zeros, zeros, index)

    def frame(self, snapshot: Snapshot, state: Any) -> dict[str, pd.DataFrame]:
        """One row per view and input."""
        graph = LayeredGraph.from_snapshot(snapshot)
        name = graph.weight_layers[0]
        first = graph.block(name)
        hidden = graph.degrees("total")[graph.layer_slice(name)]
        channel, row, col = state
        views = [
            ("input_degree", metrics.input_degree(first)),
            ("first_hidden", metrics.first_hidden(first, hidden)),
        ]
        views += _strengths(snapshot, graph, name)
        parts = [
            pd.DataFrame(
                {
                    "step": snapshot.step,
                    "epoch": snapshot.epoch,
                    "view": view,
                    "channel": channel,
                    "row": row,
                    "col": col,
                    "value": values.astype(np.float64),
                }
            )
            for view, values in views
        ]
        return {"heatmap": pd.concat(parts, ignore_index=True)}


def _strengths(snapshot: Snapshot, graph: LayeredGraph, name: str) -> list[Any]:
    """The same two views with sums of |w| for degrees; none where weights were not recorded."""
    first = weighted_biadjacency(snapshot, name)
    if first is None or first.shape[1] != graph.block(name).shape[1]:
        return []
    views = [("input_strength", np.asarray(first.sum(0)).ravel())]
    strength = np.asarray(first.sum(1)).ravel()
    for link in chain_layers(snapshot.layers):
        if link.source == name:
            following = weighted_biadjacency(snapshot, link.layer.name)
            if following is None:
                return views
            out = np.asarray(following.sum(0)).ravel()
            strength = strength + out.reshape(-1, link.repeat).sum(1)
    return [*views, ("first_hidden_strength", metrics.first_hidden(graph.block(name), strength))]
