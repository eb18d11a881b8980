"""Topology curves for MLflow. Needs ``pip install "topolab[mlflow]"``."""

from __future__ import annotations

import os
import posixpath
import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from topolab.integrations.curves import CurveWriter, needed
from topolab.integrations.tracker import Tracker
from topolab.run import Run
from topolab.snapshot import Snapshot

__all__ = ["Mlflow", "MlflowWriter"]

_BATCH = 1000  # the most metrics that MLflow takes at once
_FOREIGN = r"[^/\w.\- ]" if os.name == "nt" else r"[^/\w.\- :]"  # the same as MLflow
_LONGEST = 250  # characters that it takes in a name


class MlflowWriter(CurveWriter):
    """Logs metrics to an MLflow run of yours, or to one that it makes and ends.

    MLflow's active run and tracking address are left as they are. In names what MLflow does not
    take becomes ``_``: ``acc@1`` is ``acc_1`` there, and of two names that would be one the second
    is ``acc_1_2``.

    Parameters
    ----------
    run_id : str, optional
        A run of yours; it is not ended here.
    tracking_uri : str, optional
        Where to; MLflow's own setting without it.
    experiment : str
        Of a run that is made.
    name : str, optional
        Of a run that is made.
    measure : callable, optional
        Snapshot -> numbers by name, in place of `topolab.integrations.curves.curves`.

    Raises
    ------
    ConfigError
        If MLflow is not installed.

    Examples
    --------
    As a listener of a training::

        with mlflow.start_run() as run:
            writer = MlflowWriter(run.info.run_id)
            topolab.attach(optimizer, model, "runs/mine", listeners=[writer])
    """

    def __init__(
        self,
        run_id: str | None = None,
        *,
        tracking_uri: str | None = None,
        experiment: str = "topolab",
        name: str | None = None,
        measure: Callable[[Snapshot], Mapping[str, float]] | None = None,
    ) -> None:
        super().__init__(measure)
        self._client = needed("mlflow.tracking", "mlflow").MlflowClient(tracking_uri)
        self._metric = needed("mlflow.entities", "mlflow").Metric
        self._own = run_id is None
        self._names: dict[str, str] = {}
        if run_id is None:
            known = self._client.get_experiment_by_name(experiment)
            where = known.experiment_id if known else self._client.create_experiment(experiment)
            run_id = self._client.create_run(where, run_name=name).info.run_id
        self.run_id = run_id

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Log numbers of one step."""
        now = int(1000 * time.time())
        names = self._allowed(values)
        batch = [self._metric(names[name], value, now, step) for name, value in values.items()]
        for begin in range(0, len(batch), _BATCH):
            self._client.log_batch(self.run_id, metrics=batch[begin : begin + _BATCH])

    def close(self) -> None:
        """End the run, if it was made here."""
        if self._own:
            self._client.set_terminated(self.run_id)

    def discard(self) -> None:
        """Delete the run, if it was made here."""
        if self._own:
            self._client.delete_run(self.run_id)

    def _allowed(self, names: Iterable[str]) -> dict[str, str]:
        """Names as MLflow takes them, each the same at every step; those it takes come first."""
        for name in sorted(names, key=lambda name: clean_metric(name) != name):
            if name in self._names:
                continue
            clean, number = clean_metric(name), 1
            known = set(self._names.values())
            while clean in known:
                number += 1
                end = f"_{number}"
                clean = clean_metric(name)[: _LONGEST - len(end)] + end
            self._names[name] = clean
        return self._names


def clean_metric(name: str) -> str:
    """A name of a metric that MLflow takes.

    Examples
    --------
    >>> clean_metric("metrics/acc@1"), clean_metric("a//../b%c"), clean_metric("loss")
    ('metrics/acc_1', 'a/_/_/b_c', 'loss')
    """
    name = re.sub(_FOREIGN, "_", name)
    parts = ["_" if part in ("", ".", "..") else part for part in name.split("/")]
    clean = "/".join(parts)[:_LONGEST]
    return posixpath.normpath(clean)  # the cut may have left a "/" at the end


class Mlflow(Tracker):
    """A database file with a run of MLflow for each run."""

    name = "mlflow"
    summary = "A run of MLflow for each run, in a database file that `mlflow ui` shows."
    needs = 'pip install "topolab[mlflow]"'

    def writer(self, run: Run, out: Path, project: str) -> CurveWriter:
        """A writer to a run of an experiment."""
        return MlflowWriter(tracking_uri=self._uri(out), experiment=project, name=run.name)

    def look(self, out: Path) -> str:
        """Show what is in a folder."""
        return f"mlflow ui --backend-store-uri {self._uri(out)}"

    def shared_files(self, out: Path) -> tuple[Path, ...]:
        """The database."""
        return (out.resolve() / "mlflow.db",)

    def _uri(self, out: Path) -> str:
        return f"sqlite:///{self.shared_files(out)[0]}"
