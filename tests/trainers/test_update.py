"""Drop and grow: worked by hand, under ties, and one test for each known mistake."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from topolab.errors import TopolabError
from topolab_trainers.criteria import LayerView, UpdatePlan
from topolab_trainers.rigl import RigL
from topolab_trainers.schedules import UpdateTimes, cosine_fraction, stepped_rate
from topolab_trainers.set import SET
from topolab_trainers.update import (
    CANDIDATES,
    draw_outside,
    drop_and_grow,
    grow,
    highest,
    keep_by_sign,
    keep_highest,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_one_update_by_hand() -> None:
    mask = torch.tensor([[1, 1, 0], [0, 1, 1]], dtype=torch.bool)
    weight = torch.tensor([[0.5, -0.1, 0.0], [0.0, 0.2, -0.9]])
    gradient = torch.tensor([[0.0, 0.3, 0.1], [-0.7, 0.0, 0.0]])
    # floor(0.5 * 4) = 2 are dropped: -0.1 and 0.2. Of the four places not kept, the gradients
    # 0.7 (an absent edge) and 0.3 (one of the dropped) are largest.
    update = drop_and_grow(mask, weight.abs(), gradient.abs(), 0.5, seeded())
    assert update.mask.int().tolist() == [[1, 1, 0], [1, 0, 1]]
    assert update.dropped.int().tolist() == [[0, 0, 0], [0, 1, 0]]
    assert update.grown.int().tolist() == [[0, 0, 0], [1, 0, 0]]
    assert update.regrown == 1
    # With only edges that were inactive before, 0.7 and 0.1 come.
    other = drop_and_grow(
        mask, weight.abs(), gradient.abs(), 0.5, seeded(), candidates="inactive-before"
    )
    assert other.mask.int().tolist() == [[1, 0, 1], [1, 0, 1]]
    assert other.regrown == 0


def test_rigl_and_set_by_hand() -> None:
    mask = torch.tensor([[1, 1, 1, 1, 0, 0]], dtype=torch.bool)
    weight = torch.tensor([[0.1, 0.9, -0.2, -0.8, 0.0, 0.0]])
    gradient = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.1, -0.2]])
    view = LayerView("fc", mask, weight, gradient)
    plan = UpdatePlan(1, 0.5, "magnitude", "gradient")
    update = RigL().update_layer(view, plan, RigL().configure(), seeded())
    assert update.mask.int().tolist() == [[0, 1, 0, 1, 1, 1]]
    plan = UpdatePlan(1, 0.5, "sign", "random", "inactive-before")
    update = SET().update_layer(LayerView("fc", mask, weight), plan, SET().configure(), seeded())
    assert update.mask.int().tolist() == [[0, 1, 0, 1, 1, 1]]


@st.composite
def layers(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    m, n = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    rng = seeded(draw(st.integers(0, 10_000)))
    mask = torch.rand(m, n, generator=rng) < draw(st.floats(0, 1))
    # Few distinct values, so that ties are everywhere.
    scores = torch.randint(-2, 3, (2, m, n), generator=rng).float()
    return mask, scores[0] * mask, scores[1]


@given(layers(), st.floats(0, 1), st.sampled_from(CANDIDATES), st.integers(0, 99), st.booleans())
def test_what_holds_for_every_update(
    layer: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    fraction: float,
    candidates: str,
    seed: int,
    at_random: bool,
) -> None:
    mask, weight, gradient = layer
    before = mask.clone()
    score = None if at_random else gradient.abs()
    update = drop_and_grow(mask, weight.abs(), score, fraction, seeded(seed), candidates=candidates)
    n = int(mask.sum())
    n_drop = int(fraction * n)
    if candidates == "inactive-before":
        n_drop = min(n_drop, mask.numel() - n)
        assert update.regrown == 0
    assert torch.equal(mask, before)
    assert int(update.mask.sum()) == n
    assert torch.equal(update.mask, (mask & ~update.dropped) | update.grown)
    assert int(update.grown.sum()) == int(update.dropped.sum()) == n_drop - update.regrown
    again = drop_and_grow(mask, weight.abs(), score, fraction, seeded(seed), candidates=candidates)
    assert torch.equal(again.mask, update.mask)
    kept = mask & update.mask
    if n_drop and candidates == "inactive-before" and bool(kept.any()):
        assert weight.abs()[update.dropped].max() <= weight.abs()[kept].min()
    # No absent place that stayed absent has a larger gradient than one that was grown.
    stayed = ~update.mask & ~mask
    if not at_random and bool(update.grown.any()) and bool(stayed.any()):
        assert gradient.abs()[update.grown].min() >= gradient.abs()[stayed].max()


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(0, 30), st.integers(0, 99))
def test_the_k_highest_are_exact_under_ties(values: list[int], k: int, seed: int) -> None:
    scores = torch.tensor(values, dtype=torch.float32)
    chosen = highest(scores, k, seeded(seed)).tolist()
    k = min(k, len(values))
    assert len(chosen) == len(set(chosen)) == k
    assert sorted((values[i] for i in chosen), reverse=True) == sorted(values, reverse=True)[:k]


def test_ties_are_not_broken_by_the_place_in_memory() -> None:
    """Known mistake: growth among equal scores fills positions in memory order."""
    hits = torch.zeros(40)
    for seed in range(400):
        hits[highest(torch.zeros(40), 10, seeded(seed))] += 1
    assert hits.min() > 60 and hits.max() < 140  # 100 expected, standard deviation 8.7


def test_set_keeps_the_large_negative_weights() -> None:
    """Known mistake: of the negative weights only the most negative ones are dropped or kept."""
    weight = torch.tensor([[-0.1, -0.2, -0.8, -0.9, 0.1, 0.2, 0.8, 0.9]])
    keep = keep_by_sign(torch.ones_like(weight, dtype=torch.bool), weight, 0.5, seeded())
    assert keep.int().tolist() == [[0, 0, 1, 1, 0, 0, 1, 1]]
    # Each sign loses its own share: magnitude alone would drop only the small positive ones.
    weight = torch.tensor([[-1.0, -2.0, 0.1, 0.2, 0.3, 0.4]])
    keep = keep_by_sign(torch.ones_like(weight, dtype=torch.bool), weight, 0.5, seeded())
    assert keep.int().tolist() == [[0, 1, 0, 0, 1, 1]]


def test_fan_in_is_free() -> None:
    """Known mistake: regrowth row by row freezes every fan-in."""
    mask = torch.zeros(20, 50, dtype=torch.bool)
    mask[:, :10] = True
    weight = torch.rand(20, 50, generator=seeded())
    update = drop_and_grow(mask, weight, None, 0.5, seeded(1))
    assert update.mask.sum(1).float().std() > 0.5
    assert update.mask.sum() == 200


def test_nan_scores_are_refused() -> None:
    mask = torch.ones(2, 2, dtype=torch.bool)
    with pytest.raises(TopolabError, match="NaN"):
        keep_highest(mask, torch.full((2, 2), float("nan")), 1, seeded())


def test_random_growth_is_uniform_over_the_candidates() -> None:
    mask = torch.zeros(1, 30, dtype=torch.bool)
    mask[0, :10] = True
    hits = torch.zeros(30)
    for seed in range(600):
        keep = keep_highest(mask, torch.arange(30.0).reshape(1, 30), 5, seeded(seed))
        hits += grow(mask, keep, None, seeded(seed)).mask[0]
    assert (hits[5:10] == 600).all()  # kept: never candidates
    others = torch.cat([hits[:5], hits[10:]])
    assert others.sum() == 3000 and others.min() > 75 and others.max() < 170  # 120 expected


def test_schedules() -> None:
    assert cosine_fraction(0, 750, 0.3) == 0.3
    assert cosine_fraction(375, 750, 0.3) == pytest.approx(0.15)
    assert cosine_fraction(250, 750, 0.3) == pytest.approx(0.225)  # counted from step 0
    assert cosine_fraction(750, 750, 0.3) == cosine_fraction(900, 750, 0.3) == 0
    assert [stepped_rate(s, 8, 1.0) for s in range(1, 9)] == pytest.approx(
        [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]
    )
    times = UpdateTimes("epoch", t_end=30, steps_per_epoch=10)
    assert [s for s in range(1, 31) if times.due(s)] == [10, 20]
    assert not any(UpdateTimes(None, 30, 10).due(s) for s in range(31))


def test_drawing_a_few_of_many_is_uniform_and_distinct() -> None:
    """The short way, by drawing and leaving out, gives every free place the same chance."""
    taken = torch.zeros(9000, dtype=torch.bool)
    taken[::3] = True
    hits = torch.zeros(9000)
    for seed in range(300):
        drawn = draw_outside(taken, 1000, seeded(seed))
        assert len(drawn) == len(set(drawn.tolist())) == 1000 and not bool(taken[drawn].any())
        hits[drawn] += 1
        assert torch.equal(drawn, draw_outside(taken, 1000, seeded(seed)))
    free = hits[~taken]  # 50 expected each, standard deviation 6.5
    assert free.min() > 20 and free.max() < 85
    assert float(free.double().std()) == pytest.approx((300 / 6 * 5 / 6) ** 0.5, rel=0.05)


def test_nothing_can_be_drawn_from_a_full_layer() -> None:
    full = torch.ones(100, 100, dtype=torch.bool)
    assert draw_outside(full, 0, seeded()).tolist() == []
    assert torch.equal(drop_and_grow(full, torch.rand(100, 100), None, 0.0, seeded()).mask, full)


@pytest.mark.parametrize("levels", [2, 50, 10**9])
@pytest.mark.parametrize("k", [1, 700, 9_000, 30_000, 39_999])
def test_the_short_way_to_the_k_highest_is_exact(levels: int, k: int) -> None:
    """Large vectors go through a guess; every value above the border is in, ties are drawn."""
    rng = seeded(levels % 97 + k)
    scores = (torch.rand(40_000, generator=rng, dtype=torch.float64) * levels).floor()
    chosen = highest(scores, k, seeded(1))
    assert len(set(chosen.tolist())) == k
    expected = scores.sort(descending=True).values[:k]
    assert torch.equal(scores[chosen].sort(descending=True).values, expected)
    # An adversary: all high scores where the sample does not look.
    scores = torch.zeros(40_000)
    scores[1:200] = 1
    assert scores[highest(scores, 199, seeded(2))].sum() == 199
