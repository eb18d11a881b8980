"""What a run survives: damage, hostile files, errors at any write, other processes, odd clocks."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import topolab
from topolab.errors import FormatVersionError, RunError, RunExistsError, SnapshotError, TopolabError
from topolab.store import files, format, verify_run
from topolab.store.folder import RunFolder
from topolab.store.manifest import new_manifest, read_manifest
from topolab.store.processes import this_process

LAYER = topolab.LayerSpec("a", "linear", (3, 4))
MASK = np.eye(3, 4, dtype=bool)
ARCHIVE = Path(__file__).parents[1] / "data" / "archives" / "v1"


def record(path: Path, steps: int = 3, **options: Any) -> topolab.Run:
    with topolab.Recorder(path, layers=[LAYER], **options) as recorder:
        for step in range(steps):
            recorder.record(step, {"a": MASK}, epoch=step / 2, metrics={"loss": 1 / (1 + step)})
        recorder.finish({"loss": 0.5})
    return topolab.open_run(path)


def python(script: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=1000,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- run.json and the notes ----------------------------------------------------------------------


def test_every_flipped_bit_of_the_manifest_is_noticed(tmp_path: Path) -> None:
    """Or says the same: a space that became another space. Provenance is checked as well."""
    run = record(tmp_path / "r", config={"lr": 0.1, "widths": [1, 2]}, seed=3, command="mine")
    file = run.path / "run.json"
    text, right = file.read_bytes(), dict(run.manifest)
    unnoticed = 0
    for position in range(len(text)):
        for bit in range(8):
            altered = bytearray(text)
            altered[position] ^= 1 << bit
            try:
                found = read_manifest(bytes(altered), source="here")
            except TopolabError as error:
                assert str(error).startswith("here: ")
                continue
            unnoticed += 1
            assert found == right
    assert unnoticed < 0.05 * 8 * len(text)
    renamed = text.replace(b'"sha256":', b'"sha257":').replace(b'"mine"', b'"mime"')
    with pytest.raises(RunError, match="does not match its checksums"):
        read_manifest(renamed, source="here")


def test_every_flipped_bit_of_done_is_noticed(tmp_path: Path) -> None:
    run = record(tmp_path / "r")
    done = run.path / "DONE"
    text, right = done.read_bytes(), run.summary
    for position in range(len(text)):
        altered = bytearray(text)
        altered[position] ^= 4
        done.write_bytes(altered)
        try:
            assert run.summary == right
        except RunError as error:
            assert str(done) in str(error)
            assert [Path(p.file).name for p in verify_run(run.path).problems] == ["DONE"]


def test_a_manifest_of_before_the_checksum_is_read(tmp_path: Path) -> None:
    assert "sha256" not in json.loads((ARCHIVE / "run.json").read_text())
    assert topolab.open_run(ARCHIVE).seed == 1
    text = (ARCHIVE / "run.json").read_bytes().replace(b'"seed": 1', b'"seed": 2')
    with pytest.raises(RunError, match="does not match its checksums"):
        read_manifest(text, source="here")


def test_keys_that_were_numbers(tmp_path: Path) -> None:
    """{2: .., 10: ..} was sorted by number when the id was made, and comes back as words."""
    run = record(tmp_path / "r", config={"rate": {10: 0.1, 2: 0.01}})
    assert run.config == {"rate": {"2": 0.01, "10": 0.1}}
    table = [LAYER.to_dict()]
    identity = {"config": {"rate": {2: 0.01, 10: 0.1}}, "seed": None, "data": {}}
    old = json.dumps({"layers": table, **identity}, sort_keys=True, separators=(",", ":")) + "\n"
    manifest = {
        "format": "topolab.run", "version": 1, "layers": table, **identity,
        "run_id": hashlib.sha256(old.encode()).hexdigest(),
    }  # fmt: skip
    assert old.index('"2"') < old.index('"10"')
    found = read_manifest(json.dumps(manifest).encode(), source="here")
    assert found["config"] == run.config and found["run_id"] != run.manifest["run_id"]


HOSTILE_MANIFESTS: dict[str, dict[str, Any]] = {
    "infinite version": {"version": float("inf")},
    "version 0": {"version": 0},
    "true version": {"version": True},
    "version as text": {"version": "1"},
    "config a list": {"config": [1]},
    "no data": {"data": None},
    "layers an object": {"layers": {"a": 1}},
    "run id a number": {"run_id": 7},
}


@pytest.mark.parametrize("case", HOSTILE_MANIFESTS)
def test_hostile_manifests(case: str, tmp_path: Path) -> None:
    run = record(tmp_path / "r")
    content = {**json.loads((run.path / "run.json").read_bytes()), **HOSTILE_MANIFESTS[case]}
    (run.path / "run.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"run\.json: damaged"):
        topolab.open_run(run.path)


@pytest.mark.parametrize(
    "layer",
    [
        {"name": "../x"}, {"name": "/etc/passwd"}, {"name": "a\x1b[2J"}, {"name": "input"},
        {"shape": [0, 2]}, {"shape": [-1, -1]}, {"shape": 7},
        {"kind": ["linear"]}, {"groups": 0}, {"image_shape": [1]}, {"name": "b" * 201},
    ],
    ids=str,
)  # fmt: skip
def test_hostile_layers_under_a_good_checksum(layer: dict[str, Any], tmp_path: Path) -> None:
    class Table:
        name = "x"

        def to_dict(self) -> dict[str, Any]:
            return {**LAYER.to_dict(), **layer}

    identity: dict[str, Any] = {"config": {}, "seed": None, "data": {}}
    text, _ = new_manifest([Table()], identity, {}, source="here")  # type: ignore[list-item]
    (tmp_path / "run.json").write_bytes(text)
    with pytest.raises(RunError, match=r"run\.json: its layer table cannot be used"):
        topolab.open_run(tmp_path)


def test_a_hundred_thousand_layers_are_checked_at_once() -> None:
    """Quadratic time here would be a way to hang a reader."""
    from topolab.layers import check_layers

    layers = [topolab.LayerSpec(f"a{i}", "linear", (1, 1)) for i in range(100_000)]
    check_layers(layers)
    with pytest.raises(TopolabError, match="given twice: a7"):
        check_layers([*layers, topolab.LayerSpec("a7", "linear", (1, 1))])


def test_a_newer_version_is_refused_by_name_whatever_else_it_says(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"format": "topolab.run", "version": 2, "new": []}')
    with pytest.raises(FormatVersionError, match=r"format version 2 is newer .* upgrade topolab"):
        topolab.open_run(tmp_path)


# -- what is no plain file, or too large ---------------------------------------------------------


def put_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def put_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def put_hole(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(50 * 2**30)


@pytest.mark.parametrize("put", [put_pipe, put_device, put_folder, put_hole])
def test_what_has_no_end_is_not_read(put: Callable[[Path], None], tmp_path: Path) -> None:
    run = record(tmp_path / "r")
    first = min((run.path / "snapshots").iterdir())
    put(first)
    for read in (lambda: run[0], lambda: run.epochs):
        with pytest.raises(SnapshotError, match=first.name):
            read()
    assert [p.file for p in verify_run(run.path).problems] == [str(first)]
    assert run[1].step == 1
    for name in ("DONE", "run.json"):
        put(run.path / name)
    with pytest.raises(RunError, match="DONE"):
        _ = run.summary
    with pytest.raises(RunError, match=r"run\.json"):
        topolab.open_run(run.path)


@pytest.mark.parametrize("what", [".lock", "snapshots", "resume"])
def test_nothing_is_written_through_a_link_out_of_the_run(what: str, tmp_path: Path) -> None:
    run = record(tmp_path / "r")
    outside = tmp_path / "outside"
    if what == ".lock":
        outside.write_text("mine")
        (run.path / ".lock").unlink(missing_ok=True)
    else:
        outside.mkdir()
        (outside / ".writing-mine").write_text("mine")
        for file in (run.path / what).glob("*"):
            file.rename(outside / file.name)
        if (run.path / what).exists():
            (run.path / what).rmdir()
    (run.path / what).symlink_to(outside)
    before = sorted(p.name for p in outside.iterdir()) if outside.is_dir() else outside.read_text()
    with pytest.raises(RunError, match="a symbolic link, which could lead out of the run"):
        topolab.Recorder(run.path, layers=[LAYER], resume=True)
    after = sorted(p.name for p in outside.iterdir()) if outside.is_dir() else outside.read_text()
    assert before == after


def test_tables_are_not_kept_through_a_link(tmp_path: Path) -> None:
    run = record(tmp_path / "r")
    (tmp_path / "outside").mkdir()
    run.tables_folder.symlink_to(tmp_path / "outside")
    result = topolab.analyse(run, ["degree"])["degree"]
    assert len(result.table) and result.paths == {} and not list((tmp_path / "outside").iterdir())


def test_a_snapshot_has_one_name(tmp_path: Path) -> None:
    run = record(tmp_path / "r")
    first = min((run.path / "snapshots").iterdir())
    for name in (
        "0000000-s0000000.safetensors", "000000-s00000000.safetensors",
        "٠٠٠٠٠٠-s0000000.safetensors",
    ):  # fmt: skip
        (first.parent / name).write_bytes(first.read_bytes())
    again = topolab.open_run(run.path)
    assert again.steps.tolist() == [0, 1, 2]
    assert len(verify_run(run.path).problems) == 3


def test_what_does_not_fit_a_header_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(format, "MAX_HEADER", 2000)
    with topolab.Recorder(tmp_path / "r", layers=[LAYER]) as recorder:
        with pytest.raises(RunError, match="1000 metrics"):
            recorder.record(0, {"a": MASK}, metrics={f"m{i}": 1.0 for i in range(1000)})
        recorder.record(0, {"a": MASK}, metrics={"m": 1.0})
    assert topolab.open_run(tmp_path / "r").verify().ok


def test_epochs_are_not_believed_unread(tmp_path: Path) -> None:
    run = record(tmp_path / "r")
    assert run.epochs.tolist() == [0, 0.5, 1]
    second = sorted((run.path / "snapshots").iterdir())[1]
    second.write_bytes(second.read_bytes().replace(b'"epoch":"0.5"', b'"epoch":"0.7"'))
    with pytest.raises(SnapshotError, match="does not match its SHA-256"):
        _ = topolab.open_run(run.path).epochs


def test_a_run_with_a_gap_is_not_continued(tmp_path: Path) -> None:
    run = record(tmp_path / "r")
    sorted((run.path / "snapshots").iterdir())[1].unlink()
    with pytest.raises(RunError, match=r"000001 was expected.*topolab verify"):
        topolab.Recorder(run.path, layers=[LAYER], resume=True)
    assert not (run.path / "writer.json").exists()


# -- errors while writing ------------------------------------------------------------------------


class Failing:
    """Make the n-th call of the file system fail, as a full or broken disk does."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.at, self.calls, self.folder = -1, 0, str(folder)
        for owner, name in (
            (files.os, "fsync"), (files.os, "link"), (files.os, "open"),
            (files, "_write_synced"), (Path, "replace"), (Path, "rename"), (Path, "unlink"),
            (Path, "open"), (Path, "mkdir"),
        ):  # fmt: skip
            patch.setattr(owner, name, self.around(getattr(owner, name)))

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            if isinstance(given[0], int) or str(given[0]).startswith(self.folder):
                self.calls += 1
                if self.calls == self.at:
                    raise OSError(28, "No space left on device")
            return function(*given, **more)

        return call


