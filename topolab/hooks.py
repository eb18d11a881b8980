"""What the hooks of an analysis need again and again.

The leading columns of its tables (`WHEN`, `LAYER`), the rows of a frame as a table
(`rows_of`), and what its ``prepare`` refuses (`check_chain`, `check_name_free`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from topolab.chaining import chain_layers
from topolab.errors import AnalysisError, LayerError
from topolab.graph import LayeredGraph
from topolab.run import Run
from topolab.snapshot import Snapshot
from topolab.tables import Column

__all__ = ["LAYER", "WHEN", "check_chain", "check_name_free", "hidden_layers", "rows_of"]

#: The columns that say which snapshot a row is about.
WHEN = (
    Column("step", int, "steps", "Optimiser steps done when the snapshot was taken."),
    Column("epoch", float, "epochs", "Passes over the training data done by then."),
)
#: The column that says which neurons a row is about.
LAYER = Column("layer", str, "1", "The neurons: input, or the layer of weights that feeds them.")


def rows_of(
    snapshot: Snapshot, records: Sequence[Mapping[str, Any]], columns: Sequence[Column]
) -> pd.DataFrame:
    """Records of one snapshot as a table, with its step and epoch.

    Parameters
    ----------
    snapshot : Snapshot
    records : sequence of mapping
        A row each, by column; without ``step`` and ``epoch``.
    columns : sequence of Column
        Those of the table, in order.

    Examples
    --------
    >>> shot = getfixture("example_run")[-1]
    >>> rows_of(shot, [{"layer": "fc1", "edges": 3}], (*WHEN, LAYER, Column("edges", int)))
       step  epoch layer  edges
    0    30    ...   fc1      3
    """
    names = [column.name for column in columns]
    return pd.DataFrame(
        [{"step": snapshot.step, "epoch": snapshot.epoch, **record} for record in records],
        columns=names,
    )


def check_chain(run: Run) -> None:
    """Refuse a run whose layers do not make one network, before anything is computed.

    Raises
    ------
    AnalysisError
        If they do not chain: see `topolab.chaining.chain_layers`.

    Examples
    --------
    >>> check_chain(getfixture("example_run"))
    """
    try:
        chain_layers(run.layers)
    except LayerError as error:
        raise AnalysisError(f"{run.path}: {error}") from error


def check_name_free(run: Run, name: str) -> None:
    """Refuse a run with a layer of a name that the tables of an analysis need for themselves.

    Raises
    ------
    AnalysisError
        If there is one.

    Examples
    --------
    >>> check_name_free(getfixture("example_run"), "all")
    """
    if any(layer.name == name for layer in run.layers):
        raise AnalysisError(
            f"{run.path}: a layer is named {name!r}, which stands for several layers together in "
            "these tables; record it under another name"
        )


def hidden_layers(graph: LayeredGraph) -> tuple[str, ...]:
    """The layers of neurons between the inputs and the last layer, in order.

    Examples
    --------
    >>> hidden_layers(LayeredGraph.from_snapshot(getfixture("example_run")[0]))
    ('fc1', 'fc2')
    """
    return graph.weight_layers[:-1]
