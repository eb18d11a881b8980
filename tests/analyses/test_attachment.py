"""Gain and loss by degree, worked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_worked import LATER, MASKS, recorded

import topolab
from topolab.api import analyse


def test_attachment_events_by_hand(small: topolab.Run) -> None:
    result = analyse(small, ["attachment"])["attachment"]
    events = result.tables["attachment_events"]
    part = events[(events["layer"] == "fc1") & (events["end"] == "in")].set_index("degree")
    # h0 had 0, 1, 2 and now has 3; h1 had 0 and now 0, 1; h2 had none and now 0.
    assert part["neurons"].to_dict() == {0: 1, 1: 1, 3: 1}
    assert part["gained"].to_dict() == {0: 1, 1: 1, 3: 1}
    assert part["lost"].to_dict() == {0: 0, 1: 0, 3: 3}
    # room is 4, 3, 1 of 8; three edges were grown, three of four dropped
    assert part["gain_chance"].tolist() == pytest.approx([3 * 4 / 8, 3 * 3 / 8, 3 * 1 / 8])
    assert part["loss_chance"].tolist() == pytest.approx([0, 3 / 4, 9 / 4])
    assert not (events["layer"] == "fc2").any()  # its mask never changes
    assert (result.table["reason"] != "").all()  # three events are too few for an exponent


def test_a_run_that_only_prunes_has_no_gain(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((3, 4)) < 2
    frames = []
    for _ in range(4):
        mask = mask & (rng.random((3, 4)) < 0.8)
        frames.append({**MASKS, "fc1": mask})
    table = analyse(recorded(tmp_path / "p", frames), ["attachment"])["attachment"].table
    gain = table[table["kernel"] == "gain"]
    assert len(gain) and (gain["reason"] == "no edge was grown").all()


def test_windows_begin_at_the_snapshot_before_their_first_update(tmp_path: Path) -> None:
    frames = [MASKS, LATER, LATER, LATER, MASKS]  # updates at steps 1 and 4
    run = recorded(tmp_path / "f", frames)
    table = analyse(run, ["attachment"], parameters={"attachment": {"windows": 2}})["attachment"]
    part = table.table[(table.table["layer"] == "fc1") & (table.table["kernel"] == "gain")]
    part = part[part["end"] == "in"].set_index("window")
    assert part[["step_from", "step_to"]].to_numpy().tolist() == [[0, 4], [0, 1], [3, 4]]
