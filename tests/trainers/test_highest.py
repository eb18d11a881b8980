"""Choosing edges: the k highest of a vector, and places that are free."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from topolab_trainers.update import draw_outside, grow, grow_in_memory_order, highest


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("k", [5_000, 20_000])
def test_all_high_scores_where_the_sample_looks(k: int) -> None:
    """The sample then guesses a value that fewer than k reach; k are chosen even so."""
    scores = torch.zeros(40_000)
    scores[::5] = torch.arange(8000.0) + 1  # of 40,000 every fifth is in the sample
    scores[1::5] = torch.arange(8000.0) / 8000
    chosen = highest(scores, k, seeded())
    assert len(set(chosen.tolist())) == k
    expected = scores.sort(descending=True).values[:k]
    assert torch.equal(scores[chosen].sort(descending=True).values, expected)


def test_growth_changes_none_of_its_arguments() -> None:
    """A criterion may score by a tensor that training goes on with, such as the gradient."""
    mask = torch.tensor([[False, True, False], [True, False, True]])
    keep = torch.tensor([[False, True, False], [False, False, True]])
    score = torch.arange(6.0).reshape(2, 3)
    given = mask, keep, score
    before = [tensor.clone() for tensor in given]
    grow(mask, keep, score, seeded())
    grow(mask, keep, None, seeded())
    grow_in_memory_order(mask, keep, score)
    assert all(torch.equal(a, b) for a, b in zip(given, before, strict=True))


def test_a_few_of_many_are_the_first_free_places_that_are_drawn() -> None:
    """The bytes of a run depend on which of two draws of one place counts: the first."""
    mask = torch.zeros(9000, dtype=torch.bool)
    mask[::3] = True
    drawn = torch.randint(0, 9000, (int(1.2 * 1000 * 9000 / 6000) + 64,), generator=seeded(3))
    free = [place for place in drawn.tolist() if place % 3]
    expected = list(dict.fromkeys(free))[:1000]
    assert len(expected) == 1000 < len(free) and len(np.unique(free[:1000])) < 1000
    assert draw_outside(mask, 1000, seeded(3)).tolist() == expected


def test_it_draws_on_until_there_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first draw with too many repetitions is next to impossible; here it has one place only."""
    draw, calls = torch.randint, []

    def unlucky(*args: int, generator: torch.Generator) -> torch.Tensor:
        calls.append(args)
        drawn = draw(*args, generator=generator)  # type: ignore[call-overload]
        return drawn if len(calls) > 1 else torch.ones_like(drawn)

    monkeypatch.setattr(torch, "randint", unlucky)
    places = draw_outside(torch.zeros(9000, dtype=torch.bool), 1000, seeded()).tolist()
    assert len(calls) == 2 and len(set(places)) == len(places) == 1000 and places[0] == 1


def test_growth_in_memory_order_takes_the_first_of_equal_scores() -> None:
    """And says which edges went and which came; one that was dropped does not come back."""
    mask = torch.zeros(6, 50, dtype=torch.bool)
    mask[:, ::5] = True
    keep = mask.clone()
    keep[3:] = False
    update = grow_in_memory_order(mask, keep, torch.zeros(6, 50))
    came = torch.nonzero(~mask.reshape(-1)).squeeze(1)[:30]
    assert torch.nonzero(update.grown.reshape(-1)).squeeze(1).tolist() == came.tolist()
    assert torch.equal(update.dropped, mask & ~keep)
    assert torch.equal(update.mask, keep | update.grown) and update.regrown == 0