def test_an_error_at_any_call_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of the file system fails once: what was refused is absent, a retry goes on."""
    with monkeypatch.context() as patch:
        failing = Failing(patch, tmp_path)
        record(tmp_path / "count")
        calls = failing.calls
    assert calls > 20
    refused = 0
    for at in range(1, calls + 1):
        folder = tmp_path / str(at)
        returned: list[int] = []
        with monkeypatch.context() as patch:
            failing = Failing(patch, tmp_path)
            failing.at = at
            try:
                with topolab.Recorder(folder, layers=[LAYER]) as recorder:
                    for step in range(3):
                        try:
                            recorder.record(step, {"a": MASK})
                        except TopolabError:
                            refused += 1
                            assert topolab.open_run(folder).steps.tolist() == returned
                            recorder.record(step, {"a": MASK})
                        returned.append(step)
            except TopolabError as error:
                assert "No space left" in str(error)
        with topolab.Recorder(folder, layers=[LAYER], resume=True) as recorder:
            for step in range(3):
                recorder.record(step, {"a": MASK})
        run = topolab.open_run(folder)
        assert run.state == "done" and run.verify().ok, at
        assert run.steps.tolist() == [0, 1, 2] and returned == [0, 1, 2][: len(returned)]
        assert not list(folder.rglob(".writing*"))
    assert refused >= 3


@pytest.mark.parametrize("point", ["link", "sync_folder"])
def test_an_interruption_inside_record(
    point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C when the name was given, and the same or another step afterwards."""
    for later in (1, 2):
        recorder = topolab.Recorder(tmp_path / f"{later}", layers=[LAYER])
        recorder.record(0, {"a": MASK})
        owner: Any = files.os if point == "link" else files
        real = getattr(owner, point)

        def interrupted(*given: Any, real: Any = real) -> None:
            real(*given)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(owner, point, interrupted)
            with pytest.raises(KeyboardInterrupt):
                recorder.record(1, {"a": MASK})
        recorder.record(later, {"a": MASK})
        recorder.finish()
        run = topolab.open_run(recorder.path)
        assert run.verify().ok and run.steps.tolist() == list(range(later + 1))


