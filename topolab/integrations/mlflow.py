"""Topology curves for MLflow. Needs ``pip install "topolab[mlflow]"``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from topolab.integrations.curves import CurveWriter, needed
from topolab.snapshot import Snapshot

__all__ = ["MlflowWriter"]

_BATCH = 1000  # the most metrics that MLflow takes at once


class MlflowWriter(CurveWriter):
    """Logs metrics to an MLflow run of yours, or to one that it makes and ends.

    MLflow's active run and tracking address are left as they are.

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
        if run_id is None:
            known = self._client.get_experiment_by_name(experiment)
            where = known.experiment_id if known else self._client.create_experiment(experiment)
            run_id = self._client.create_run(where, run_name=name).info.run_id
        self.run_id = run_id

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Log numbers of one step."""
        now = int(1000 * time.time())
        batch = [self._metric(name, value, now, step) for name, value in values.items()]
        for begin in range(0, len(batch), _BATCH):
            self._client.log_batch(self.run_id, metrics=batch[begin : begin + _BATCH])

    def close(self) -> None:
        """End the run, if it was made here."""
        if self._own:
            self._client.set_terminated(self.run_id)
