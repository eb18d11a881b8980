"""The topology curves of a snapshot, by hand and as the analysis has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tracker_files import LAYERS, by_hand

import topolab
from topolab.integrations.curves import CurveWriter, curves


def test_the_curves_by_hand(tmp_path: Path) -> None:
    run = by_hand(tmp_path / "run")
    assert curves(run[0]) == pytest.approx({
        "topology/density": 6 / 10,
        "topology/fc1/density": 4 / 8,
        "topology/fc1/fan_in_ccv": 0.5,  # mean 2, standard deviation 1
        "topology/fc1/fan_in_gini": 0.25,
        "topology/fc2/density": 1.0,
        "topology/fc2/fan_in_ccv": 0.0,
        "topology/fc2/fan_in_gini": 0.0,
        "topology/k_max": 1.0,  # a tree
        "metrics/test_accuracy": 0.5,
    })  # fmt: skip
    second = curves(run[1])
    assert (second["topology/fc1/fan_in_gini"], second["epoch"]) == (0.0, 1.5)


def test_layers_that_do_not_chain_have_no_highest_core(tmp_path: Path) -> None:
    layers = (LAYERS[0], topolab.LayerSpec("fc2", "linear", (1, 3)))
    values = curves(by_hand(tmp_path / "run", layers)[0])
    assert "topology/k_max" not in values
    assert values["topology/fc1/fan_in_ccv"] == 0.5


def test_the_curves_agree_with_the_analysis(example_run: topolab.Run) -> None:
    table = topolab.analyse(example_run, ["degree"], cache=False)["degree"].table
    for snapshot in example_run:
        values = curves(snapshot)
        rows = table[(table["step"] == snapshot.step) & (table["direction"] == "in")]
        for row in rows.itertuples():
            assert values[f"topology/{row.layer}/fan_in_ccv"] == pytest.approx(row.ccv)
            assert values[f"topology/{row.layer}/fan_in_gini"] == pytest.approx(row.gini)


def test_a_writer_of_ones_own_measure(tmp_path: Path) -> None:
    class Kept(CurveWriter):
        def __init__(self) -> None:
            super().__init__(lambda snapshot: {"edges": snapshot.nnz("fc1")})
            self.rows: list[tuple[int, dict[str, float]]] = []
            self.closed = False

        def scalars(self, step: int, values: Any) -> None:
            self.rows.append((step, dict(values)))

        def close(self) -> None:
            self.closed = True

    with Kept() as writer:
        assert writer.write(by_hand(tmp_path / "run")) == 2
    assert writer.closed
    assert writer.rows == [(0, {"edges": 4}), (30, {"edges": 4})]