READ_ONLY = """
import os, sys, tempfile, numpy as np, topolab
from topolab.registry import find
layer, mask = topolab.LayerSpec("a", "linear", (3, 4)), {"a": np.ones((3, 4))}
find("analyses", "degree")
def rehearse(path):  # everything is imported before the rights are given up
    with topolab.Recorder(path, layers=[layer]) as recorder:
        recorder.record(0, mask)
    topolab.analyse(topolab.open_run(path), ["degree"])
    topolab.Recorder(path, layers=[layer], resume=True).close()
with tempfile.TemporaryDirectory() as other:
    rehearse(other + "/r")
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
folder = sys.argv[1]
for what in (
    lambda: topolab.Recorder(folder + "/run", layers=[layer], resume=True),
    lambda: topolab.Recorder(folder + "/new", layers=[layer]),
):
    try: what()
    except topolab.TopolabError as error: print(type(error).__name__, error)
run = topolab.open_run(folder + "/run")
result = topolab.analyse(run, ["degree"])["degree"]
print(len(run), run.verify().ok, len(result.table) > 0, result.paths, run.state)
"""


def test_a_read_only_folder_is_read_and_not_written() -> None:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    try:
        record(folder / "run")
        for path in (folder / "run" / "snapshots", folder / "run", folder):
            path.chmod(0o555)
        said = python(READ_ONLY, folder).splitlines()
    finally:
        for path in (folder, folder / "run", folder / "run" / "snapshots"):
            path.chmod(0o755)
        shutil.rmtree(folder)
    assert said[0].startswith("RunError") and "Permission denied" in said[0]
    assert said[1].startswith("RunError") and "choose another place" in said[1]
    assert said[2] == "3 True True {} done"


