"""Gradients by fan-in."""

from __future__ import annotations

import math

import numpy as np
import pytest

from topolab.errors import AnalysisError
from topolab.metrics import hierarchy


def test_gradients_by_decile() -> None:
    gradient, fan_in, size = hierarchy.gradient_by_decile([1, 2, 3, 4, 5], [5, 4, 3, 2, 0], 2)
    assert size.tolist() == [3, 2] and fan_in.tolist() == [5 / 3, 4.5]
    assert gradient.tolist() == [(4 * 2 + 3 * 3) / 5, (2 * 4 + 1 * 5) / 9]
    empty = hierarchy.gradient_by_decile([1.0], [3], 3)
    assert np.isnan(empty[0][1:]).all() and empty[2].tolist() == [1, 0, 0]
    with pytest.raises(AnalysisError):
        hierarchy.gradient_by_decile([1.0], [1, 2])


@pytest.mark.parametrize(
    ("gradient", "fan_in", "ratio"),
    [
        ([4.0, 2.0, 1.0, 1.0], [10, 10, 2, 2], 3.0),
        # The neuron in the middle is in neither half.
        ([4.0, 100.0, 1.0], [10, 5, 2], 4.0),
        # Weights of a neuron count, not the neuron: (3 * 4 + 1 * 2) / 4 over (1 * 1 + 2 * 2) / 3.
        ([4.0, 2.0, 1.0, 2.0], [3, 1, 1, 2], (4 * 3 + 2 * 2) / 5 / ((2 + 1) / 2)),
        ([6.0, 3.0], [1, 1], 2.0),
        ([1.0, 0.5], [3, 2], 2.0),
        ([0.0, 2.0], [3, 2], 0.0),
    ],
)
def test_the_gradient_ratio_by_hand(gradient: list[float], fan_in: list[int], ratio: float) -> None:
    assert hierarchy.gradient_ratio(gradient, fan_in) == pytest.approx(ratio)


@pytest.mark.parametrize("m", [6, 7])
def test_both_readings_are_means_over_the_entries_of_a_masked_gradient(m: int) -> None:
    """Held against the matrix itself: `all` counts the zeros of absent weights."""
    rng = np.random.default_rng(m)
    mask = np.tri(m, 9, 3, dtype=bool)[rng.permutation(m)]
    entries = np.abs(rng.normal(size=(m, 9))) * mask
    fan_in = mask.sum(1)
    gradient = entries.sum(1) / fan_in
    order = np.argsort(-fan_in)
    upper, lower = order[: m // 2], order[-(m // 2) :]
    over_all = entries[upper].mean() / entries[lower].mean()
    active = entries[upper][mask[upper]].mean() / entries[lower][mask[lower]].mean()
    assert hierarchy.gradient_ratio(gradient, fan_in, reading="all") == pytest.approx(over_all)
    assert hierarchy.gradient_ratio(gradient, fan_in, reading="active") == pytest.approx(active)
    assert hierarchy.gradient_ratio(gradient, fan_in) == pytest.approx(active)
    assert hierarchy.fan_in_ratio(fan_in) == pytest.approx(over_all / active)


def test_what_is_no_reading_and_no_fan_ins() -> None:
    with pytest.raises(AnalysisError, match="no reading 'dense'"):
        hierarchy.gradient_ratio([1.0, 1.0], [1, 1], reading="dense")
    for fan_in in ([3], [[1, 2], [3, 4]]):
        with pytest.raises(AnalysisError, match="at least two fan-ins"):
            hierarchy.fan_in_ratio(fan_in)
    assert hierarchy.fan_in_ratio([5, 100, 2]) == 100 / 2
    assert math.isnan(hierarchy.fan_in_ratio([3, 0]))
    assert math.isnan(hierarchy.gradient_ratio([1.0, 1.0], [3, 0], reading="all"))


def test_equal_fan_ins_are_ranked_by_position() -> None:
    """Forty neurons of two fan-ins in turns: the first half of the larger come first."""
    gradient = np.arange(1.0, 41.0)
    assert hierarchy.gradient_ratio(gradient, [2] * 40) == pytest.approx(
        gradient[:20].mean() / gradient[20:].mean()
    )
    fan_in = np.tile([1, 3, 2, 2], 10)
    order = sorted(range(40), key=lambda i: -fan_in[i])
    upper, lower = order[:20], order[20:]
    expected = np.average(gradient[upper], weights=fan_in[upper])
    expected /= np.average(gradient[lower], weights=fan_in[lower])
    assert hierarchy.gradient_ratio(gradient, fan_in) == pytest.approx(expected)
    rising = sorted(range(40), key=lambda i: fan_in[i])
    parts, means, _ = hierarchy.gradient_by_decile(gradient, fan_in, 8)
    for i in range(8):
        chosen = rising[5 * i : 5 * i + 5]
        assert parts[i] == pytest.approx(np.average(gradient[chosen], weights=fan_in[chosen]))
        assert means[i] == pytest.approx(fan_in[chosen].mean())
    by_part, _, _ = hierarchy.gradient_by_decile(gradient, [2] * 40, 4)
    assert by_part.tolist() == [5.5, 15.5, 25.5, 35.5]


@pytest.mark.parametrize(
    ("gradient", "fan_in"),
    [([1.0, 0.0], [3, 2]), ([1.0, 2.0], [3, 0]), ([1.0, 0.0, 0.0], [3, 0, 0])],
)
def test_no_ratio_without_a_lower_half(gradient: list[float], fan_in: list[int]) -> None:
    assert math.isnan(hierarchy.gradient_ratio(gradient, fan_in))


@pytest.mark.parametrize(
    ("gradient", "fan_in"),
    [([1.0], [1]), ([1.0, 2.0], [1]), ([[1.0, 2.0], [1.0, 2.0]], [[1, 2], [1, 2]]),
     ([1.0, 2.0, 3.0], [1, 2]), ([], [])],
)  # fmt: skip
def test_ratios_that_cannot_be(gradient: object, fan_in: object) -> None:
    with pytest.raises(AnalysisError, match="at least two neurons"):
        hierarchy.gradient_ratio(gradient, fan_in)  # type: ignore[arg-type]


def test_tenths_unless_told_and_at_least_one_part() -> None:
    gradient, fan_in, size = hierarchy.gradient_by_decile(np.arange(20.0), np.ones(20))
    assert len(gradient) == 10 and size.tolist() == [2] * 10 and (fan_in == 1).all()
    whole, _, size = hierarchy.gradient_by_decile([1.0, 4.0], [3, 1], 1)
    assert whole.tolist() == [1.75] and size.tolist() == [2]
    assert hierarchy.gradient_by_decile([5.0], [1], 1)[0].tolist() == [5.0]
    for parts in (0, -1):
        with pytest.raises(AnalysisError, match="at least one is needed"):
            hierarchy.gradient_by_decile([1.0], [1], parts)
    for gradients in ([[1.0, 2.0]], [1.0]):
        with pytest.raises(AnalysisError, match="one gradient and one fan-in"):
            hierarchy.gradient_by_decile(gradients, [[1, 2]], 1)  # type: ignore[list-item]
    assert np.isnan(hierarchy.gradient_by_decile([1.0, 2.0], [0, 0], 2)[0]).all()
