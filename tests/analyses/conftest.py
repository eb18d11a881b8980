"""The run that most tests of analyses look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand_worked import LATER, LAYERS, MASKS

import topolab


@pytest.fixture
def small(tmp_path: Path) -> topolab.Run:
    """The hand-worked network at step 0, rewired at step 5."""
    with topolab.Recorder(tmp_path / "small", layers=LAYERS) as recorder:
        recorder.record(0, MASKS, epoch=0.0)
        recorder.record(5, LATER)
    return topolab.open_run(tmp_path / "small")
