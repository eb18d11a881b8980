"""Counts by degree, bins, and blocks of updates, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from topolab.errors import AnalysisError
from topolab.metrics.attachment import bins, block_weights, exposure, fit_kernel, fit_slope


def test_bins_hold_enough_and_cover_all() -> None:
    events = np.zeros((3, 100))
    events[:, :40] = 5.0
    exposed = np.ones((3, 100))
    first = bins(events, exposed)
    assert first[0] == 0 and (np.diff(first) > 0).all()
    per = events.sum() / 100
    assert (np.diff(np.append(first, 100)) * per >= 25).all()


def test_blocks_are_drawn_whole() -> None:
    weights = block_weights(10, 500, np.random.default_rng(0), length=5)
    assert (weights.sum(1) == 10).all()
    assert weights.mean(0) == pytest.approx(1, abs=0.15)
    alone = (weights[:, 1:-1] > 0) & (weights[:, :-2] == 0) & (weights[:, 2:] == 0)
    assert not alone.any()


@pytest.mark.parametrize(
    ("per_degree", "size", "options", "first"),
    [
        # Edges of ratio 2: 0, 2, 4, 8, 16; degree 0 counts as 1.
        (30.0, 20, {"ratio": 2.0}, [0, 2, 4, 8, 16]),
        (12.5, 4, {"ratio": 2.0}, [0, 2]),
        (12.0, 4, {"ratio": 2.0}, [0]),
        (10.0, 8, {"ratio": 1.5}, [0, 3]),
        (10.0, 20, {"ratio": 2.0, "least": 60.0}, [0, 8]),
        (1.0, 9, {"ratio": 2.0}, [0]),
        # 1.25: 0, 2, 3, 4, 5, 7, 9, 12, 15, 19, 24.
        (25.0, 24, {}, [0, 2, 3, 4, 5, 7, 9, 12, 15, 19]),
        (30.0, 1, {}, [0]),
    ],
)
def test_bins_by_hand(
    per_degree: float, size: int, options: dict[str, float], first: list[int]
) -> None:
    found = bins(np.full((1, size), per_degree), np.ones((1, size)), **options)
    assert found.tolist() == first and found.dtype == np.int64


def test_a_last_bin_of_few_events_joins_the_one_before() -> None:
    events = np.array([[30.0, 30, 30, 10]])
    assert bins(events, events, ratio=1.01).tolist() == [0, 2]
    assert bins(events[:, 1:], events[:, 1:], ratio=1.01).tolist() == [0]
    events[0, 3] = 25
    assert bins(events, events, ratio=1.01).tolist() == [0, 2, 3]


def test_blocks_by_hand() -> None:
    """Circular: a block that begins at the last step goes on at the first."""
    for steps, length in ((7, 3), (8, None), (9, None), (27, None), (28, None)):
        block = length or next(b for b in range(1, steps) if b**3 >= steps)
        begin = np.random.default_rng(3).integers(0, steps, (20, -(-steps // block)))
        weights = block_weights(steps, 20, np.random.default_rng(3), length)
        for row, made in zip(begin, weights, strict=True):
            chosen = [(b + i) % steps for b in row for i in range(block)][:steps]
            assert made.tolist() == [chosen.count(t) for t in range(steps)]


@pytest.mark.parametrize(
    ("degrees", "gained", "lost", "message"),
    [
        ([[1]], [[0]], [[0]], "one degree, gain and loss per neuron"),
        ([1, 2], [0], [0, 0], "one degree, gain and loss per neuron"),
        ([1, 2], [0, 0], [0], "one degree, gain and loss per neuron"),
        ([-1, 2], [0, 0], [0, 0], "degrees must be in 0 ... 4"),
        ([1, 2], [-1, 0], [0, 0], "gains and losses not below 0"),
        ([1, 2], [0, 0], [0, -1], "gains and losses not below 0"),
        ([1, 5], [0, 0], [0, 0], "degrees must be in 0 ... 4"),  # beyond the size asked for
        ([1, 2], [0, 0], [0, 3], "gained or lost more edges than it could"),
        ([1, 2], [0, 7], [0, 0], "gained or lost more edges than it could"),
    ],
)
def test_exposures_that_cannot_be(
    degrees: object, gained: object, lost: object, message: str
) -> None:
    with pytest.raises(AnalysisError, match=message):
        exposure(degrees, gained, lost, 8, 5)  # type: ignore[arg-type]


def test_exposures_at_their_limits() -> None:
    """Full neurons, one that loses all, one that fills up; and no neurons."""
    neurons, gains, losses = exposure([4, 4, 1, 0], [0, 0, 3, 4], [0, 4, 0, 0], 4, 5)
    assert neurons.tolist() == [1, 1, 0, 0, 2]
    assert gains.tolist() == [4, 3, 0, 0, 0] and losses.tolist() == [0, 0, 0, 0, 4]
    with pytest.raises(AnalysisError, match="room for 3"):
        exposure([4], [0], [0], 3, 5)
    assert [a.tolist() for a in exposure([], [], [], 4, 3)] == [[0, 0, 0]] * 3


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_events_and_places_are_finite_and_not_negative(bad: float) -> None:
    good = np.full((5, 4), 10.0)
    broken = good.copy()
    broken[2, 1] = bad
    for events, places in ((good, broken), (broken, good)):
        for fit in (fit_slope, fit_kernel):
            with pytest.raises(AnalysisError, match="not below 0"):
                fit(events, places)


@pytest.mark.parametrize(
    ("events", "places", "message"),
    [
        ([1.0], [1.0], "two arrays"),
        ([[1.0, 2.0]], [[3.0]], "two arrays"),
        ([[1.0, 0.0]], [[0.0, 1.0]], "no place for it"),
        ([[1.0, 3.0]], [[1.0, 2.0]], "more events than places"),
    ],
)
def test_counts_that_cannot_be(events: object, places: object, message: str) -> None:
    for fit in (fit_slope, fit_kernel):
        with pytest.raises(AnalysisError, match=message):
            fit(events, places)  # type: ignore[operator]


def test_there_is_an_update_for_every_row() -> None:
    for wrong in ([1], [1, 2, 3], [[1, 2]]):
        with pytest.raises(AnalysisError, match="one update for each of 2 rows"):
            fit_slope(np.ones((2, 3)), np.full((2, 3), 9.0), update=wrong)
