"""Heatmaps of a hand-worked network."""

from __future__ import annotations

from hand_worked import first

import topolab


def test_heatmap_by_hand(small: topolab.Run) -> None:
    table = first(small, "heatmap")
    image = table[table["view"] == "input_degree"].pivot(index="row", columns="col", values="value")
    assert image.to_numpy().tolist() == [[2, 1], [1, 0]]
    back = table[table["view"] == "first_hidden"].pivot(index="row", columns="col", values="value")
    assert back.to_numpy().tolist() == [[6, 5], [5, 0]]  # h0 has degree 5, h1 1, h2 1
