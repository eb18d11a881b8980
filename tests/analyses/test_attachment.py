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
    assert (part["side"] == "in").all()
    assert part["room"].tolist() == [4, 3, 1] and part["edges"].tolist() == [0, 1, 3]
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


def test_both_sides_of_a_total_by_hand(tmp_path: Path) -> None:
    """By total degree; each side has its own chances."""
    both = {**LATER, "fc2": np.array([[1, 0, 0], [1, 1, 0]])}
    tables = analyse(recorded(tmp_path / "b", [MASKS, both]), ["attachment"])["attachment"].tables
    events = tables["attachment_events"]
    part = events[(events["layer"] == "fc1") & (events["end"] == "total")]
    assert part["side"].tolist() == ["in", "in", "out", "out"]
    # h0 has 3 + 2 edges; h1 and h2 one each, at their input and their output.
    assert part["degree"].tolist() == [1, 5] * 2 and part["neurons"].tolist() == [2, 1] * 2
    assert part["edges"].tolist() == [1, 3, 1, 2] and part["room"].tolist() == [7, 1, 3, 0]
    assert part["gained"].tolist() == [2, 1, 1, 0] and part["lost"].tolist() == [0, 3, 1, 0]
    assert part["gain_chance"].tolist() == pytest.approx([3 * 7 / 8, 3 / 8, 1, 0])
    assert part["loss_chance"].tolist() == pytest.approx([3 / 4, 9 / 4, 1 / 3, 2 / 3])


# -- a planted run ---------------------------------------------------------------------------------


def planted(path: Path, kind: str) -> topolab.Run:
    """40 updates of inputs - 150 - 150 - 10: gains by degree or by fitness, random losses."""
    rng = np.random.default_rng(5)
    layers = (
        topolab.LayerSpec("fc1", "linear", (150, 150)),
        topolab.LayerSpec("fc2", "linear", (150, 150)),
        topolab.LayerSpec("fc3", "linear", (10, 150), maskable=False),
    )
    masks = {"fc1": rng.random((150, 150)) < 0.2, "fc2": rng.random((150, 150)) < 0.2,
             "fc3": np.ones((10, 150), dtype=bool)}  # fmt: skip
    fitness = rng.uniform(0.4, 1.6, (2, 150))
    frames = [masks]
    for _ in range(40):
        into = masks["fc1"].sum(1) + masks["fc2"].sum(0), masks["fc2"].sum(1)
        weight = fitness if kind == "fitness" else np.array(into, dtype=float)
        new = dict(masks)
        for name, ends in (("fc1", weight[0][:, None] * np.ones((1, 150))),
                           ("fc2", weight[1][:, None] * weight[0][None])):  # fmt: skip
            mask = masks[name].copy()
            count = round(0.1 * mask.sum())
            drop = rng.choice(np.flatnonzero(mask), count, replace=False)
            free = np.flatnonzero(~mask)
            # Who is first is drawn by weight.
            wait = rng.exponential(size=len(free)) / ends.reshape(-1)[free]
            mask.reshape(-1)[drop] = False
            mask.reshape(-1)[free[np.argsort(wait)[:count]]] = True
            new[name] = mask
        masks = new
        frames.append(masks)
    return recorded(path, frames, layers)


@pytest.mark.parametrize("kind", ["fitness", "degree"])
def test_fitness_is_told_from_attachment(tmp_path: Path, kind: str) -> None:
    """Both gain by degree when all neurons are looked at together; within neurons only one does."""
    result = analyse(planted(tmp_path / kind, kind), ["attachment"])["attachment"]
    table = result.table.set_index(["layer", "end", "kernel", "window"])
    for layer, end in (("fc1", "total"), ("fc2", "in")):
        gain = table.loc[(layer, end, "gain", 0)]
        assert gain["slope"] > 0.6 and gain["low"] > 0.4 and gain["p_positive"] < 1e-6
        truth = 1.0 if kind == "degree" else 0.0
        for name in ("joint", "within"):
            assert gain[name] == pytest.approx(truth, abs=0.17)
            assert gain[f"{name}_low"] < gain[name] < gain[f"{name}_high"]
        assert (gain["fitness_spread"] > 0.25) == (kind == "fitness")
        loss = table.loc[(layer, end, "loss", 0)]
        assert loss["slope"] == pytest.approx(0, abs=0.1)
        assert 0 < loss["change_p"] < 1 and 0 < gain["change_p"] < 1
        assert gain["reason"] == loss["reason"] == ""
        windows = result.table[(result.table["layer"] == layer) & (result.table["window"] > 0)]
        whole = ["change_p", "joint", "joint_low", "joint_high", "within", "within_low",
                 "within_high", "fitness_spread"]  # fmt: skip
        assert windows[whole].isna().all(axis=None) and windows["slope"].notna().all()
        assert np.isnan([loss[name] for name in whole[1:]]).all()
    # The inputs are drawn from alike.
    inputs = table.loc[("input", "out", "gain", 0)]
    assert inputs["within"] == pytest.approx(0, abs=0.2)
    kernels = result.tables["attachment_kernels"]
    part = kernels[(kernels["layer"] == "fc2") & (kernels["kernel"] == "gain")]
    assert part["value"].iloc[-1] > 1.3 > 0.9 > part["value"].iloc[0]


def test_windows_of_0_and_1_test_no_change(tmp_path: Path) -> None:
    run = planted(tmp_path / "d", "degree")
    for windows in (0, 1):
        table = analyse(run, ["attachment"], parameters={"attachment": {"windows": windows}})[
            "attachment"
        ].table
        assert (table["window"] == 0).all() and table["change_p"].isna().all()
