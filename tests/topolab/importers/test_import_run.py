"""The doors: what they take and refuse, and that a failed import leaves nothing behind."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import refusal, write, write_one

import topolab
from topolab.errors import ConfigError
from topolab.importers import CheckpointError


def test_paths_can_be_files_globs_and_folders(series: Path) -> None:
    write(series, "a_1.pt", "a_2.pt", "b_3.pt", ".hidden_4.pt")
    (series / "readme.md").write_text("text")
    assert topolab.inspect_checkpoints(series).steps == (1, 2, 3)
    assert topolab.inspect_checkpoints(series / "a_*.pt").steps == (1, 2)
    both = [series / "b_3.pt", series / "a_1.pt", series]
    assert topolab.inspect_checkpoints(both).steps == (1, 2, 3)
    for wrong, words in ((series / "x.pt", "no such file"), (series / "x*", "of this pattern")):
        with pytest.raises(topolab.TopolabError, match=words):
            topolab.inspect_checkpoints(wrong)


def test_a_run_and_a_mixture_are_refused(series: Path) -> None:
    write(series, "a_1.pt")
    run = topolab.import_run(series, series.parent / "run")
    with pytest.raises(topolab.TopolabError, match="a run of topolab already"):
        topolab.inspect_checkpoints(run.path)
    np.savez(series / "b_2.npz", W1=np.eye(3))
    with pytest.raises(topolab.TopolabError, match="files of several kinds"):
        topolab.inspect_checkpoints(series)


def test_one_checkpoint_is_in_memory_at_a_time(
    series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch itself is watched: a module of ours may be imported twice by who collects doctests."""
    alive: list[weakref.ref[object]] = []
    real = torch.load

    def watched(*arguments: Any, **options: Any) -> Any:
        gc.collect()
        assert not [ref for ref in alive if ref() is not None]
        value = real(*arguments, **options)
        alive.extend(weakref.ref(tensor) for tensor in value["masks"].values())
        return value

    monkeypatch.setattr(torch, "load", watched)
    write(series, *(f"a_{step}.pt" for step in range(4)))
    topolab.import_run(series, series.parent / "run")
    assert len(alive) == 8


@pytest.mark.parametrize(
    "wrong",
    [
        {"step_from": "x"}, {"orientation": "x"}, {"max_bytes": 0}, {"max_bytes": None},
        {"max_bytes": float("nan")}, {"bias_row": "yes"}, {"image_shape": (28, 28)},
        {"image_shape": "1,28,28"}, {"image_shape": (1, 0, 28)}, {"image_shape": 784},
        {"model_order": 3}, {"model_order": [1, 2]}, {"orientation": None}, {"step_from": None},
    ],
    ids=str,
)  # fmt: skip
def test_wrong_settings(series: Path, wrong: dict[str, object]) -> None:
    write(series, "a_1.pt")
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        topolab.inspect_checkpoints(series, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("door", [topolab.inspect_checkpoints, topolab.import_run])
def test_what_is_no_path_is_refused_in_a_sentence(tmp_path: Path, door: Any, series: Path) -> None:
    write(series, "a_1.pt")
    run = topolab.import_run(series, tmp_path / "there")
    out = [tmp_path / "run"] if door is topolab.import_run else []
    for wrong, words in (
        (None, "paths = None is neither a path nor several"),
        (3, "paths = 3 is neither"),
        (b"a_1.pt", "is neither a path nor several"),
        ({"a": 1}, "is neither a path nor several"),
        ([series, 3], "paths holds 3, which is no path"),
        ([None], "paths holds None, which is no path"),
        (run, "there: a run of topolab already; it needs no import"),
        ([], "nothing: no checkpoint was found"),
    ):
        with pytest.raises(ConfigError, match=words):
            door(wrong, *out)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("wrong", [{"out": None}, {"out": 3}, {"seed": "x"}, {"seed": 1.5}])
def test_wrong_settings_of_the_run(series: Path, tmp_path: Path, wrong: dict[str, Any]) -> None:
    write(series, "a_1.pt")
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        topolab.import_run(series, **{"out": tmp_path / "run", **wrong})
    assert [path.name for path in tmp_path.iterdir()] == [series.name]


def test_the_home_folder_is_written_as_in_a_shell(
    series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(series)
    write(series, "a_1.pt", "a_2.pt", "b_3.pt")
    (tmp_path / "order.txt").write_text("fc")
    for asked, steps in (("~/checkpoints", (1, 2, 3)), ("~/checkpoints/a_*.pt", (1, 2))):
        assert topolab.inspect_checkpoints(asked, model_order="~/order.txt").steps == steps
    assert topolab.import_run("~/checkpoints", "~/run").path == tmp_path / "run"
    (series / "~").mkdir()  # where there is a folder of this name, it is that
    write(series / "~", "c_7.pt")
    assert topolab.inspect_checkpoints("~").steps == (7,)
    with pytest.raises(ConfigError, match="~nobody-of-this-name/x: there is no such file"):
        topolab.inspect_checkpoints("~nobody-of-this-name/x")


def test_nothing_is_overwritten_and_a_failure_while_writing_leaves_nothing(
    series: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2, 3):
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"{step}.pt")
    out = series.parent / "run"
    out.mkdir()
    (out / "precious").write_text("mine")
    with pytest.raises(topolab.TopolabError, match="something is already there"):
        topolab.import_run(series, out)
    assert (out / "precious").read_text() == "mine"
    (out / "precious").unlink()
    out.rmdir()
    real = topolab.Recorder.record
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt()):

        def failing(self: Any, step: int, *args: Any, _error: Any = error, **rest: Any) -> None:
            if step == 2:
                raise _error
            real(self, step, *args, **rest)

        monkeypatch.setattr(topolab.Recorder, "record", failing)
        with pytest.raises((topolab.TopolabError, KeyboardInterrupt)):
            topolab.import_run(series, out)
        assert [p.name for p in series.parent.iterdir()] == ["checkpoints"]
    monkeypatch.undo()
    out.mkdir()  # an empty folder is no obstacle
    assert len(topolab.import_run(series, out)) == 3


