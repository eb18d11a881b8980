"""The topology curves in TensorBoard, Weights & Biases and MLflow, read back from there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import topolab
from topolab.cli import app
from topolab.errors import ConfigError, SnapshotError
from topolab.integrations.curves import CurveWriter, curves

Maker = Callable[..., torch.nn.Sequential]
Step = Callable[[torch.nn.Module, torch.optim.Optimizer, int], None]

LAYERS = (topolab.LayerSpec("fc1", "linear", (2, 4)), topolab.LayerSpec("fc2", "linear", (1, 2)))


def by_hand(path: Path, layers: tuple[topolab.LayerSpec, ...] = LAYERS) -> topolab.Run:
    """Fan-in 1 and 3, then a dense layer; the second snapshot has fan-in 2 and 2."""
    second = np.ones(layers[1].shape)
    with topolab.Recorder(path, layers=layers, config={"method": "mine"}) as recorder:
        recorder.record(0, {"fc1": [[1, 0, 0, 0], [0, 1, 1, 1]], "fc2": second},
                        metrics={"test_accuracy": 0.5, "nothing": float("nan")})  # fmt: skip
        recorder.record(30, {"fc1": [[1, 1, 0, 0], [0, 0, 1, 1]], "fc2": second},
                        epoch=1.5, metrics={"test_accuracy": 0.75})  # fmt: skip
    return topolab.open_run(path)


def test_the_curves_by_hand(tmp_path: Path) -> None:
    run = by_hand(tmp_path / "run")
    assert curves(run[0]) == pytest.approx({
        "topology/density": 6 / 10,
        "topology/fc1/density": 4 / 8,
        "topology/fc1/fan_in_ccv": 0.5,  # mean 2, standard deviation 1
        "topology/fc1/fan_in_gini": 0.25,
        "topology/fc2/density": 1.0,
        "topology/fc2/fan_in_ccv": 0.0,
        "topology/fc2/fan_in_gini": 0.0,
        "topology/k_max": 1.0,  # a tree
        "metrics/test_accuracy": 0.5,
    })  # fmt: skip
    second = curves(run[1])
    assert (second["topology/fc1/fan_in_gini"], second["epoch"]) == (0.0, 1.5)


def test_layers_that_do_not_chain_have_no_highest_core(tmp_path: Path) -> None:
    layers = (LAYERS[0], topolab.LayerSpec("fc2", "linear", (1, 3)))
    values = curves(by_hand(tmp_path / "run", layers)[0])
    assert "topology/k_max" not in values
    assert values["topology/fc1/fan_in_ccv"] == 0.5


def test_the_curves_agree_with_the_analysis(example_run: topolab.Run) -> None:
    table = topolab.analyse(example_run, ["degree"], cache=False)["degree"].table
    for snapshot in example_run:
        values = curves(snapshot)
        rows = table[(table["step"] == snapshot.step) & (table["direction"] == "in")]
        for row in rows.itertuples():
            assert values[f"topology/{row.layer}/fan_in_ccv"] == pytest.approx(row.ccv)
            assert values[f"topology/{row.layer}/fan_in_gini"] == pytest.approx(row.gini)


def test_a_writer_of_ones_own_measure(tmp_path: Path) -> None:
    class Kept(CurveWriter):
        def __init__(self) -> None:
            super().__init__(lambda snapshot: {"edges": snapshot.nnz("fc1")})
            self.rows: list[tuple[int, dict[str, float]]] = []
            self.closed = False

        def scalars(self, step: int, values: Any) -> None:
            self.rows.append((step, dict(values)))

        def close(self) -> None:
            self.closed = True

    with Kept() as writer:
        assert writer.write(by_hand(tmp_path / "run")) == 2
    assert writer.closed
    assert writer.rows == [(0, {"edges": 4}), (30, {"edges": 4})]


# -- TensorBoard -------------------------------------------------------------------------------


def read_tensorboard(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)]
            for tag in events.Tags()["scalars"]}  # fmt: skip


def test_tensorboard_while_training(tmp_path: Path, mlp: Maker, one_step: Step) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from topolab.integrations.tensorboard import TensorBoardWriter

    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with (
        TensorBoardWriter(tmp_path / "tb") as writer,
        topolab.attach(optimizer, model, tmp_path / "run", every=2, listeners=[writer]),
    ):
        for seed in range(4):
            one_step(model, optimizer, seed)
    read = read_tensorboard(tmp_path / "tb")
    run = topolab.open_run(tmp_path / "run")
    for tag in ("topology/0/density", "topology/2/fan_in_gini", "topology/k_max"):
        assert read[tag] == [(s.step, pytest.approx(curves(s)[tag])) for s in run]
    assert [step for step, _ in read["topology/density"]] == [0, 2, 4]


# -- Weights & Biases --------------------------------------------------------------------------


def records_of(data: bytes) -> Iterator[bytes]:
    """The records of a ``.wandb`` file: 7 bytes, then LevelDB's log of 32 KiB blocks."""
    if len(data) < 7:
        return
    assert data[:4] == b":W&B"
    position, parts = 7, b""
    while position + 7 <= len(data):
        left = 32768 - position % 32768
        if left < 7:
            position += left
            continue
        length = int.from_bytes(data[position + 4 : position + 6], "little")
        kind = data[position + 6]  # 1 whole, 2 first, 3 middle, 4 last
        if kind == 0 or position + 7 + length > len(data):
            return
        parts += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):
            yield parts
            parts = b""


