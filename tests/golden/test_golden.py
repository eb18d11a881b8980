"""The same seed writes the same bytes and the same tables as before."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("golden_runs", Path(__file__).parent / "runs.py")
assert _spec is not None and _spec.loader is not None
golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden)


def test_the_same_seed_writes_the_same_bytes_and_tables_as_before(tmp_path: Path) -> None:
    kept = json.loads(golden.HASHES.read_text())
    name = golden.machine()
    if name not in kept:
        pytest.skip(f"this processor and torch round as {name}; hashes are kept for {list(kept)}")
    assert golden.differences(golden.hashes(tmp_path), kept[name]) == []


def test_a_difference_is_seen() -> None:
    kept = next(iter(json.loads(golden.HASHES.read_text()).values()))
    changed = json.loads(json.dumps(kept))
    changed["runs"]["rigl"]["snapshots"] = "0"
    del changed["tables"]["set"]["degree"]
    found = golden.differences(changed, kept)
    assert [line.split(":")[0] for line in found] == ["/runs/rigl/snapshots", "/tables/set/degree"]
