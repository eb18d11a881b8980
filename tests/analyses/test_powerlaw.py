"""Power laws: which rows there are, and how they follow from the fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_worked import first, recorded

import topolab
from topolab.api import analyse, make_analysis
from topolab.errors import AnalysisError
from topolab.metrics import powerlaw as metrics
from topolab_analyses.capacity import edge_capacity


def test_powerlaw_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    hubs = np.minimum(rng.zipf(1.8, 300), 200)
    mask = np.arange(200)[None, :] < hubs[:, None]
    layers = (
        topolab.LayerSpec("a", "linear", (300, 200)),
        topolab.LayerSpec("b", "linear", (2, 300)),
    )
    with topolab.Recorder(tmp_path / "r", layers=layers) as recorder:
        recorder.record(0, {"a": mask, "b": np.zeros((2, 300))})
    unbounded = {"x_min": 5, "x_max": 0, "direction": "total", "replicates": 20}
    table = first(topolab.open_run(tmp_path / "r"), "powerlaw", **unbounded)
    assert table[["layer", "variant"]].to_numpy().tolist() == [
        ["a", "searched"], ["a", "fixed"], ["hidden", "searched"], ["hidden", "fixed"],
    ]  # fmt: skip
    law = topolab.metrics.powerlaw.fit(hubs, 5)
    fixed = table.iloc[1]
    assert (fixed["alpha"], fixed["n_tail"], fixed["x_min"]) == (law.alpha, law.n_tail, 5)
    assert 0 <= fixed["p_value"] <= 1
    none = first(
        topolab.open_run(tmp_path / "r"), "powerlaw", x_min=5000, x_max=0, direction="in"
    ).iloc[1]
    assert np.isnan(none["alpha"]) and "x_min = 5000" in none["reason"]


@pytest.fixture
def two_layers(tmp_path: Path) -> topolab.Run:
    """400 and 60 hidden neurons between 300 inputs and 20 outputs; hubs in the first."""
    rng = np.random.default_rng(1)
    k = np.arange(3, 301)
    chance = k**-1.6
    fan_in = rng.choice(k, 400, p=chance / chance.sum())
    layers = (
        topolab.LayerSpec("a", "linear", (400, 300)),
        topolab.LayerSpec("b", "linear", (60, 400)),
        topolab.LayerSpec("c", "linear", (20, 60)),
    )
    masks = {
        "a": np.arange(300)[None, :] < fan_in[:, None],
        "b": rng.random((60, 400)) < 0.1,
        "c": np.ones((20, 60), dtype=bool),
    }
    return recorded(tmp_path / "two", [masks], layers)


def test_each_end_has_its_own_bound(two_layers: topolab.Run) -> None:
    table = first(two_layers, "powerlaw", x_min=5, replicates=100, errors=0, rivals="none")
    bounds = {
        (row["layer"], row["end"]): row["x_max"]
        for row in table[table["variant"] == "fixed"].to_dict("records")
    }
    assert bounds == {
        ("a", "in"): 300, ("a", "out"): 60, ("a", "total"): 360,
        ("b", "in"): 400, ("b", "out"): 20, ("b", "total"): 420,
        ("hidden", "in"): 400, ("hidden", "out"): 60, ("hidden", "total"): 420,
    }  # fmt: skip
    graph = topolab.LayeredGraph.from_snapshot(two_layers[0])
    fan_in = graph.degrees("in")[graph.layer_slice("a")]
    chosen = table[(table["layer"] == "a") & (table["end"] == "in")].set_index("variant")
    for variant, x_min in (("searched", None), ("fixed", 5)):
        law = metrics.fit(fan_in, x_min, 300)
        assert chosen.loc[variant, "alpha"] == law.alpha and law.alpha < metrics.fit(fan_in).alpha
        assert chosen.loc[variant, "x_min"] == law.x_min and chosen.loc[variant, "p_value"] > 0.1
    dense = table[(table["layer"] == "b") & (table["end"] == "out")]
    assert set(dense["reason"]) == {
        "fewer than two distinct positive degrees",
        "fewer than two distinct degrees at or above x_min = 5",
    }
    given = first(two_layers, "powerlaw", x_min=5, x_max=300, replicates=0, direction="in")
    assert set(given["x_max"]) == {300} and set(given["end"]) == {"in"}
    narrow = first(two_layers, "powerlaw", x_min=55, replicates=0, direction="out")
    reasons = narrow[narrow["variant"] == "fixed"].set_index("layer")["reason"]
    assert reasons["a"] == "no room for a tail of ten degrees from 55 to x_max = 60"
    assert (reasons["b"], narrow.iloc[3]["x_max"]) == (
        "no room for a tail of ten degrees from 55 to x_max = 20", 20
    )  # fmt: skip


def test_a_fixed_tail_has_room_for_ten_degrees(two_layers: topolab.Run) -> None:
    for x_min, room in ((51, True), (52, False)):  # the out-degrees of a go up to 60
        table = first(two_layers, "powerlaw", x_min=x_min, replicates=0, direction="out")
        reason = table[table["layer"] == "a"].set_index("variant").loc["fixed", "reason"]
        assert reason.startswith("no room for a tail of ten") != room


def test_a_capacity_is_the_degree_of_a_neuron_of_dense_layers() -> None:
    spec = topolab.LayerSpec
    layers = (
        spec("conv1", "conv", (6, 3, 3, 3)),
        spec("conv2", "conv", (8, 3, 3, 3), groups=2),
        spec("fc", "linear", (10, 8 * 4)),
        spec("skip", "linear", (7, 8 * 4), source="conv2"),
    )
    masks = {layer.name: np.ones(layer.shape, dtype=bool) for layer in layers}
    graph, found = topolab.LayeredGraph.from_masks(layers, masks), edge_capacity(layers)
    assert set(found) == set(graph.layer_names)
    for name, ends in found.items():
        for end, capacity in ends.items():
            degrees = graph.degrees(end)[graph.layer_slice(name)]  # type: ignore[arg-type]
            assert set(degrees) == {capacity}, (name, end)
    assert found["conv2"] == {"in": 3, "out": 17, "total": 20}


def test_a_comparison_has_the_fits_to_all_edges(two_layers: topolab.Run) -> None:
    settings = {"x_min": 5, "replicates": 0, "errors": 0, "rivals": "none"}
    analysis = make_analysis("powerlaw", settings)
    table = analyse(two_layers, ["powerlaw"], parameters={"powerlaw": settings})["powerlaw"].table
    assert set(table["end"]) == {"in", "out", "total"}
    assert set(analysis.headline(table)["end"]) == {"total"} and len(analysis.headline(table)) == 6
    into = make_analysis("powerlaw", {**settings, "direction": "in"})
    assert set(into.headline(table)["end"]) == {"in"}


def test_bootstrap_errors_of_the_searched_fit(two_layers: topolab.Run) -> None:
    table = first(
        two_layers, "powerlaw", x_min=5, replicates=0, errors=30, rivals="none", direction="in"
    )
    graph = topolab.LayeredGraph.from_snapshot(two_layers[0])
    fan_in = graph.degrees("in")[graph.layer_slice("a")]
    error = metrics.bootstrap(fan_in, None, 300, replicates=30)
    names = ["alpha_error", "x_min_error", "n_tail_error"]
    assert table.iloc[0][names].tolist() == [error.alpha, error.x_min, error.n_tail]
    assert 0 < error.alpha < 1 and error.n_tail > 1
    assert table.iloc[1][names].isna().all()  # x_min is fixed


def test_stop_at_is_one_threshold_or_several(two_layers: topolab.Run) -> None:
    settings = {"x_min": 5, "errors": 0, "rivals": "none", "direction": "in"}
    found = {
        stop_at: first(two_layers, "powerlaw", stop_at=stop_at, **settings)
        for stop_at in ((0.1, 0.95), 0.1, 0)
    }
    both, one, every = found.values()
    assert set(every[every["reason"] == ""]["replicates"]) == {2500} and not every["stopped"].any()
    assert (one["replicates"] <= both["replicates"]).all() and one["stopped"].any()
    for table in (both, one):
        ended = table[table["stopped"]]
        assert ((ended["p_low"] > 0.1) | (ended["p_high"] < 0.1)).all()
    ended = both[both["stopped"]]
    assert ((ended["p_low"] > 0.95) | (ended["p_high"] < 0.95)).all()
    for bad in ((0.1, 1.0), (0.1, 0), -0.5):
        with pytest.raises(AnalysisError, match="stop_at"):
            analyse(two_layers, ["powerlaw"], parameters={"powerlaw": {"stop_at": bad}})


def test_the_powerlaw_package_as_the_engine(two_layers: topolab.Run) -> None:
    """Discrete it agrees, continuous it does not: degrees of 5 are not real numbers from 5 on."""
    settings = {"x_min": 5, "x_max": 0, "direction": "in", "errors": 0, "replicates": 100}
    alphas = {}
    for engine in ("topolab", "powerlaw", "powerlaw-continuous"):
        made = analyse(
            two_layers, ["powerlaw"], parameters={"powerlaw": {**settings, "engine": engine}}
        )["powerlaw"]
        table = made.table[made.table["layer"] == "a"].set_index("variant")
        alphas[engine] = table["alpha"]
        if engine != "topolab":
            assert table["p_value"].isna().all()
            assert set(table["reason"]) == {"no p: the powerlaw package tests no fit"}
            rivals = made.tables["powerlaw_rivals"]
            assert rivals["reason"].tolist() == [f"not asked for (engine = {engine})"]
    assert alphas["powerlaw"]["fixed"] == pytest.approx(alphas["topolab"]["fixed"], abs=1e-3)
    graph = topolab.LayeredGraph.from_snapshot(two_layers[0])
    fan_in = graph.degrees("in")[graph.layer_slice("a")]
    tail = fan_in[fan_in >= 5]
    continuous = 1 + len(tail) / np.log(tail / 5).sum()
    assert alphas["powerlaw-continuous"]["fixed"] == pytest.approx(continuous, rel=1e-6)
    assert continuous > alphas["topolab"]["fixed"] + 0.03
    with pytest.raises(AnalysisError, match="engine"):
        analyse(two_layers, ["powerlaw"], parameters={"powerlaw": {"engine": "plfit"}})


def test_powerlaw_rivals_and_p_through_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = (
        topolab.LayerSpec("a", "linear", (300, 200)),
        topolab.LayerSpec("b", "linear", (2, 300)),
    )
    frames = []
    for _ in range(2):
        hubs = np.minimum(rng.zipf(1.8, 300), 200)
        frames.append({"a": np.arange(200)[None, :] < hubs[:, None], "b": np.zeros((2, 300))})
    run = recorded(tmp_path / "r", frames, layers)
    result = analyse(run, ["powerlaw"], parameters={"powerlaw": {"x_min": 5, "errors": 20}})
    rivals = result["powerlaw"].tables["powerlaw_rivals"]
    assert set(rivals["step"]) == {1} and len(rivals) == 2 * 3 * 2 * len(
        topolab.metrics.powerlaw.RIVALS
    )
    assert set(rivals["rival"]) == set(topolab.metrics.powerlaw.RIVALS)
    table = result["powerlaw"].table
    nowhere = table[table["end"] == "out"]  # no neuron of b reads any of a
    assert set(nowhere["reason"].str[:26]) == {"no room for a tail of ten "}
    table = table[table["end"] != "out"]
    assert table["p_value"].notna().all() and (table["replicates"] >= 100).all()
    searched = table[(table["variant"] == "searched") & (table["step"] == 1)]
    assert searched["x_min_error"].notna().all()
    assert table[table["step"] == 0]["x_min_error"].isna().all()
    none = analyse(run, ["powerlaw"], parameters={"powerlaw": {"rivals": "none"}})["powerlaw"]
    assert "not asked for" in none.tables["powerlaw_rivals"]["reason"].iloc[0]
