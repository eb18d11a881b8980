"""From packed masks to sparse rows, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
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


@pytest.mark.parametrize(
    ("rows", "width"), [(1, 8), (8, 8), (3, 7), (5, 9), (2, 64), (40, 3), (9, 1)]
)
@pytest.mark.parametrize("kind", ["full", "empty", "ends", "alternating"])
def test_rows_that_begin_anywhere_in_a_byte(rows: int, width: int, kind: str) -> None:
    mask = np.zeros((rows, width), bool)
    if kind == "full":
        mask[:] = True
    elif kind == "ends":
        mask[:, 0] = mask[:, -1] = True
    elif kind == "alternating":
        mask.reshape(-1)[::2] = True
    indptr, indices = csr_of_bits(pack_mask(mask), rows, width)
    expected = sp.csr_array(mask)
    assert indptr.tolist() == expected.indptr.tolist()
    assert indices.tolist() == expected.indices.tolist()
    assert indptr.dtype == indices.dtype == np.int32


def test_whole_rows_without_a_bit() -> None:
    """Bytes of zeros are skipped, and the row that follows is found again."""
    mask = np.zeros((50, 5), bool)
    mask[[0, 17, 49], [4, 0, 4]] = True
    indptr, indices = csr_of_bits(pack_mask(mask), 50, 5)
    assert np.flatnonzero(np.diff(indptr)).tolist() == [0, 17, 49]
    assert indices.tolist() == [4, 0, 4]