# -- other processes -----------------------------------------------------------------------------


def test_two_that_begin_at_once(tmp_path: Path) -> None:
    """Of many threads that create one run, one wins; the others are told."""
    barrier, won, lost = threading.Barrier(8), [], []

    def begin() -> None:
        barrier.wait()
        try:
            won.append(topolab.Recorder(tmp_path / "r", layers=[LAYER]))
        except TopolabError as error:
            lost.append(error)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert len(won) == 1 and len(lost) == 7
    assert all(isinstance(e, RunExistsError) or "another process" in str(e) for e in lost)
    won[0].record(0, {"a": MASK})
    won[0].finish()
    assert topolab.open_run(tmp_path / "r").verify().ok


WRITER = """
import sys, numpy as np, topolab
layer = topolab.LayerSpec("a", "linear", (60, 70))
rng = np.random.default_rng(0)
with topolab.Recorder(sys.argv[1], layers=[layer]) as recorder:
    for step in range(400):
        recorder.record(step, {"a": rng.random((60, 70)) < 0.1})
        if not step: print("ready", flush=True)
        if step % 80 == 0: sys.stdin.readline()  # a reader has looked meanwhile, however slow
"""


def test_a_reader_during_writing_sees_whole_snapshots_only(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "r")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdin is not None and writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    seen: list[int] = []
    while writer.poll() is None:
        run = topolab.open_run(tmp_path / "r")
        assert [shot.index for shot in run] == list(range(len(run)))
        assert verify_run(run.path).problems == ()
        if len(run) % 80 == 1 and len(run) not in seen:  # it waits, or will
            writer.stdin.write("go on\n")
            writer.stdin.flush()
        seen.append(len(run))
    assert writer.returncode == 0 and seen == sorted(seen) and len(set(seen)) > 3
    run = topolab.open_run(tmp_path / "r")
    assert len(run) == 400 and run.state == "done" and run.verify().ok
    writer.stdin.close()
    writer.stdout.close()


