"""The random numbers of a bootstrap's replicates."""

from __future__ import annotations

import numpy as np
import pytest

from topolab.metrics.powerlaw.replicates import draw_uniforms


@pytest.mark.parametrize(
    ("start", "count", "n"), [(0, 1, 1), (0, 5, 13), (7, 3, 64), (2**33, 2, 6)]
)
def test_a_replicate_has_the_numbers_of_its_place(start: int, count: int, n: int) -> None:
    """Those of a Philox generator of its own, whatever was drawn before it."""
    key = np.random.SeedSequence(9).generate_state(2, np.uint64)
    drawn = draw_uniforms(9, start, count, n)
    for i in range(count):
        counter = np.array([0, start + i, 0, 0], dtype=np.uint64)
        alone = np.random.Generator(np.random.Philox(key=key, counter=counter))
        assert drawn[i].tolist() == alone.random(n).tolist()
