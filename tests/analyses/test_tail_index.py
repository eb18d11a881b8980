"""Tail indices: which rows there are, and how they follow from the estimators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_worked import recorded

import topolab
from topolab.api import analyse, make_analysis
from topolab.errors import AnalysisError
from topolab.metrics import tail_index as metrics


@pytest.fixture
def hubs(tmp_path: Path) -> topolab.Run:
    """Heavy fan-in in the first layer; no edges beyond it but one dense layer's."""
    rng = np.random.default_rng(0)
    layers = (
        topolab.LayerSpec("a", "linear", (300, 5000)),
        topolab.LayerSpec("b", "linear", (70, 300)),
        topolab.LayerSpec("c", "linear", (5, 70)),
    )
    frames = []
    for _ in range(2):
        fan_in = np.minimum(rng.zipf(2.0, 300), 5000)
        frames.append(
            {
                "a": np.arange(5000)[None, :] < fan_in[:, None],
                "b": np.zeros((70, 300), dtype=bool),
                "c": np.ones((5, 70), dtype=bool),
            }
        )
    return recorded(tmp_path / "hubs", frames, layers)


def test_rows_follow_from_the_estimators(hubs: topolab.Run) -> None:
    settings = {"replicates": 40, "seed": 3}
    table = analyse(hubs, ["tail_index"], parameters={"tail_index": settings})["tail_index"].table
    assert set(table["step"]) == {1}
    assert table[["layer", "end"]].to_numpy().tolist() == [
        [layer, end] for layer in ("a", "b", "hidden") for end in ("in", "out", "total")
    ]
    graph = topolab.LayeredGraph.from_snapshot(hubs[1])
    values = metrics.add_noise(graph.degrees("in")[graph.layer_slice("a")], 3)
    row = table.iloc[0]
    made = {
        "hill": metrics.hill(values, replicates=40, seed=3),
        "moments": metrics.moments(values, replicates=40, seed=3),
        "kernel": metrics.kernel(values, replicates=40, seed=3),
    }
    for name, index in made.items():
        assert (row[f"xi_{name}"], row[f"k_{name}"], row["n"]) == (index.xi, index.k, 300)
        assert row[f"gamma_{name}"] == index.gamma
    assert row["category"] == metrics.category(made.values()) != "" and row["reason"] == ""
    empty = table[(table["layer"] == "a") & (table["end"] == "out")].iloc[0]
    dense = table[(table["layer"] == "b") & (table["end"] == "total")].iloc[0]
    for missing, n in ((empty, 0), (dense, 70)):
        assert missing["reason"] == "fewer than two distinct positive degrees"
        assert missing["n"] == n and missing["category"] == "" and np.isnan(missing["xi_hill"])


def test_steps_and_ends_are_chosen(hubs: topolab.Run) -> None:
    settings = {"replicates": 10, "steps": "all", "direction": "in"}
    made = analyse(hubs, ["tail_index"], parameters={"tail_index": settings})["tail_index"]
    assert set(made.table["step"]) == {0, 1} and set(made.table["end"]) == {"in"}
    assert set(made.analysis.headline(made.table)["layer"]) == {"a", "b", "hidden"}
    both = make_analysis("tail_index", {"replicates": 10})
    assert not len(both.headline(made.table))  # it compares totals, and there are none
    for bad in ({"direction": "up"}, {"steps": "first"}, {"replicates": 3}):
        with pytest.raises(AnalysisError, match="tail_index"):
            analyse(hubs, ["tail_index"], parameters={"tail_index": bad})
