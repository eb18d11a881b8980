"""`topolab log` and `topolab.log`: every tracker, all or nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tracker_files import SQLALCHEMY, by_hand, read_tensorboard, read_wandb
from typer.testing import CliRunner

import topolab
from topolab.cli import app
from topolab.errors import ConfigError, SnapshotError
from topolab.integrations.log import CurveLog
from topolab.integrations.tracker import Tracker
from topolab.registry import find, names


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
        capture_output=True, text=True, timeout=1000, check=False,
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
    with pytest.raises(
        ConfigError, match="unknown tracker 'excel'; there is mlflow, tensorboard, wandb"
    ):
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


# -- in Python -----------------------------------------------------------------------------------


def test_the_command_calls_its_twin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def twin(*arguments: Any, **options: Any) -> CurveLog:
        asked.append((arguments, options))
        return CurveLog("x", Path("y"), {Path("runs/a"): 3}, "look at y")

    monkeypatch.setattr(topolab, "log", twin, raising=False)
    arguments = ["log", "a", "b", "--to", "x", "--out", "y", "--project", "p"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0 and "Next: look at y" in done.output
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert json.loads(done.stdout) == [{"run": "runs/a", "snapshots": 3, "to": "x", "out": "y"}]
    for (runs, to), options in asked:
        assert ([str(run) for run in runs], to) == (["a", "b"], "x")
        assert (options.pop("out"), options.pop("project")) == (Path("y"), "p")
    assert [options for _, options in asked] == [{"progress": None}, {"progress": False}]


def test_a_run_or_a_path_one_or_several_and_how_far_it_is(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    a, b = by_hand(tmp_path / "runs" / "a"), by_hand(tmp_path / "runs" / "b")
    seen: list[tuple[Any, ...]] = []
    for number, runs in enumerate([a, str(a.path), [a], [a, b.path], tmp_path / "runs"]):
        out = tmp_path / str(number)
        done = topolab.log(
            runs, "tensorboard", out=out, progress=lambda *report: seen.append(report[:3])
        )
        names = ["a"] if number < 3 else ["a", "b"]
        assert [path.name for path in done.snapshots] == sorted(p.name for p in out.iterdir())
        assert list(done.snapshots.values()) == [2] * len(names)
        assert (done.tracker, done.out, done.look) == (
            "tensorboard", out, f"tensorboard --logdir {out}"
        )  # fmt: skip
        assert seen == [(name, step, 2) for name in names for step in (1, 2)]
        seen.clear()


def test_wrong_requests_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = by_hand(tmp_path / "run")
    with pytest.raises(ConfigError, match="out = None is no path"):
        topolab.log(run, "mlflow", out=None)
    with pytest.raises(topolab.TopolabError, match="at least one run"):
        topolab.log([], "mlflow", out=tmp_path / "out")
    with pytest.raises(topolab.TopolabError, match="nowhere"):
        topolab.log(tmp_path / "nowhere", "mlflow", out=tmp_path / "out")
    with pytest.raises(ConfigError, match="unknown tracker None"):
        topolab.log(run, None, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_error_of_the_one_who_watches_is_not_the_trackers(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")

    def stop(what: str, done: int, total: int | None, detail: str = "") -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        topolab.log(by_hand(tmp_path / "run"), "tensorboard", out=tmp_path / "out", progress=stop)
    assert not (tmp_path / "out").exists()


# -- trackers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names("trackers"))
def test_a_tracker_says_what_it_is(name: str, tmp_path: Path) -> None:
    tracker = find("trackers", name)()
    assert isinstance(tracker, Tracker) and tracker.name == name
    assert tracker.summary.endswith(".") and "\n" not in tracker.summary
    assert tracker.needs.startswith("pip install ")
    assert str(tmp_path) in tracker.look(tmp_path)
    assert not any(path.exists() for path in tracker.shared_files(tmp_path))


STRANGER = """
from topolab.integrations.curves import CurveWriter
from topolab.integrations.tracker import Tracker

class Lines(CurveWriter):
    def __init__(self, path):
        super().__init__()
        self.path = path
    def scalars(self, step, values):
        with self.path.open("a") as file:
            file.write(f"{step} {values['topology/density']}\\n")
    def close(self):
        pass

class Text(Tracker):
    name, summary, needs = "text", "A line for each snapshot.", "pip install nothing"
    def writer(self, run, out, project):
        return Lines(out / f"{project}-{run.name}.txt")
    def look(self, out):
        return f"cat {out}/*"
"""


def test_a_tracker_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    (package / "text_tracker-1.0.dist-info").mkdir(parents=True)
    (package / "text_tracker.py").write_text(STRANGER)
    (package / "text_tracker-1.0.dist-info" / "METADATA").write_text("Name: text-tracker\n")
    (package / "text_tracker-1.0.dist-info" / "entry_points.txt").write_text(
        "[topolab.trackers]\ntext = text_tracker:Text\n"
    )
    monkeypatch.syspath_prepend(package)
    run = by_hand(tmp_path / "run")
    done = CliRunner().invoke(
        app, ["log", str(run.path), "--to", "text", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0 and f"Next: cat {tmp_path / 'out'}/*" in done.output
    assert (tmp_path / "out" / "topolab-run.txt").read_text() == "0 0.6\n30 0.6\n"
    assert "text" in names("trackers")