def test_verify_does_not_mistake_what_came_while_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = topolab.Recorder(tmp_path / "r", layers=[LAYER])
    recorder.record(0, {"a": MASK})
    listing = RunFolder.listing

    def and_then_it_ends(self: RunFolder) -> Any:
        found = listing(self)
        with monkeypatch.context() as patch:
            patch.setattr(RunFolder, "listing", listing)
            recorder.record(1, {"a": MASK})
            recorder.finish()
        return found

    monkeypatch.setattr(RunFolder, "listing", and_then_it_ends)
    assert verify_run(tmp_path / "r").ok


def test_a_lock_that_a_dead_process_left(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys, numpy as np, topolab\n"
        "layer = topolab.LayerSpec('a', 'linear', (3, 4))\n"
        "recorder = topolab.Recorder(sys.argv[1], layers=[layer])\n"
        "recorder.record(0, {'a': np.eye(3, 4, dtype=bool)})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "r")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "r" / ".lock").exists() and (tmp_path / "r" / "writer.json").exists()
    assert topolab.open_run(tmp_path / "r").state == "interrupted"
    with topolab.Recorder(tmp_path / "r", layers=[LAYER], resume=True) as recorder:
        recorder.record(0, {"a": MASK})
        recorder.record(1, {"a": MASK})
    assert len(topolab.open_run(tmp_path / "r")) == 2


@pytest.mark.parametrize(
    ("writer", "state"),
    [
        ({}, "running"),
        ({"started": "another boot 17"}, "interrupted"),  # the number was given to another process
        ({"pid": 0}, "interrupted"), ({"pid": -1}, "interrupted"), ({"pid": "1"}, "interrupted"),
        ({"pid": 2**70}, "interrupted"), ({"host": "elsewhere"}, "interrupted"),
        ({"started": None}, "running"),
    ],
    ids=str,
)  # fmt: skip
def test_who_is_said_to_write(writer: dict[str, Any], state: str, tmp_path: Path) -> None:
    recorder = topolab.Recorder(tmp_path / "r", layers=[LAYER])
    recorder.close()
    folder = RunFolder(tmp_path / "r")
    folder.note(folder.writer_file, {**this_process(), **writer})
    assert topolab.open_run(tmp_path / "r").state == state


def test_a_writer_of_another_user_is_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topolab.Recorder(tmp_path / "r", layers=[LAYER]).close()
    folder = RunFolder(tmp_path / "r")
    folder.note(folder.writer_file, {"pid": 1, "host": socket.gethostname()})

    def refused(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", refused)
    assert topolab.open_run(tmp_path / "r").state == "running"


def test_a_forked_process_cannot_record(tmp_path: Path) -> None:
    script = (
        "import os, sys, numpy as np, topolab\n"
        "layer, mask = topolab.LayerSpec('a', 'linear', (3, 4)), {'a': np.ones((3, 4))}\n"
        "recorder = topolab.Recorder(sys.argv[1], layers=[layer])\n"
        "recorder.record(0, mask)\n"
        "if os.fork() == 0:\n"
        "    try: recorder.record(1, mask)\n"
        "    except topolab.TopolabError as error: print(error, flush=True)\n"
        "    sys.exit()\n"
        "os.wait()\n"
        "again = 'import sys, topolab; topolab.Recorder(sys.argv[1], "
        'layers=[topolab.LayerSpec("a", "linear", (3, 4))], resume=True)\'\n'
        "import subprocess\n"
        "other = subprocess.run([sys.executable, '-c', again, sys.argv[1]], "
        "capture_output=True, text=True)\n"
        "print(other.stderr.splitlines()[-1])\n"
        "recorder.record(1, mask); recorder.finish()\n"
    )
    said = python(script, tmp_path / "r").splitlines()
    assert "forked" in said[0] and "another process is writing" in said[1]
    run = topolab.open_run(tmp_path / "r")
    assert run.steps.tolist() == [0, 1] and run.verify().ok


# -- clocks --------------------------------------------------------------------------------------


def test_a_clock_that_goes_backwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order is by number, never by time: neither the clock nor the files' times matter."""
    import time
    from datetime import UTC, datetime, timedelta

    from topolab import provenance, recorder

    class Backwards(datetime):
        hours = 0

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            cls.hours -= 1
            return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=cls.hours)

    monkeypatch.setattr(provenance, "datetime", Backwards)
    clock = iter(range(10_000, 0, -1))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    assert recorder.time.perf_counter is time.perf_counter  # which no setting of a clock changes
    run = record(tmp_path / "r", steps=5)
    for hours, file in enumerate(sorted((run.path / "snapshots").iterdir())):
        os.utime(file, (1e9 - 3600 * hours, 1e9 - 3600 * hours))
    with topolab.Recorder(run.path, layers=[LAYER], resume=True) as again:
        again.record(5, {"a": MASK})
    run = topolab.open_run(run.path)
    assert run.steps.tolist() == [0, 1, 2, 3, 4, 5] and run.verify().ok
    done = json.loads((run.path / "DONE").read_bytes())
    assert done["record_seconds"] >= 0 and done["finished"] < run.manifest["created"]


# -- what is kept beside the snapshots -----------------------------------------------------------


def test_an_altered_table_is_computed_again(tmp_path: Path, long_form: bool) -> None:
    """Parquet's own checksums do not cover everything, so the values have one of ours."""
    run = record(tmp_path / "r")
    first = topolab.analyse(run, ["degree"])["degree"]
    file = first.paths["degree"]
    text, same = file.read_bytes(), 0
    positions = range(4, len(text), 37 if long_form else 150)
    for position in positions:
        altered = bytearray(text)
        altered[position] ^= 16
        file.write_bytes(altered)
        again = topolab.analyse(run, ["degree"])["degree"]
        assert again.table.equals(first.table)
        same += again.cached
    assert same < 0.5 * len(positions)
    file.unlink()
    os.mkfifo(file)  # nobody writes to it: reading would wait for ever
    assert topolab.analyse(run, ["degree"])["degree"].table.equals(first.table)


def test_an_altered_resume_state_is_refused(tmp_path: Path) -> None:
    import torch

    from topolab_trainers.state import read_state, write_state

    path = tmp_path / "state.safetensors"
    write_state(path, {"w": torch.arange(6.0), "m": torch.ones(3) > 0}, {"run_id": "a", "step": 3})
    found = read_state(path, "a")
    assert found is not None and found[0]["step"] == 3 and found[1]["w"].tolist() == [*range(6)]
    text = path.read_bytes()
    for position in range(len(text)):
        altered = bytearray(text)
        altered[position] ^= 2
        path.write_bytes(altered)
        try:
            again = read_state(path, "a")
        except RunError as error:
            assert str(path) in str(error)
        else:  # a space of the padding
            assert again is not None and again[0]["step"] == 3
            assert all(torch.equal(again[1][k], found[1][k]) for k in found[1])
    for old, new in ((b"sha256", b"sha257"), (b'version\\": 3', b'version\\": 4')):
        assert old in text
        path.write_bytes(text.replace(old, new))
        with pytest.raises(RunError, match=r"damaged|not a resume state"):
            read_state(path, "a")
    path.unlink()
    assert read_state(path, "a") is None
    path.symlink_to(path)
    with pytest.raises(RunError, match="damaged"):
        read_state(path, "a")
