"""Small runs to try an analysis, a figure or an exporter on."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np

from topolab.layers import LayerSpec
from topolab.recorder import Recorder
from topolab.run import Run, open_run

__all__ = ["KINDS", "Kind", "make_run"]

Kind = Literal["small", "one", "empty", "full", "conv"]
#: What a run can be that everything must survive: one snapshot only, no edge, every edge, ...
KINDS: tuple[Kind, ...] = ("small", "one", "empty", "full", "conv")


def make_run(
    path: str | os.PathLike[str],
    kind: Kind = "small",
    *,
    seed: int = 0,
    rich: bool = False,
    method: str | None = None,
) -> Run:
    """A run of three snapshots whose masks are drawn anew each time.

    Parameters
    ----------
    path : path
        The folder of the new run.
    kind : {"small", "one", "empty", "full", "conv"}
        A perceptron with 0.4 of its edges; one with a single snapshot; without any edge; with every
        edge; a convolution before two linear layers.
    seed : int
    rich : bool
        Record weights, activity, gradients, losses and exchanged edges too, and epochs.
    method : str, optional
        Runs of one method and several seeds make a group.

    Returns
    -------
    Run

    Examples
    --------
    >>> import tempfile
    >>> run = make_run(tempfile.mkdtemp() + "/r", "conv")
    >>> [layer.name for layer in run.layers], len(run)
    (['conv', 'fc1', 'fc2'], 3)
    """
    layers: tuple[LayerSpec, ...] = (
        LayerSpec("fc1", "linear", (12, 16), image_shape=(1, 4, 4)),
        LayerSpec("fc2", "linear", (8, 12)),
        LayerSpec("fc3", "linear", (4, 8), maskable=False),
    )
    if kind == "conv":
        layers = (
            LayerSpec("conv", "conv", (3, 1, 3, 3), image_shape=(1, 6, 6)),
            LayerSpec("fc1", "linear", (5, 48)),
            LayerSpec("fc2", "linear", (2, 5)),
        )
    share = {"empty": 0.0, "full": 1.1}.get(kind, 0.4)
    rng = np.random.default_rng(seed)
    config = {} if method is None else {"method": method}
    with Recorder(path, layers=layers, seed=seed, config=config) as recorder:
        for step in range(1 if kind == "one" else 3):
            masks = {
                layer.name: rng.random(layer.shape) < (share if layer.maskable else 1.1)
                for layer in layers
            }
            metrics = {"test_accuracy": 0.1 * step}
            more: dict[str, Any] = {}
            if rich:
                metrics |= {"train_loss": 0.5**step}
                metrics |= {f"dropped.{k}": 4.0 + step for k in masks} if step else {}
                more = {
                    "epoch": float(step),
                    "weights": {k: m * rng.normal(size=m.shape) for k, m in masks.items()},
                    "activity": {k: rng.random(len(m)) for k, m in masks.items()},
                    "gradient": {k: rng.random(len(m)) for k, m in masks.items()},
                }
            recorder.record(step, masks, metrics=metrics, **more)
    return open_run(path)
