"""What the command calls, for Python; the command's own module imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

import topolab
from topolab.run import RunLike, open_runs

__all__ = ["overlap"]


def overlap(runs: RunLike | Sequence[RunLike]) -> pd.DataFrame:
    """How alike the neurons of the last snapshot of each run are wired.

    Parameters
    ----------
    runs : Run or path, or a sequence of them

    Returns
    -------
    DataFrame
        Columns run, layer, overlap.

    Raises
    ------
    RunError
        If one of them is no run.

    Examples
    --------
    >>> overlap(getfixture("example_run")).columns.tolist()
    ['run', 'layer', 'overlap']
    """
    parts = []
    for run in open_runs(runs):
        found = topolab.analyse(run, ["overlap"], progress=False)["overlap"].table
        last = found[found["step"] == found["step"].max()]
        parts.append(last[["layer", "overlap"]].assign(run=run.name))
    return pd.concat(parts, ignore_index=True)[["run", "layer", "overlap"]]
