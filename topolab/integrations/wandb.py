"""Topology curves for Weights & Biases. Needs ``pip install "topolab[wandb]"``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from topolab.integrations.curves import CurveWriter, needed
from topolab.integrations.tracker import Tracker
from topolab.run import Run
from topolab.snapshot import Snapshot

__all__ = ["Wandb", "WandbWriter"]

STEP = "topolab_step"


class WandbWriter(CurveWriter):
    """Logs to a W&B run of yours, or to one that it makes and ends.

    In a run of yours the curves have the axis ``topolab_step``, the training step, since W&B's own
    step counts your calls of ``log``.

    Parameters
    ----------
    run : wandb.Run, optional
        A run of yours; it is not ended here.
    measure : callable, optional
        Snapshot -> numbers by name, in place of `topolab.integrations.curves.curves`.
    **settings
        For ``wandb.init`` where no run is given: ``project``, ``name``, ``dir``, ``config``,
        ``mode="offline"``.

    Raises
    ------
    ConfigError
        If wandb is not installed.

    Examples
    --------
    As a listener of a training::

        writer = WandbWriter(project="sparse")
        topolab.attach(optimizer, model, "runs/mine", listeners=[writer])
    """

    def __init__(
        self,
        run: Any = None,
        *,
        measure: Callable[[Snapshot], Mapping[str, float]] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(measure)
        wandb = needed("wandb", "wandb")
        self._own = run is None
        if self._own:
            if "dir" in settings:
                settings["dir"] = os.fspath(settings["dir"])
            run = wandb.init(**settings)
        else:
            run.define_metric(STEP, hidden=True)
            for pattern in ("topology/*", "metrics/*"):
                run.define_metric(pattern, step_metric=STEP)
        self._run = run

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Log numbers of one step."""
        if self._own:
            self._run.log(dict(values), step=step)
        else:
            self._run.log({**values, STEP: step})

    def close(self) -> None:
        """End the run, if it was made here."""
        if self._own:
            self._run.finish()

    def discard(self) -> None:
        """Remove the folder of the run, if it was made here and is not on the way to W&B."""
        if self._own and getattr(self._run, "offline", False):
            shutil.rmtree(Path(self._run.dir).parent, ignore_errors=True)


class Wandb(Tracker):
    """An offline run of W&B for each run."""

    name = "wandb"
    summary = "An offline run of Weights & Biases for each run, which `wandb sync` sends."
    needs = 'pip install "topolab[wandb]"'

    def writer(self, run: Run, out: Path, project: str) -> CurveWriter:
        """A writer to an offline run in a project, with the run's configuration."""
        return WandbWriter(
            project=project, name=run.name, dir=out, config=run.config, mode="offline"
        )

    def look(self, out: Path) -> str:
        """Send what is in a folder."""
        return f"wandb sync {out}/wandb/offline-run-*"