def read_wandb(folder: Path) -> list[dict[str, float]]:
    """The history in the file of an offline run."""
    from wandb.proto import wandb_internal_pb2

    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    end = time.monotonic() + 60
    while time.monotonic() < end:  # a process of wandb's own writes it, after `finish` too
        rows, ended = [], False
        for data in records_of(file.read_bytes()):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            ended = ended or record.HasField("exit")
            if record.HasField("history"):
                rows.append(
                    {item.key or "/".join(item.nested_key): json.loads(item.value_json)
                     for item in record.history.item}
                )  # fmt: skip
        if ended:
            return rows
        time.sleep(0.2)
    raise AssertionError(f"{file} never ended")


@pytest.mark.parametrize("own", [True, False])
def test_wandb_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed: topolab[wandb]")
    from topolab.integrations.wandb import WandbWriter

    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    run = by_hand(tmp_path / "run")
    settings: dict[str, Any] = {"project": "p", "dir": tmp_path, "mode": "offline"}
    if own:
        with WandbWriter(**settings) as writer:
            writer.write(run)
    else:
        with wandb.init(**{**settings, "dir": str(tmp_path)}) as mine:
            mine.log({"loss": 1.0})
            WandbWriter(mine).write(run)
            mine.log({"loss": 0.5})
    rows = [row for row in read_wandb(tmp_path) if "topology/density" in row]
    assert [row["_step" if own else "topolab_step"] for row in rows] == [0, 30]
    for row, snapshot in zip(rows, run, strict=True):
        for name, value in curves(snapshot).items():
            assert row[name] == pytest.approx(value)


# -- MLflow ------------------------------------------------------------------------------------


SQLALCHEMY = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")


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


# -- the command -------------------------------------------------------------------------------


def test_the_command(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    run = by_hand(tmp_path / "run")
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["log", str(run.path), "--to", "tensorboard", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert str(out) in done.output
    assert read_tensorboard(out / "run")["metrics/test_accuracy"] == [(0, 0.5), (30, 0.75)]
    with pytest.raises(ConfigError, match="run: there already"):
        CliRunner().invoke(
            app, ["log", str(run.path), "--to", "tensorboard", "--out", str(out)],
            catch_exceptions=False,
        )  # fmt: skip


@SQLALCHEMY
@pytest.mark.parametrize(("to", "package"), [("wandb", "wandb"), ("mlflow", "mlflow")])
def test_the_command_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, package: str
) -> None:
    pytest.importorskip(package, reason=f"{package} is not installed")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    run = by_hand(tmp_path / "run")
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app, ["log", str(run.path), "--to", to, "--out", str(out), "--project", "mine", "--json"]
    )
    assert done.exit_code == 0, done.output
    if to == "wandb":
        assert [row["metrics/test_accuracy"] for row in read_wandb(out)] == [0.5, 0.75]
    else:
        from mlflow.tracking import MlflowClient

        client = MlflowClient(f"sqlite:///{out}/mlflow.db")
        experiment = client.get_experiment_by_name("mine")
        assert experiment is not None
        (found,) = client.search_runs([experiment.experiment_id])
        assert (found.info.run_name, found.data.metrics["metrics/test_accuracy"]) == ("run", 0.75)


def log_with_a_small_disk(run: topolab.Run, to: str, out: Path, limit: int) -> tuple[int, str]:
    """``topolab log`` in a process whose files cannot grow beyond `limit` bytes."""
    code = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop()),) * 2)
