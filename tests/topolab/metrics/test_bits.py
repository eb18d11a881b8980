"""From packed masks to sparse rows, against scipy."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from topolab.metrics.bits import csr_of_bits
from topolab.snapshot import pack_mask

SEEDS = st.integers(0, 10_000)


@given(SEEDS, st.integers(1, 9), st.integers(1, 19), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_csr_of_bits_is_scipys(seed: int, rows: int, width: int, density: float) -> None:
    mask = np.random.default_rng(seed).random((rows, width)) < density
    indptr, indices = csr_of_bits(pack_mask(mask), rows, width)
    expected = sp.csr_array(mask)
    assert indptr.tolist() == expected.indptr.tolist()
    assert indices.tolist() == expected.indices.tolist()


def test_bits_beyond_the_mask_are_no_edges() -> None:
    packed = np.array([0b11111111], dtype=np.uint8)
    assert csr_of_bits(packed, 1, 3)[1].tolist() == [0, 1, 2]
