"""The topology curves in MLflow, read back from there."""

from __future__ import annotations

from pathlib import Path

import pytest
from tracker_files import SQLALCHEMY, by_hand

from topolab.integrations.curves import curves


@SQLALCHEMY
def test_mlflow_in_a_file(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="MLflow is not installed: topolab[mlflow]")
    from mlflow.tracking import MlflowClient

    from topolab.integrations.mlflow import MlflowWriter

    run = by_hand(tmp_path / "run")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with MlflowWriter(tracking_uri=uri, experiment="mine", name="first") as writer:
        writer.write(run)
    client = MlflowClient(uri)
    kept = client.get_run(writer.run_id)
    assert (kept.info.status, kept.info.run_name) == ("FINISHED", "first")
    for name in curves(run[0]):
        history = sorted((m.step, m.value) for m in client.get_metric_history(writer.run_id, name))
        assert history == [(s.step, pytest.approx(curves(s)[name])) for s in run]

    mine = client.create_run(kept.info.experiment_id)
    MlflowWriter(mine.info.run_id, tracking_uri=uri).write(run)
    assert client.get_run(mine.info.run_id).data.metrics["topology/density"] == 0.6
    assert client.get_run(mine.info.run_id).info.status == "RUNNING"  # not ours to end


@SQLALCHEMY
def test_mlflow_gets_names_that_it_takes(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="MLflow is not installed: topolab[mlflow]")
    from mlflow.tracking import MlflowClient

    from topolab.integrations.mlflow import MlflowWriter, clean_metric

    steps: list[dict[str, float]] = [
        {"acc@1": 1.0, "acc_1": 2.0, "acc#1": 3.0, "a/../b": 4.0, "/x//": 5.0, "ä": 6.0},
        {"acc#1": 30.0, "acc_1": 20.0, "acc@1": 10.0, "x" * 300: 7.0, "x" * 299: 8.0},
    ]
    writer = MlflowWriter(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", measure=lambda _: {})
    for step, values in enumerate(steps):
        writer.scalars(step, values)
    writer.close()
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")

    def history(name: str) -> list[float]:
        return [m.value for m in client.get_metric_history(writer.run_id, name)]

    assert history("acc_1") == [2.0, 20.0]  # a name that needs no change keeps it
    assert history("acc_1_2") == [1.0, 10.0]
    assert history("acc_1_3") == [3.0, 30.0]
    assert history("a/_/b") == [4.0]
    assert history("_/x/_/_") == [5.0]
    assert history("ä") == [6.0]
    assert history("x" * 250) == [7.0]
    assert history("x" * 248 + "_2") == [8.0]
    assert clean_metric("x" * 249 + "/y") == "x" * 249
