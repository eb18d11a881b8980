"""Every sort of damage to a run is found by verify and refused by reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import topolab
from topolab.errors import RunError, SnapshotError
from topolab.store import verify_run

LAYER = topolab.LayerSpec("a", "linear", (3, 4))
MASK = np.eye(3, 4, dtype=bool)


def record(path: Path, steps: int = 3, **options: object) -> topolab.Run:
    with topolab.Recorder(path, layers=[LAYER], **options) as recorder:  # type: ignore[arg-type]
        for step in range(steps):
            recorder.record(step, {"a": MASK})
    return topolab.open_run(path)


def names(path: Path) -> list[Path]:
    return sorted((path / "snapshots").glob("*.safetensors"))


def test_verify_names_every_sort_of_damage(tmp_path: Path) -> None:
    run = record(tmp_path / "r", steps=6)
    zero, one, two, three, _, five = names(run.path)
    zero.write_bytes(zero.read_bytes()[:-1])
    data = bytearray(one.read_bytes())
    data[-1] ^= 1
    one.write_bytes(data)
    two.unlink()
    three.write_bytes(names(record(tmp_path / "other", seed=9).path)[0].read_bytes())
    five.unlink()
    (run.path / "snapshots" / "notes.txt").write_text("?")
    outcome = verify_run(run.path)
    said = [(Path(p.file).name, p.message) for p in outcome.problems]
    for file, message in (
        (zero.name, "truncated or altered"),
        (one.name, "does not match its SHA-256"),
        ("snapshots", "snapshot 000002 is missing"),
        (three.name, "belongs to another run"),
        ("snapshots", "6 snapshots were recorded, 5 are there"),
        ("notes.txt", "not a snapshot file"),
    ):
        assert any(file == f and message in m for f, m in said), (file, said)
    assert not outcome.ok and outcome.checked == 4
    with pytest.raises(SnapshotError, match=one.name):
        topolab.open_run(run.path)[1]


def test_swapped_files_are_noticed(tmp_path: Path) -> None:
    run = record(tmp_path / "r")
    a, b = names(run.path)[:2]
    content = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(content)
    assert len(verify_run(run.path).problems) == 2
    with pytest.raises(SnapshotError, match="renamed or swapped"):
        run[0]


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ("000004-s0000003", ["snapshot 000003 is missing", "it holds snapshot 3 of step 3"]),
        (
            "000006-s0000003",
            ["snapshot 000003 and later is missing", "it holds snapshot 3 of step 3"],
        ),
        ("000003-s0000009", ["renamed or swapped, it holds snapshot 3 of step 3"]),
        ("000002-s0000003", ["its number or step is there twice", "it holds snapshot 3 of step 3"]),
    ],
)
def test_a_snapshot_under_another_name_is_found_and_refused(
    tmp_path: Path, new: str, words: list[str]
) -> None:
    run = record(tmp_path / "r", steps=4)
    last = names(run.path)[-1]
    assert last.name == "000003-s0000003.safetensors"
    last.rename(last.with_name(f"{new}.safetensors"))
    outcome = verify_run(run.path)
    messages = [problem.message for problem in outcome.problems]
    for word in words:
        assert any(word in message for message in messages), messages
    again = topolab.open_run(run.path)
    with pytest.raises(SnapshotError, match=rf"{new}.safetensors: renamed or swapped"):
        again[-1]
    assert [again[i].step for i in range(3)] == [0, 1, 2]  # the others are as they were
    if new != "000003-s0000009":
        with pytest.raises(RunError, match="out of place"):
            topolab.Recorder(run.path, layers=[LAYER], resume=True)


def test_a_copy_of_a_snapshot_is_found(tmp_path: Path) -> None:
    run = record(tmp_path / "r", steps=2)
    last = names(run.path)[-1]
    last.with_name("000002-s0000002.safetensors").write_bytes(last.read_bytes())
    (problem,) = verify_run(run.path).problems
    assert "it holds snapshot 1 of step 1" in problem.message
    with pytest.raises(SnapshotError, match="renamed or swapped"):
        topolab.open_run(run.path)[2]
