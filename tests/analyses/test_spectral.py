"""Singular values of a hand-worked mask."""

from __future__ import annotations

import numpy as np
import pytest
from hand_worked import MASKS, first

import topolab


def test_spectral_by_hand(small: topolab.Run) -> None:
    table = first(small, "spectral").set_index("layer")
    values = np.linalg.svd(MASKS["fc1"].astype(float), compute_uv=False)
    assert table.loc["fc1", ["sigma1", "sigma2"]].tolist() == pytest.approx(values[:2].tolist())
    assert not table.loc["fc1", "proven"]
