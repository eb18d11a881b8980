"""A run is a sequence of its snapshots; what is none is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import topolab
from topolab.errors import RunError

LAYER = topolab.LayerSpec("a", "linear", (3, 4))
MASK = np.eye(3, 4, dtype=bool)


def record(path: Path, steps: int = 3, **options: object) -> topolab.Run:
    with topolab.Recorder(path, layers=[LAYER], **options) as recorder:  # type: ignore[arg-type]
        for step in range(steps):
            recorder.record(step, {"a": MASK})
    return topolab.open_run(path)


def test_a_run_that_is_none_and_a_newer_one(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run is there"):
        topolab.open_run(tmp_path)
    run = record(tmp_path / "r")
    manifest = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**manifest, "version": 2}))
    with pytest.raises(topolab.TopolabError, match="format version 2 is newer"):
        topolab.open_run(run.path)
    for text in ("{", "[]", '{"format": "x"}', "[" * 100_000):
        (run.path / "run.json").write_text(text)
        with pytest.raises(RunError, match=r"run\.json"):
            topolab.open_run(run.path)


def test_a_run_is_a_sequence(tmp_path: Path) -> None:
    run = record(tmp_path / "r", steps=4)
    assert [s.step for s in run] == [0, 1, 2, 3] == run.steps.tolist()
    assert run[-1].index == 3 and [s.index for s in run[1:3]] == [1, 2]
    assert run.at(step=2).index == 2
    with pytest.raises(RunError, match=r"no snapshot at step 9; the nearest are \[1, 2, 3\]"):
        run.at(step=9)
    with pytest.raises(IndexError):
        run[4]
    assert [r.name for r in topolab.runs(tmp_path)] == ["r"]
