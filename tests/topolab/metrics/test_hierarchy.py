"""Gradients by fan-in."""

from __future__ import annotations

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
