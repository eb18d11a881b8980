"""Verification: each thing that can be wrong is named once, and nothing else is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import topolab
from topolab import LayerSpec
from topolab.store import RunFolder, verify_run

LAYERS = (LayerSpec("a", "linear", (2, 3)),)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    with topolab.Recorder(tmp_path / "r", layers=LAYERS) as recorder:
        for step in range(5):
            recorder.record(10 * step, {"a": rng.random((2, 3)) < 0.5})
    return tmp_path / "r"


def snapshot(run: Path, index: int, step: int | None = None) -> Path:
    return (
        run / "snapshots" / f"{index:06d}-s{10 * index if step is None else step:07d}.safetensors"
    )


def problems(run: Path) -> list[tuple[str, str]]:
    found = verify_run(run)
    assert found.ok == (not found.problems) and found.path == run
    return [(Path(p.file).name, p.message) for p in found.problems]


def test_a_whole_run_is_in_order(run: Path) -> None:
    assert problems(run) == [] and verify_run(run).checked == 5
    (run / "snapshots" / ".hidden").touch()  # what a writer may be busy with
    assert problems(run) == []


@pytest.mark.parametrize(
    ("missing", "messages"),
    [
        ((2,), ["snapshot 000002 is missing"]),
        ((0,), ["snapshot 000000 is missing"]),
        ((1, 2), ["snapshot 000001 and later is missing"]),
        ((1, 3), ["snapshot 000001 is missing", "snapshot 000003 is missing"]),
        ((4,), ["5 snapshots were recorded, 4 are there"]),
        ((0, 1, 2, 3, 4), ["5 snapshots were recorded, 0 are there"]),
    ],
)
def test_gaps_are_counted(missing: tuple[int, ...], messages: list[str], run: Path) -> None:
    for index in missing:
        snapshot(run, index).unlink()
    assert problems(run) == [("snapshots", message) for message in messages]
    assert verify_run(run).checked == 5 - len(missing)


def test_more_than_were_recorded_are_no_problem(run: Path) -> None:
    """A run that was continued after it was done: DONE is of before."""
    (run / "DONE").unlink()
    assert problems(run) == []
    snapshot(run, 4).unlink()
    assert problems(run) == []  # nobody says how many there were


def test_two_files_of_one_number_and_a_step_that_does_not_rise(run: Path) -> None:
    shutil.copy(snapshot(run, 2), snapshot(run, 2, 25))
    assert problems(run) == [
        (snapshot(run, 2, 25).name, "its number or step is there twice"),
        (snapshot(run, 2, 25).name, "renamed or swapped, it holds snapshot 2 of step 20"),
    ]
    snapshot(run, 2, 25).unlink()
    snapshot(run, 3).rename(snapshot(run, 3, 20))
    assert problems(run) == [
        (snapshot(run, 3, 20).name, "its number or step is there twice"),
        (snapshot(run, 3, 20).name, "renamed or swapped, it holds snapshot 3 of step 30"),
    ]


def test_a_later_step_than_the_next_ones(run: Path) -> None:
    snapshot(run, 2).rename(snapshot(run, 2, 99))
    named = [name for name, message in problems(run) if "there twice" in message]
    assert named == [snapshot(run, 3).name, snapshot(run, 4).name]


def test_damage_is_named_without_its_path(run: Path) -> None:
    data = bytearray(snapshot(run, 1).read_bytes())
    data[-1] ^= 1
    snapshot(run, 1).write_bytes(data)
    (run / "DONE").write_text("{")
    (run / "FAILED.json").write_text("[]")
    (run / "snapshots" / "notes.txt").touch()
    (run / "snapshots" / "0000001-s0000010.safetensors").touch()
    found = problems(run)
    assert [name for name, _ in found] == [
        "DONE", "FAILED.json", snapshot(run, 1).name, "0000001-s0000010.safetensors", "notes.txt",
    ]  # fmt: skip
    assert all(str(run) not in message for _, message in found)
    assert found[2][1].startswith("truncated or altered")
    assert found[3][1] == found[4][1] == "not a snapshot file of this run"


def test_a_note_of_failure_is_not_taken_for_one_of_success(run: Path) -> None:
    """FAILED.json says nothing of how many snapshots there are."""
    folder = RunFolder(run)
    folder.note(folder.failed_file, {"error": "E", "message": "m", "snapshots": 9})
    assert problems(run) == []
