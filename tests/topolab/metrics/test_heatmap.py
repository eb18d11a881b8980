"""Where in the input image the network looks."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from topolab.metrics import heatmap


def test_heatmaps_count_edges_not_weights() -> None:
    first = sp.csr_array(np.array([[3, 0, 1], [0, 0, 2]]))
    assert heatmap.input_degree(first).tolist() == [1, 0, 2]
    assert heatmap.first_hidden(first, np.array([10, 4])).tolist() == [10, 0, 14]
