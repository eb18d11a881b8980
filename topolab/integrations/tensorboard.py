"""Topology curves for TensorBoard. Needs ``pip install "topolab[tensorboard]"``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from topolab.integrations.curves import CurveWriter, needed
from topolab.snapshot import Snapshot

__all__ = ["TensorBoardWriter"]


class TensorBoardWriter(CurveWriter):
    """Writes scalars that ``tensorboard --logdir`` shows.

    Parameters
    ----------
    folder : path
        Where the event file goes.
    measure : callable, optional
        Snapshot -> numbers by name, in place of `topolab.integrations.curves.curves`.

    Raises
    ------
    ConfigError
        If TensorBoard is not installed.

    Examples
    --------
    As a listener of a training, or for a run that is there::

        topolab.attach(optimizer, model, "runs/mine", listeners=[TensorBoardWriter("tb/mine")])

        with TensorBoardWriter("tb/mine") as writer:
            writer.write(topolab.open_run("runs/mine"))
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        measure: Callable[[Snapshot], Mapping[str, float]] | None = None,
    ) -> None:
        super().__init__(measure)
        needed("tensorboard", "tensorboard")
        module = needed("torch.utils.tensorboard", "tensorboard")
        self._writer: Any = module.SummaryWriter(os.fspath(folder))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write numbers of one step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, global_step=step)
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()
