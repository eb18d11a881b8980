"""What neurons gained and lost, update by update, worked by hand; and the fits made of it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hand_worked import LATER, MASKS, recorded

import topolab
from topolab.errors import AnalysisError
from topolab.metrics.attachment import (
    change_p,
    fit_joint,
    fit_kernel,
    fit_rate,
    fit_slope,
)
from topolab_analyses.edge_history import (
    EdgeHistory,
    Ends,
    change_of,
    joint_of,
    kernel_of,
    rate_of,
    slope_of,
)
from topolab_analyses.rewiring import changing_layers

# Output 1 now reads h0, h1: an edge of h0 stays, that of h2 goes, h1 gains one.
BOTH = {**LATER, "fc2": np.array([[1, 0, 0], [1, 1, 0]])}


def remember(run: topolab.Run) -> EdgeHistory:
    history = EdgeHistory()
    moving = changing_layers(run)
    before = run[0]
    for snapshot in list(run)[1:]:
        history = history.add(before, snapshot, moving)
        before = snapshot
    return history


def test_sides_and_totals_by_hand(tmp_path: Path) -> None:
    history = remember(recorded(tmp_path / "r", [MASKS, BOTH]))
    assert history.ends() == (
        ("fc1", "in"), ("input", "out"), ("fc2", "in"), ("fc1", "out"), ("fc1", "total"),
    )  # fmt: skip
    assert history.main_end("fc1") == "total" and history.main_end("input") == "out"
    assert history.main_end("fc2") == "in"
    total = history.of("fc1", "total")
    assert total.sides == ("in", "out") and len(total) == 1
    # h0 has 3 + 2 edges, h1 1 + 0, h2 0 + 1; there is room for 4 inputs and 2 outputs.
    assert total.degree.tolist() == [[5, 1, 1]] and total.capacity == 6
    assert total.edges.tolist() == [[[3, 1, 0], [2, 0, 1]]]
    assert total.room.tolist() == [[[1, 3, 4], [0, 2, 1]]]
    assert total.gained.tolist() == [[[1, 1, 1], [0, 1, 0]]]
    assert total.lost.tolist() == [[[3, 0, 0], [0, 0, 1]]]
    into = history.of("fc1", "in")
    assert into.degree.tolist() == [[3, 1, 0]] and into.capacity == 4 and into.sides == ("in",)
    assert into.gained.tolist() == [[[1, 1, 1]]]
    assert history.of("input", "out").lost.tolist() == [[[1, 1, 1, 0]]]
    assert total.events("gain") is total.gained and total.events("loss") is total.lost
    assert total.places("gain") is total.room and total.places("loss") is total.edges
    for name in ("degree", "gained", "lost", "room", "edges"):
        assert getattr(total, name).dtype == np.int32


def test_a_history_stays_as_it_is(tmp_path: Path) -> None:
    run = recorded(tmp_path / "r", [MASKS, BOTH, MASKS])
    first = EdgeHistory().add(run[0], run[1], ("fc1", "fc2"))
    second = first.add(run[1], run[2], ("fc1", "fc2"))
    assert len(EdgeHistory().updates) == 0 and len(first.updates) == 1
    assert len(second.updates) == 2 and second.updates[0] is first.updates[0]
    assert second.last("fc1", "in").steps.tolist() == [2]
    assert second.last("fc1", "in").gained.tolist() == [[[3, 0, 0]]]


def test_only_updates_in_which_something_happened(tmp_path: Path) -> None:
    """fc1 prunes at step 1, rests, grows at step 3; fc2 moves at step 2 alone."""
    pruned = {**MASKS, "fc1": MASKS["fc1"] * [[0, 1, 1, 1]]}
    frames = [MASKS, pruned, {**pruned, "fc2": BOTH["fc2"]}, {**MASKS, "fc2": BOTH["fc2"]}]
    history = remember(recorded(tmp_path / "r", frames))
    gains, losses = history.of("fc1", "in"), history.of("fc1", "in", kernel="loss")
    assert gains.steps.tolist() == [3] and gains.before_steps.tolist() == [2]
    assert losses.steps.tolist() == [1] and losses.before_steps.tolist() == [0]
    # Both sides together: an update counts if either of them gained.
    assert history.of("fc1", "total").steps.tolist() == [2, 3]
    assert history.of("fc1", "in", kernel=None).steps.tolist() == [1, 2, 3]
    assert history.of("fc2", "in").steps.tolist() == [2]
    assert history.last("fc2", "in").gained.sum() == 0


def test_what_never_changes_has_no_history(tmp_path: Path) -> None:
    history = remember(recorded(tmp_path / "r", [MASKS, LATER]))
    assert history.ends() == (("fc1", "in"), ("input", "out"))
    assert history.main_end("fc1") == "in"
    with pytest.raises(AnalysisError, match="no edge of layer fc2 ever changes"):
        history.main_end("fc2")
    with pytest.raises(AnalysisError, match="at its end 'total'"):
        history.of("fc1", "total")
    assert EdgeHistory().ends() == ()


# -- fits ------------------------------------------------------------------------------------------


def two_sided(updates: int = 12, n: int = 60, seed: int = 0) -> Ends:
    """Neurons whose two sides draw by total degree^0.6 at rates of their own."""
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, 25, (updates, 2, n))
    degree = edges.sum(1)
    room = 80 - edges
    tau = np.array([0.02, 0.004])[None, :, None]
    gained = rng.binomial(room, 1 - np.exp(-tau * degree[:, None] ** 0.6))
    lost = rng.binomial(edges, 0.2)
    step = np.arange(updates)
    small = (a.astype(np.int32) for a in (degree, gained, lost, room, edges))
    return Ends("fc1", "total", ("in", "out"), step, step + 1, *small, 160)


def test_a_row_for_each_side_of_an_update_by_total_degree() -> None:
    ends = two_sided()
    size = ends.degree.max() + 1
    rows = {name: np.zeros((24, size)) for name in ("gained", "room", "lost", "edges")}
    whole, able = np.zeros((2, 12, size))
    for t in range(12):
        for i, k in enumerate(ends.degree[t]):
            for side in range(2):
                for name, made in rows.items():
                    made[2 * t + side, k] += getattr(ends, name)[t, side, i]
            whole[t, k] += ends.gained[t, :, i].sum()
            able[t, k] += ends.room[t, :, i].sum() > 0
    update = np.repeat(np.arange(12), 2)
    options = {"replicates": 20, "seed": 3}
    assert slope_of(ends, "gain", **options) == fit_slope(
        rows["gained"], rows["room"], update=update, **options
    )
    # Degree 0 has no edges, and so no number for it.
    loss = slope_of(ends, "loss", **options)
    assert math.isnan(loss.zero) and loss.gamma == pytest.approx(0, abs=0.1)
    assert loss.low == fit_slope(rows["lost"], rows["edges"], update=update, **options).low
    some = np.array([0, 2, 3, 5, 7, 8])
    chosen = np.sort(np.concatenate([2 * some, 2 * some + 1]))
    assert slope_of(ends, "gain", chosen=some, **options) == fit_slope(
        rows["gained"][chosen], rows["room"][chosen], update=update[chosen], **options
    )
    assert rate_of(ends, "gain", **options) == fit_rate(whole, able, **options)
    assert rate_of(ends, "gain", chosen=some, **options) == fit_rate(
        whole[some], able[some], **options
    )
    bins = kernel_of(ends, "gain", **options)
    plain = fit_kernel(rows["gained"], rows["room"], update=update, **options)
    assert bins.value.tolist() == plain.value.tolist()
    assert bins.value_low.tolist() == plain.value_low.tolist()
    assert change_of(ends, "gain", windows=3) == change_p(
        rows["gained"], rows["room"], update=update, windows=3
    )
    for within in (False, True):
        plain_joint = fit_joint(ends.degree, ends.gained, ends.room, within=within)
        assert joint_of(ends, within=within).gamma == plain_joint.gamma
    assert slope_of(ends, "gain").gamma == pytest.approx(0.6, abs=0.15)


def test_a_neuron_without_room_is_not_there_for_the_rate() -> None:
    """Neurons of degree 9 are full: they gain nothing, which is not for want of attachment."""
    k = np.tile(np.repeat([1, 2, 4, 9], 20), (6, 1))
    gained = np.where(k == 9, 0, 3 * k)
    room = np.where(k == 9, 0, 50)
    made = [a[:, None].astype(np.int32) for a in (gained, 0 * k, room, k)]
    ends = Ends("fc1", "in", ("in",), np.arange(6), np.arange(6) + 1, k.astype(np.int32), *made, 59)
    assert rate_of(ends, "gain").gamma == pytest.approx(1, abs=1e-6)
