"""The k highest scores: infinite ones are scores, NaN is none."""

from __future__ import annotations

import math

import pytest
import torch

from topolab.errors import TopolabError
from topolab_trainers.update import highest


def test_infinite_scores_are_no_divergence() -> None:
    """Their sum is NaN, though none of them is."""
    scores = torch.tensor([-math.inf, 2.0, math.inf, 1.0])
    assert sorted(highest(scores, 2, torch.Generator()).tolist()) == [1, 2]


@pytest.mark.parametrize("scores", [[math.nan, 1.0, 2.0], [math.nan] * 3, [math.inf, math.nan]])
def test_one_nan_is_a_divergence(scores: list[float]) -> None:
    with pytest.raises(TopolabError, match="NaN score"):
        highest(torch.tensor(scores), 1, torch.Generator())
