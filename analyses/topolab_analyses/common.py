"""What the analyses share: the leading columns of their tables, and rows as frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from topolab.chaining import chain_layers
from topolab.errors import AnalysisError
from topolab.graph import LayeredGraph
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["LAYER", "WHEN", "check_chain", "rows"]

WHEN = (
    Column("step", int, "steps", "Optimiser steps done when the snapshot was taken."),
    Column("epoch", float, "epochs", "Passes over the training data done by then."),
)
LAYER = Column("layer", str, "1", "The neurons: input, or the layer of weights that feeds them.")


def rows(
    snapshot: Snapshot, records: Sequence[Mapping[str, Any]], columns: Sequence[Column]
) -> pd.DataFrame:
    """Records of one snapshot as a frame, with its step and epoch in front."""
    names = [column.name for column in columns]
    return pd.DataFrame(
        [{"step": snapshot.step, "epoch": snapshot.epoch, **record} for record in records],
        columns=names,
    )


def check_chain(run: Run) -> None:
    """Refuse a run whose layers do not make one network, before anything is computed."""
    try:
        chain_layers(run.layers)
    except Exception as error:
        raise AnalysisError(f"{run.path}: {error}") from error


def keep_free(run: Run, name: str) -> None:
    """Refuse a run with a layer of a name that the tables of an analysis need for themselves."""
    if any(layer.name == name for layer in run.layers):
        raise AnalysisError(
            f"{run.path}: a layer is named {name!r}, which stands for several layers together in "
            "these tables; record it under another name"
        )


def hidden_names(graph: LayeredGraph) -> tuple[str, ...]:
    """Layers of neurons between the inputs and the last layer, in order."""
    return graph.weight_layers[:-1]
