"""The folder of a run: names, order, one writer, and what keeps a run from beginning there."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import topolab
from topolab import LayerSpec, Snapshot
from topolab.errors import RunError, RunExistsError, SnapshotError, TopolabError
from topolab.snapshot import pack_mask
from topolab.store import folder as module
from topolab.store.files import read_file
from topolab.store.folder import RunFolder, StoredSnapshot, is_snapshot_name
from topolab.store.format import MAX_HEADER

LAYERS = (LayerSpec("a", "linear", (2, 3)),)
MASK = np.array([[1, 0, 1], [0, 0, 1]], bool)
IDENTITY: dict[str, Any] = {"config": {}, "seed": 0, "data": {}}


def begun(path: Path, steps: tuple[int, ...] = ()) -> tuple[RunFolder, str]:
    folder = RunFolder(path)
    run_id = folder.create(LAYERS, IDENTITY, {})
    for index, step in enumerate(steps):
        folder.append(shot(index, step), run_id)
    return folder, run_id


def shot(index: int, step: int) -> Snapshot:
    return Snapshot(index, step, 0.5, LAYERS, {"a": pack_mask(MASK)}, {"loss": 2.0})


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("000000-s0000000.safetensors", True),
        ("000012-s0000400.safetensors", True),
        ("1234567-s12345678.safetensors", True),
        ("0000012-s0000400.safetensors", False),  # a second name for index 12
        ("000012-s00000400.safetensors", False),
        ("12-s0000400.safetensors", False),
        ("000012-s400.safetensors", False),
        ("000012-s0000400.safetensors.bak", False),
        ("x000012-s0000400.safetensors", False),
        ("000012-s0000400xsafetensors", False),
        ("1234567890-s0000400.safetensors", False),
    ],
)
def test_names_of_snapshots(name: str, is_one: bool) -> None:
    assert is_snapshot_name(name) is is_one


def test_the_listing_is_in_the_order_of_the_numbers(tmp_path: Path) -> None:
    """Index 1,000,000 follows 999,999, though its name sorts before."""
    folder = RunFolder(tmp_path)
    assert folder.listing() == []
    folder.snapshots.mkdir()
    numbers = [(1_000_000, 10_000_000), (999_999, 400), (2, 30), (0, 0)]
    for index, step in numbers:
        folder.name_of(index, step).touch()
    (folder.snapshots / "notes.txt").touch()
    assert folder.name_of(2, 30).name == "000002-s0000030.safetensors"
    assert folder.listing() == [
        StoredSnapshot(index, step, folder.name_of(index, step)) for index, step in numbers[::-1]
    ]


def test_what_is_appended_is_read_and_its_header_alone_too(tmp_path: Path) -> None:
    folder, run_id = begun(tmp_path / "r", (0, 7))
    stored = folder.listing()[1]
    assert stored.path == folder.name_of(1, 7)
    read = folder.read(stored, LAYERS, run_id)
    assert (read.index, read.step, read.metrics) == (1, 7, {"loss": 2.0})
    assert (read.masks["a"] == MASK).all()
    header = folder.header(stored)
    assert (header.index, header.step, header.run_id, header.epoch) == (1, 7, run_id, 0.5)
    data = stored.path.read_bytes()
    stored.path.write_bytes(data[: header.payload_at])  # the header needs no payload
    assert folder.header(stored) == header
    with pytest.raises(SnapshotError):
        folder.read(stored, LAYERS, run_id)
    stored.path.write_bytes((MAX_HEADER + 1).to_bytes(8, "little") + b" " * 50)
    with pytest.raises(SnapshotError, match=f"claims a header of {MAX_HEADER + 1} bytes"):
        folder.header(stored)
    stored.path.unlink()
    for call in (lambda: folder.header(stored), lambda: folder.read(stored, LAYERS, run_id)):
        with pytest.raises(SnapshotError, match="cannot be read"):
            call()


def test_a_name_must_agree_in_its_step_too(tmp_path: Path) -> None:
    folder, run_id = begun(tmp_path / "r", (0, 7))
    moved = folder.name_of(1, 8)
    folder.name_of(1, 7).rename(moved)
    with pytest.raises(SnapshotError, match="renamed or swapped, it holds snapshot 1 of step 7"):
        folder.read(StoredSnapshot(1, 8, moved), LAYERS, run_id)


def test_a_file_larger_than_its_layers_allow_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run_id = begun(tmp_path / "r", (0,))
    stored = folder.listing()[0]
    size = stored.path.stat().st_size
    monkeypatch.setattr(module, "most_bytes", lambda layers: size)
    folder.read(stored, LAYERS, run_id)
    monkeypatch.setattr(module, "most_bytes", lambda layers: size - 1)
    with pytest.raises(SnapshotError, match="cannot be read"):
        folder.read(stored, LAYERS, run_id)


# -- beginning -------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [".lock", "writer.json", ".writing-1-ab", "snapshots"])
def test_what_a_creation_cut_short_leaves_is_no_hindrance(left: str, tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.mkdir()
    (path / left).mkdir() if left == "snapshots" else (path / left).touch()
    folder, _ = begun(path)
    assert folder.exists() and folder.snapshots.is_dir()


@pytest.mark.parametrize(
    "other", ["notes.txt", "snapshots/000000-s0000000.safetensors", "snapshots/x.safetensors"]
)
def test_a_folder_that_holds_something_else_is_no_place(other: str, tmp_path: Path) -> None:
    path = tmp_path / "r"
    (path / other).parent.mkdir(parents=True)
    (path / other).write_text("mine")
    with pytest.raises(RunExistsError, match="not empty and holds no run"):
        begun(path)
    assert not (path / "run.json").exists() and (path / other).read_text() == "mine"


def test_a_run_is_not_begun_twice(tmp_path: Path) -> None:
    folder, _ = begun(tmp_path / "r")
    before = folder.manifest_file.read_bytes()
    with pytest.raises(RunExistsError, match="a run is already there; continue it"):
        folder.create(LAYERS, {**IDENTITY, "seed": 1}, {})
    assert folder.manifest_file.read_bytes() == before


def test_two_that_begin_at_the_same_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = begun(tmp_path / "r")
    monkeypatch.setattr(RunFolder, "exists", lambda self: False)
    monkeypatch.setattr(RunFolder, "_holds_something_else", lambda self: False)
    with pytest.raises(RunExistsError, match="another process began a run here"):
        RunFolder(folder.path).create(LAYERS, {**IDENTITY, "seed": 1}, {})


def test_a_manifest_that_cannot_be_written_is_no_other_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RunError("no space") from OSError("no space")

    monkeypatch.setattr(module, "write_new", refuse)
    with pytest.raises(RunError, match=r"^no space$"):
        begun(tmp_path / "r")


def test_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot be made or written \(Not a directory\)"):
        begun(tmp_path / "file" / "r")


def test_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no run is there \(it has no run.json\)"):
        RunFolder(tmp_path).manifest()
    (tmp_path / "run.json").mkdir()
    with pytest.raises(RunError, match=r"run\.json: cannot be read"):
        RunFolder(tmp_path).manifest()


def test_notes_need_what_they_always_say(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for file, content, missing in (
        (folder.done_file, {"snapshots": 1, "summary": {}}, "snapshots"),
        (folder.failed_file, {"error": "E", "message": "m"}, "error"),
        (folder.writer_file, {"pid": 5}, "pid"),
    ):
        assert folder.read_note(file) is None
        folder.note(file, content)
        assert folder.read_note(file) == content
        folder.note(file, {"when": "now"})
        with pytest.raises(RunError, match=f"it has no {missing}"):
            folder.read_note(file)
        file.unlink()
        file.mkdir()
        with pytest.raises(RunError, match="cannot be read"):
            folder.read_note(file)
    assert RunFolder(tmp_path / "DONE" / "x").read_note(tmp_path / "DONE" / "x" / "DONE") is None
    (tmp_path / "plain").touch()
    assert folder.read_note(tmp_path / "plain" / "DONE") is None


# -- one writer ------------------------------------------------------------------------------------


def test_a_lock_sweeps_says_who_writes_and_is_given_back(tmp_path: Path) -> None:
    folder, _ = begun(tmp_path / "r", (0,))
    leftovers = [folder.path / ".writing-1-ab", folder.snapshots / ".writing-2-cd"]
    for leftover in leftovers:
        leftover.touch()
    lock = folder.lock()
    assert not any(leftover.exists() for leftover in leftovers)
    note = folder.read_note(folder.writer_file)
    assert note is not None and note["pid"] == os.getpid()
    assert folder.has_live_writer() and not folder.is_abandoned()
    with pytest.raises(RunError, match=f"is writing this run .process {os.getpid()}"):
        RunFolder(folder.path).lock()
    folder.unlock(lock)
    assert not folder.writer_file.exists() and not folder.has_live_writer()
    folder.unlock(folder.lock())


@pytest.mark.parametrize("failing", ["sync_folder", "sweep", "replace_file"])
def test_a_lock_that_cannot_be_used_is_given_back(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = begun(tmp_path / "r", (0,))

    def refuse(*_: Any) -> None:
        raise OSError("the disk refuses")

    with monkeypatch.context() as broken:
        broken.setattr(module, failing, refuse)
        with pytest.raises((RunError, OSError)):
            folder.lock()
    assert not folder.writer_file.exists()
    folder.unlock(folder.lock())


def test_settling_says_what_the_disk_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = begun(tmp_path / "r")
    synced: list[Path] = []
    monkeypatch.setattr(module, "sync_folder", synced.append)
    folder.settle()
    assert synced == [folder.snapshots]

    def refuse(_: Path) -> None:
        raise OSError(5, "the disk refuses")

    monkeypatch.setattr(module, "sync_folder", refuse)
    with pytest.raises(RunError, match=r"snapshots: cannot be synced \(the disk refuses\)"):
        folder.settle()


HERE = socket.gethostname()


@pytest.mark.parametrize(
    ("writer", "abandoned", "live", "words"),
    [
        ({"pid": os.getpid(), "host": HERE}, False, True, "another process is writing"),
        ({"pid": 2**31 - 1, "host": HERE}, True, False, "has ended, but a process that it started"),
        ({"pid": os.getpid(), "host": "elsewhere"}, False, False, "on elsewhere"),
        ({"pid": 2**31 - 1, "host": "elsewhere"}, False, False, "another process is writing"),
        ({"pid": os.getpid()}, False, False, "on unknown"),
        (None, False, False, "process unknown on unknown"),
    ],
)
def test_what_is_said_of_the_writer(
    writer: dict[str, Any] | None, abandoned: bool, live: bool, words: str, tmp_path: Path
) -> None:
    folder, _ = begun(tmp_path / "r")
    if writer is None:
        folder.writer_file.write_text("damaged")
    else:
        folder.note(folder.writer_file, writer)
    assert (folder.is_abandoned(), folder.has_live_writer()) == (abandoned, live)
    assert words in folder._who_writes()


def test_a_lock_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    folder, _ = begun(tmp_path / "r")
    folder.lock_file.mkdir()
    with pytest.raises(RunError, match="cannot be locked for writing"):
        folder.lock()


def test_a_recorded_run_has_these_files(tmp_path: Path) -> None:
    with topolab.Recorder(tmp_path / "r", layers=LAYERS) as recorder:
        recorder.record(5, {"a": MASK})
    folder = RunFolder(tmp_path / "r")
    assert folder.exists() and folder.finished()
    assert [stored.path.name for stored in folder.listing()] == ["000000-s0000005.safetensors"]
    assert not folder.writer_file.exists()


def test_layers_that_cannot_be_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(TopolabError):
        RunFolder(tmp_path / "r").create(LAYERS * 2, IDENTITY, {})
    assert not (tmp_path / "r").exists()


def test_no_run_begins_in_snapshots_that_lead_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "snapshots").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="symbolic link"):
        begun(tmp_path / "r")
    assert not (tmp_path / "r" / "run.json").exists()


def test_a_strange_file_beside_ours_is_a_strange_file(tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    for name in (".lock", "notes.txt"):
        (tmp_path / "r" / name).touch()
    with pytest.raises(RunExistsError, match="holds no run"):
        begun(tmp_path / "r")


def test_a_header_costs_no_more_than_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A payload may be gigabytes: it is not read, and of no header more than is possible."""
    folder, _ = begun(tmp_path / "r", (0,))
    stored = folder.listing()[0]
    sizes: list[int] = []

    def counted(path: Path, **options: Any) -> bytes:
        data = read_file(path, **options)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(module, "read_file", counted)
    header = folder.header(stored)
    assert sizes == [8, header.payload_at]
    stored.path.write_bytes((MAX_HEADER + 1).to_bytes(8, "little") + b" " * 50)
    with pytest.raises(SnapshotError, match="claims a header"):
        folder.header(stored)
    assert sizes[2:] == [8]
