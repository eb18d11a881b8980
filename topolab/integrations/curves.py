"""The topology curves of a run, as the numbers that experiment trackers draw."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Literal

import numpy as np

from topolab.errors import ConfigError, LayerError
from topolab.graph import LayeredGraph
from topolab.metrics.degree import ccv, gini
from topolab.run import Run
from topolab.snapshot import Snapshot

__all__ = ["CurveWriter", "curves", "needed"]


def curves(snapshot: Snapshot) -> dict[str, float]:
    """The topology of one snapshot in a few numbers, and its metrics.

    Parameters
    ----------
    snapshot : Snapshot

    Returns
    -------
    dict of str to float
        ``topology/density`` over the layers that change; per layer
        ``topology/<layer>/density`` (active share of weights), ``.../fan_in_ccv`` (coefficient
        of variation of the fan-in) and ``.../fan_in_gini``; ``topology/k_max`` (coreness of the
        network's highest shell) where the layers make one network; the snapshot's
        ``epoch`` and ``metrics/<name>``. What has no finite value is left out.

    Examples
    --------
    >>> values = curves(getfixture("example_run")[0])
    >>> values["topology/fc3/density"], values["metrics/test_accuracy"]
    (1.0, 0.5)
    >>> sorted(name for name in values if "fc1" in name)
    ['topology/fc1/density', 'topology/fc1/fan_in_ccv', 'topology/fc1/fan_in_gini']
    """
    out: dict[str, float] = {}
    changing = [layer for layer in snapshot.layers if layer.maskable] or list(snapshot.layers)
    active = sum(snapshot.nnz(layer.name) for layer in changing)
    out["topology/density"] = active / sum(layer.size for layer in changing)
    for layer in snapshot.layers:
        fan_in = np.diff(snapshot.biadjacency(layer.name).indptr)
        out[f"topology/{layer.name}/density"] = snapshot.nnz(layer.name) / layer.size
        out[f"topology/{layer.name}/fan_in_ccv"] = ccv(fan_in)
        out[f"topology/{layer.name}/fan_in_gini"] = gini(fan_in)
    try:
        coreness = LayeredGraph.from_snapshot(snapshot).coreness()
        out["topology/k_max"] = float(coreness.max())
    except LayerError:  # layers that do not chain have no graph of the whole
        pass
    out["epoch"] = snapshot.epoch
    out |= {f"metrics/{name}": value for name, value in snapshot.metrics.items()}
    return {name: float(value) for name, value in out.items() if math.isfinite(value)}


class CurveWriter(ABC):
    """Writes the topology curves somewhere, with the training step as the step.

    It is called with a `Snapshot`, so it can be a listener of a recording; `write` takes a
    whole run.

    Parameters
    ----------
    measure : callable, optional
        Snapshot -> numbers by name, in place of `curves`.
    """

    def __init__(self, measure: Callable[[Snapshot], Mapping[str, float]] | None = None) -> None:
        self._measure = measure or curves

    @abstractmethod
    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write numbers of one step."""

    @abstractmethod
    def close(self) -> None:
        """Write out what is held back, and let go."""

    def discard(self) -> None:  # noqa: B027  # not every tracker can
        """Take back what was made, as far as it can be; for a writing that failed half-way.

        It is called after `close`. What was there before stays.
        """

    def __call__(self, snapshot: Snapshot) -> None:
        """Write the curves of one snapshot."""
        self.scalars(snapshot.step, self._measure(snapshot))

    def write(self, run: Run) -> int:
        """Write the curves of all snapshots of a run; return how many there were."""
        for snapshot in run:
            self(snapshot)
        return len(run)

    def __enter__(self) -> CurveWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        self.close()
        return False


def needed(package: str, extra: str) -> Any:
    """Import a package that is not installed with topolab.

    Raises
    ------
    ConfigError
        If it is not there; the message says how to install it.
    """
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError as error:
        raise ConfigError(
            f'{extra} is not installed ({error}): pip install "topolab[{extra}]"'
        ) from error