from topolab.cli.app import main
main()
"""
    arguments = ["log", str(run.path), "--to", to, "--out", str(out), "--quiet", str(limit)]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no limit to the size of files there")
@pytest.mark.parametrize(
    ("to", "limit", "said"),
    [
        ("tensorboard", 400, "could not be written (File too large)"),
        ("tensorboard", 10, "could not be written (File too large)"),
        ("mlflow", 3000, "mlflow could not write there (OperationalError"),
    ],
)
def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, to: str, limit: int, said: str
) -> None:
    pytest.importorskip(to, reason=f"{to} is not installed")
    run = by_hand(tmp_path / "run")
    out = tmp_path / "new" / "out"
    code, stderr = log_with_a_small_disk(run, to, out, limit)
    assert code == 2, stderr
    (line,) = [line for line in stderr.splitlines() if " INFO " not in line]
    assert line.startswith("topolab: error: ") and said in line
    assert not (tmp_path / "new").exists()
    out.mkdir(parents=True)
    (out / "mine").write_text("of somebody else")
    assert log_with_a_small_disk(run, to, out, limit)[0] == 2
    assert [path.name for path in out.iterdir()] == ["mine"]


@SQLALCHEMY
@pytest.mark.parametrize("to", ["tensorboard", "wandb", "mlflow"])
def test_a_damaged_run_leaves_nothing_that_blocks_a_retry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    pytest.importorskip(to, reason=f"{to} is not installed")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    good, run = by_hand(tmp_path / "good"), by_hand(tmp_path / "run")
    last = sorted((run.path / "snapshots").iterdir())[-1]
    whole = last.read_bytes()
    last.write_bytes(whole[:-5])
    out = tmp_path / "out"
    asked = ["log", str(good.path), str(run.path), "--to", to, "--out", str(out), "--quiet"]
    with pytest.raises(SnapshotError):
        CliRunner().invoke(app, asked, catch_exceptions=False)
    left = {path.name for path in out.rglob("*")} if out.exists() else set()
    assert not [n for n in left if n in ("good", "run") or n.startswith("offline-run-")]
    assert to != "tensorboard" or not out.exists()
    if to == "mlflow":
        from mlflow.tracking import MlflowClient

        client = MlflowClient(f"sqlite:///{out}/mlflow.db")
        experiment = client.get_experiment_by_name("topolab")
        assert experiment is not None
        assert not client.search_runs([experiment.experiment_id])
    last.write_bytes(whole)
    assert CliRunner().invoke(app, asked, catch_exceptions=False).exit_code == 0
    if to == "tensorboard":
        assert read_tensorboard(out / "run")["metrics/test_accuracy"] == [(0, 0.5), (30, 0.75)]
        last.write_bytes(whole[:-5])  # what an earlier call made stays
        with pytest.raises(ConfigError, match="there already"):
            CliRunner().invoke(app, asked, catch_exceptions=False)
        assert (out / "good").exists() and (out / "run").exists()


def test_wrong_requests_of_the_command(tmp_path: Path) -> None:
    run = by_hand(tmp_path / "run")
    with pytest.raises(ConfigError, match="tensorboard, wandb, mlflow"):
        CliRunner().invoke(app, ["log", str(run.path), "--to", "excel"], catch_exceptions=False)
    same = by_hand(tmp_path / "other" / "run")
    with pytest.raises(ConfigError, match="two runs are named run"):
        CliRunner().invoke(
            app, ["log", str(run.path), str(same.path), "--to", "mlflow"], catch_exceptions=False
        )


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_what_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for loaded in [key for key in sys.modules if key.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, name, None)
    run = by_hand(tmp_path / "run")
    with pytest.raises(ConfigError, match=rf'{name} is not installed.*"topolab\[{name}\]"'):
        CliRunner().invoke(
            app, ["log", str(run.path), "--to", name, "--out", str(tmp_path / "out")],
            catch_exceptions=False,
        )  # fmt: skip


def test_nothing_of_it_is_imported_unless_asked_for() -> None:
    code = """
import sys
import topolab
import topolab.cli
topolab.attach
import topolab.integrations
optional = {"lightning", "pytorch_lightning", "transformers", "accelerate", "tensorboard",
            "wandb", "mlflow", "sparselab", "sparsimony"}
print(sorted(optional & {name.split(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
