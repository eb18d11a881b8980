"""Drop and grow: worked by hand, under ties, and one test for each known mistake."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from topolab.errors import ConfigError, TopolabError
from topolab.registry import load_all, names
from topolab_trainers.config import CANDIDATES
from topolab_trainers.criteria import (
    DropCriterion,
    GrowCriterion,
    LayerView,
    UpdatePlan,
    drop_criterion,
    grow_criterion,
)
from topolab_trainers.random_regrowth import RandomRegrowth
from topolab_trainers.rigl import RigL
from topolab_trainers.schedules import UpdateTimes, cosine_fraction, stepped_rate
from topolab_trainers.set import SET
from topolab_trainers.update import (
    LayerUpdate,
    draw_outside,
    grow,
    grow_in_memory_order,
    highest,
    keep_highest,
    positions,
    without_lowest_by_sign,
)

DROPS, GROWS = names("drop_criteria"), names("grow_criteria")
PAIRS = list(itertools.product(DROPS, GROWS))
METHOD = RandomRegrowth()
CONFIG = METHOD.configure()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def update_of(
    mask: torch.Tensor,
    weight: torch.Tensor,
    gradient: torch.Tensor | None,
    fraction: float,
    generator: torch.Generator,
    *,
    drop: str = "magnitude",
    grow: str = "gradient",
    candidates: str = "not-kept",
) -> LayerUpdate:
    """The update of a layer as a training makes it."""
    view = LayerView("fc", mask, weight, gradient, gradient)
    plan = UpdatePlan(1, fraction, drop, grow, candidates)
    return METHOD.update_layer(view, plan, CONFIG, generator)


def by_sign(weight: torch.Tensor, fraction: float) -> list[Any]:
    mask = torch.ones_like(weight, dtype=torch.bool)
    return (
        without_lowest_by_sign(mask, positions(mask), weight.reshape(-1), fraction, seeded())
        .int()
        .tolist()
    )


def test_one_update_by_hand() -> None:
    mask = torch.tensor([[1, 1, 0], [0, 1, 1]], dtype=torch.bool)
    weight = torch.tensor([[0.5, -0.1, 0.0], [0.0, 0.2, -0.9]])
    gradient = torch.tensor([[0.0, 0.3, 0.1], [-0.7, 0.0, 0.0]])
    # floor(0.5 * 4) = 2 are dropped: -0.1 and 0.2. Of the four places not kept, the gradients
    # 0.7 (an absent edge) and 0.3 (one of the dropped) are largest.
    update = update_of(mask, weight, gradient, 0.5, seeded())
    assert update.mask.int().tolist() == [[1, 1, 0], [1, 0, 1]]
    assert update.dropped.int().tolist() == [[0, 0, 0], [0, 1, 0]]
    assert update.grown.int().tolist() == [[0, 0, 0], [1, 0, 0]]
    assert update.regrown == 1
    # With only edges that were inactive before, 0.7 and 0.1 come.
    other = update_of(mask, weight, gradient, 0.5, seeded(), candidates="inactive-before")
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


@pytest.mark.parametrize(("drop", "growth"), PAIRS)
@given(
    layer=layers(),
    fraction=st.floats(0, 1),
    candidates=st.sampled_from(CANDIDATES),
    seed=st.integers(0, 99),
)
def test_what_holds_for_every_update(
    drop: str,
    growth: str,
    layer: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    fraction: float,
    candidates: str,
    seed: int,
) -> None:
    """Every pruning criterion with every growth criterion, as a training applies them."""
    mask, weight, gradient = layer
    before = [tensor.clone() for tensor in layer]

    def updated() -> LayerUpdate:
        return update_of(
            mask, weight, gradient, fraction, seeded(seed), drop=drop, grow=growth,
            candidates=candidates,
        )  # fmt: skip

    update = updated()
    assert all(torch.equal(a, b) for a, b in zip(layer, before, strict=True))
    assert torch.equal(updated().mask, update.mask)
    n = int(mask.sum())
    # The edges are as many as before; what went was there, what came was not.
    assert int(update.mask.sum()) == n
    assert not bool((update.dropped & ~mask).any()) and not bool((update.grown & mask).any())
    assert not bool((update.dropped & update.grown).any())
    assert torch.equal(update.mask, (mask & ~update.dropped) | update.grown)
    # What came back at once is in neither, and counted once.
    view = LayerView("fc", mask, weight, gradient, gradient)
    plan = UpdatePlan(1, fraction, drop, growth, candidates)
    keep = drop_criterion(drop).keep(view, plan, seeded(seed))
    assert not bool((keep & ~mask).any())
    n_drop = n - int(keep.sum())
    assert int(update.grown.sum()) == int(update.dropped.sum()) == n_drop - update.regrown
    assert update.regrown == int((mask & ~keep & update.mask).sum())
    wanted = int(fraction * n)
    if candidates == "inactive-before":
        wanted = min(wanted, mask.numel() - n)
        assert update.regrown == 0
    # The signs round down each for itself.
    assert wanted - 1 <= n_drop <= wanted if drop == "sign" else n_drop == wanted
    if drop == "magnitude" and bool(keep.any()) and n_drop:
        assert weight.abs()[mask & ~keep].max() <= weight.abs()[keep].min()
    # No candidate that stayed absent has a higher score than one that was grown.
    score = grow_criterion(growth).score(view)
    came = update.mask & ~keep
    closed = keep if candidates == "not-kept" else mask
    stayed = ~update.mask & ~closed
    if score is not None and bool(came.any()) and bool(stayed.any()):
        assert score[came].min() >= score[stayed].max()


@pytest.mark.parametrize("candidates", CANDIDATES)
@pytest.mark.parametrize(("drop", "growth"), PAIRS)
def test_every_criterion_breaks_ties_by_the_generator(
    drop: str, growth: str, candidates: str
) -> None:
    """Known mistake: what is equal goes and comes in memory order."""
    mask = torch.zeros(4, 10, dtype=torch.bool)
    mask[:, ::2] = True
    weight, gradient = mask.float(), torch.ones(4, 10)
    gone, came = torch.zeros(4, 10), torch.zeros(4, 10)
    for seed in range(300):
        update = update_of(
            mask, weight, gradient, 0.5, seeded(seed), drop=drop, grow=growth,
            candidates=candidates,
        )  # fmt: skip
        gone += update.dropped
        came += update.grown
    # Of 20 edges 10 are dropped, of 20 or 30 candidates 10 grow: 150 or 100 times each, with a
    # standard deviation of 8.7 or 8.2; of 300 a dropped one comes back in a third.
    expected = 150 if candidates == "inactive-before" else 100
    assert abs(gone[mask] - expected).max() < 45 and abs(came[~mask] - expected).max() < 45


@pytest.mark.parametrize(
    ("group", "kind"), [("drop_criteria", DropCriterion), ("grow_criteria", GrowCriterion)]
)
def test_criteria_are_registered_by_their_names(group: Any, kind: type) -> None:
    found = load_all(group)
    assert len(found) >= 3
    for name, criterion in found.items():
        assert isinstance(criterion, kind) and criterion.name == name
        assert 0 < len(criterion.summary) < 100
    with pytest.raises(ConfigError, match=r"unknown (pruning|growth) criterion 'x'; there is"):
        (drop_criterion if kind is DropCriterion else grow_criterion)("x")


def test_a_method_needs_what_its_growth_criteria_need() -> None:
    for name in GROWS:
        needs = grow_criterion(name).needs
        wanted = set() if needs is None else {needs}
        assert METHOD.needs(METHOD.configure(grow=name)) == wanted
        switched = METHOD.configure(switch_at=0.5, switch_grow=name)
        assert METHOD.needs(switched) == wanted


def test_as_many_are_dropped_as_can_grow_elsewhere() -> None:
    """Known mistake: SET on a dense layer drops more than there are absent edges, and shrinks."""
    mask = torch.ones(3, 4, dtype=torch.bool)
    mask[:, 3] = False
    weight = torch.tensor([[1.0, 2.0, -3.0, 0], [4.0, 5.0, -6.0, 0], [7.0, 8.0, -9.0, 0]])
    plan = UpdatePlan(1, 2 / 3, "sign", "random", "inactive-before")
    update = SET().update_layer(LayerView("fc", mask, weight), plan, SET().configure(), seeded())
    # Three are absent: a third of each sign goes, two of six and one of three.
    assert update.dropped.int().tolist() == [[1, 1, 1, 0], [0] * 4, [0] * 4]
    assert update.grown.int().tolist() == [[0, 0, 0, 1]] * 3
    assert int(update.mask.sum()) == 9
    # Where a dropped one may come back there is room for all six.
    plan = UpdatePlan(1, 2 / 3, "sign", "random", "not-kept")
    update = SET().update_layer(LayerView("fc", mask, weight), plan, SET().configure(), seeded())
    assert int(update.dropped.sum()) + update.regrown == 6 and int(update.mask.sum()) == 9


def test_no_more_grow_than_there_is_room_for() -> None:
    mask = torch.tensor([[True, True, False], [True, False, False]])
    keep = torch.tensor([[True, False, False], [True, False, False]])
    score = torch.arange(6.0).reshape(2, 3)
    for given_score in (score, None):
        update = grow(mask, keep, given_score, seeded(), number=100)
        assert bool(update.mask.all()) and update.regrown == 1
        assert int(update.grown.sum()) == 3 and not bool(update.dropped.any())
        update = grow(mask, keep, given_score, seeded(), number=100, candidates="inactive-before")
        assert update.mask.int().tolist() == [[1, 0, 1], [1, 1, 1]] and update.regrown == 0


def test_growth_in_memory_order_is_by_the_score_first() -> None:
    mask = torch.tensor([[False, True, False, False, True]])
    keep = torch.tensor([[False, True, False, False, False]])
    score = torch.tensor([[0.0, 9.0, 2.0, 2.0, 9.0]])
    update = grow_in_memory_order(mask, keep, score)
    assert update.mask.int().tolist() == [[0, 1, 1, 0, 0]] and update.regrown == 0


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
    assert by_sign(weight, 0.5) == [[0, 0, 1, 1, 0, 0, 1, 1]]
    # Each sign loses its own share: magnitude alone would drop only the small positive ones.
    weight = torch.tensor([[-1.0, -2.0, 0.1, 0.2, 0.3, 0.4]])
    assert by_sign(weight, 0.5) == [[0, 1, 0, 0, 1, 1]]
    # A weight of exactly 0 is positive: of three positive and one negative, one and none go.
    assert by_sign(torch.tensor([[0.0, 1.0, 2.0, -1.0]]), 0.5) == [[0, 1, 1, 1]]


def test_fan_in_is_free() -> None:
    """Known mistake: regrowth row by row freezes every fan-in."""
    mask = torch.zeros(20, 50, dtype=torch.bool)
    mask[:, :10] = True
    weight = torch.rand(20, 50, generator=seeded())
    update = update_of(mask, weight, None, 0.5, seeded(1), grow="random")
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
    assert not times.due(0) and times.before(0) == 0  # before the first step there is nothing
    assert [times.before(s) for s in (10, 11, 21, 30, 99)] == [0, 1, 2, 2, 2]
    never = UpdateTimes(10, t_end=0, steps_per_epoch=10)
    assert not any(never.due(s) for s in range(31)) and never.before(31) == 0
    assert UpdateTimes(None, 30, 10).before(31) == 0
    assert cosine_fraction(0, 0, 0.3) == 0


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
    weight = torch.rand(100, 100, generator=seeded())
    assert torch.equal(update_of(full, weight, None, 0.0, seeded(), grow="random").mask, full)


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