def test_a_file_that_changes_meanwhile_is_noticed(series: Path) -> None:
    for step in (1, 2):
        torch.save({"masks": {"fc": torch.eye(3)}}, series / f"{step}.pt")

    def meddle(what: str, done: int, total: int | None, detail: str = "") -> None:
        if (what, done) == ("recording", 1):
            torch.save({"masks": {"fc": torch.ones(3, 3)}}, series / "2.pt")

    refusal(series, "2.pt: was changed", progress=meddle)


def test_names_cannot_command_the_terminal(series: Path) -> None:
    model = {
        "bn\x1b[31m\x07.weight": torch.ones(4),
        "bn\x1b[31m\x07.weight_mask": torch.ones(4),
        "[bold]fc.weight": torch.randn(3, 3),
        "[bold]fc.weight_mask": torch.eye(3),
        "left\x1b[2J": torch.ones(2, 2),
    }
    torch.save(model, series / "1.pt")
    done = subprocess.run(
        [sys.executable, "-m", "topolab", "import", str(series), "--inspect"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "\x1b" not in done.stdout + done.stderr and "\x07" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_killed_import_left_is_swept(series: Path, tmp_path: Path) -> None:
    write_one(series)
    code = f"""
import os, signal, topolab
from topolab.importers import survey
read = survey.Survey.read
def dies(self, index):
    if index:
        os.kill(os.getpid(), signal.SIGTERM)
    return read(self, index)
survey.Survey.read = dies
topolab.import_run({str(series)!r}, {str(tmp_path / "run")!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -15
    (left,) = tmp_path.glob(".importing-run-*")
    other = tmp_path / ".importing-running-12345678"
    other.mkdir()
    topolab.import_run(series, tmp_path / "run")
    assert not left.exists() and other.exists()


def test_a_full_disk_says_that_nothing_is_left(
    series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_one(series)
    out = tmp_path / "new" / "folder" / "run"
    write = os.fsync

    def full(handle: int) -> None:
        if any(tmp_path.rglob("*.safetensors*")):
            raise OSError(28, "No space left on device")
        write(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(topolab.TopolabError) as caught:
        topolab.import_run(series, out)
    message = str(caught.value)
    assert message.startswith(f"{out}: cannot be written (No space left on device)")
    assert "intact" not in message and ".importing" not in message
    assert not (tmp_path / "new").exists()


def test_a_file_that_vanishes_is_named(
    series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_one(series)

    def vanish(what: str, done: int, total: int | None, detail: str = "") -> None:
        if what == "reading" and done == total:
            (series / "step_2.pt").unlink()

    with pytest.raises(CheckpointError, match=r"step_2.pt: cannot be read"):
        topolab.import_run(series, tmp_path / "run", progress=vanish)
    assert not list(tmp_path.glob(".importing*"))
