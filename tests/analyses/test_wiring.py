"""Neurons and bundles of a hand-worked network."""

from __future__ import annotations

from pathlib import Path

import pytest

import topolab
from topolab.errors import AnalysisError


def test_wiring_of_a_network_worked_by_hand(tmp_path: Path) -> None:
    """Three inputs, four hidden neurons in two groups, one output; two of them on no path."""
    layers = (
        topolab.LayerSpec("a", "linear", (4, 3)),
        topolab.LayerSpec("b", "linear", (1, 4)),
    )
    masks = {"a": [[1, 1, 1], [1, 1, 0], [0, 0, 1], [0, 0, 0]], "b": [[1, 1, 0, 1]]}
    with topolab.Recorder(tmp_path / "run", layers=layers) as recorder:
        recorder.record(0, masks)
    result = topolab.analyse(
        topolab.open_run(tmp_path / "run"), ["wiring"], parameters={"wiring": {"groups": 2}}
    )["wiring"]
    neurons = result.tables["wiring_neurons"]
    hidden = neurons[neurons["layer"] == "a"]
    assert hidden["fan_in"].tolist() == [3, 2, 1, 0]
    assert hidden["fan_out"].tolist() == [1, 1, 0, 1]
    assert hidden["rank_group"].tolist() == [0, 0, 1, 1]
    assert hidden["on_path"].tolist() == [True, True, False, False]
    # Without the last layer: a square of two inputs and two neurons, and what hangs on it.
    assert hidden["coreness"].tolist() == [2, 2, 1, 0]
    assert hidden["role"].tolist() == ["core", "core", "crust", "isolated"]
    assert neurons[neurons["layer"] == "b"]["role"].tolist() == ["output"]
    bundles = result.tables["wiring"]
    first = bundles[bundles["layer"] == "a"].set_index(["source_group", "target_group"])
    # Inputs by degree: 2, 2, 2 edges; ties by index: inputs 0 and 1 in group 0, input 2 in group 1.
    assert first["edges"].to_dict() == {(0, 0): 4, (1, 0): 1, (0, 1): 0, (1, 1): 1}
    assert first["possible"].to_dict() == {(0, 0): 4, (1, 0): 2, (0, 1): 4, (1, 1): 2}


def test_wiring_adds_up(example_run: topolab.Run) -> None:
    """Bundles have every edge once, and neurons the degrees of `degree`."""
    tables = topolab.analyse(example_run, ["wiring", "degree"])
    per_layer = tables["wiring"].table.groupby(["step", "layer"])["edges"].sum()
    degree = tables["degree"].table
    fan_in = degree[(degree["direction"] == "in")].set_index(["step", "layer"])["n_edges"]
    assert per_layer.to_dict() == fan_in.to_dict()
    neurons = tables["wiring"].tables["wiring_neurons"]
    largest = (neurons["fan_in"] + neurons["fan_out"]).groupby(
        [neurons["step"], neurons["layer"]]
    ).max()  # fmt: skip
    total = degree[degree["direction"] == "total"].set_index(["step", "layer"])["max"]
    assert largest.to_dict() == total.to_dict()
    with pytest.raises(AnalysisError, match="groups must be at least 1"):
        topolab.analyse(example_run, ["wiring"], parameters={"wiring": {"groups": 0}})
