"""Hand-worked networks for the analyses of rewiring, weights, gradients, paths and nulls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import topolab
from topolab.api import analyse, make_analysis
from topolab.errors import AnalysisError, ConfigError

# As in test_analyses: four inputs in a 2 x 2 image, three hidden neurons, two outputs.
LAYERS = (
    topolab.LayerSpec("fc1", "linear", (3, 4), image_shape=(1, 2, 2)),
    topolab.LayerSpec("fc2", "linear", (2, 3)),
)
MASKS = {
    "fc1": np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]),
    "fc2": np.array([[1, 0, 0], [1, 0, 1]]),
}
LATER = {**MASKS, "fc1": np.array([[0, 0, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0]])}


def recorded(
    path: Path, frames: list[dict[str, Any]], layers: Any = LAYERS, **more: list[Any]
) -> topolab.Run:
    with topolab.Recorder(path, layers=layers) as recorder:
        for i, masks in enumerate(frames):
            extra = {k: v[i] for k, v in more.items()}
            recorder.record(i, masks, epoch=float(i), **extra)
    return topolab.open_run(path)


@pytest.fixture
def small(tmp_path: Path) -> topolab.Run:
    return recorded(tmp_path / "small", [MASKS, LATER])


def first(run: topolab.Run, name: str, table: str | None = None, **parameters: Any) -> pd.DataFrame:
    frame = analyse(run, [name], parameters={name: parameters})[name].tables[table or name]
    return frame[frame["step"] == 0] if "step" in frame else frame


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("dormant", {"thresholds": "x"}),
        ("dormant", {"thresholds": (1.5, 2)}),
        ("attachment", {"windows": "abc"}),
        ("attachment", {"windows": 2.5}),
        ("selection", {"seed": -1}),
        ("selection", {"x_min": True}),
        ("kshell", {"exclude_output": "maybe"}),
        ("nulls", {"swaps": float("nan")}),
        ("kendall", {"direction": 3}),
    ],
)
def test_parameters_of_another_type(small: topolab.Run, name: str, bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"{name}\.\w+ = "):
        analyse(small, [name], parameters={name: bad})
    assert make_analysis("dormant", {"thresholds": 5}).parameters["thresholds"] == (5,)
    assert make_analysis("nulls", {"swaps": 2}).parameters["swaps"] == 2.0


def test_exploration_by_hand(tmp_path: Path) -> None:
    """An edge that goes and comes back, one that comes and goes, in a layer of four."""
    layers = (
        topolab.LayerSpec("a", "linear", (2, 2)),
        topolab.LayerSpec("b", "linear", (1, 2), maskable=False),
    )
    frames = [[[1, 1], [0, 0]], [[1, 0], [1, 0]], [[1, 1], [0, 0]]]
    run = recorded(
        tmp_path / "e", [{"a": np.array(f), "b": np.ones((1, 2))} for f in frames], layers
    )
    result = analyse(run, ["exploration"], parameters={"exploration": {"cohorts": 3}})
    table = result["exploration"].table
    assert set(table["layer"]) == {"a", "all"}
    a = table[table["layer"] == "a"]
    assert a["r_s"].tolist() == [0.5, 0.75, 0.75]
    assert np.isnan(a["jaccard"].iloc[0])
    assert a["jaccard"].tolist()[1:] == pytest.approx([1 / 3] * 2)
    counts = a[["dropped", "grown", "regrown"]].to_numpy().tolist()
    assert counts == [[0, 0, 0], [1, 1, 0], [1, 1, 1]]
    assert a["regrown_share"].tolist()[1:] == [0.0, 1.0]
    alive = result["exploration"].tables["exploration_survival"].set_index(["born", "step"])
    assert alive.loc[(0, 2), ["unbroken", "present"]].tolist() == [0.5, 1.0]
    assert alive.loc[(1, 2), ["unbroken", "present"]].tolist() == [0.0, 0.0]
    assert alive.loc[(2, 2), ["size", "unbroken", "present"]].tolist() == [1, 1.0, 1.0]
    hubs = result["exploration"].tables["exploration_hubs"]
    level = hubs[(hubs["layer"] == "b")]
    assert level["turnover"].isna().all() and (level["n_hubs"] == 0).all()


def test_attachment_events_by_hand(small: topolab.Run) -> None:
    result = analyse(small, ["attachment"])["attachment"]
    events = result.tables["attachment_events"]
    part = events[(events["layer"] == "fc1") & (events["end"] == "in")].set_index("degree")
    # h0 had 0, 1, 2 and now has 3; h1 had 0 and now 0, 1; h2 had none and now 0.
    assert part["neurons"].to_dict() == {0: 1, 1: 1, 3: 1}
    assert part["gained"].to_dict() == {0: 1, 1: 1, 3: 1}
    assert part["lost"].to_dict() == {0: 0, 1: 0, 3: 3}
    # room is 4, 3, 1 of 8; three edges were grown, three of four dropped
    assert part["gain_chance"].tolist() == pytest.approx([3 * 4 / 8, 3 * 3 / 8, 3 * 1 / 8])
    assert part["loss_chance"].tolist() == pytest.approx([0, 3 / 4, 9 / 4])
    assert not (events["layer"] == "fc2").any()  # its mask never changes
    assert (result.table["reason"] != "").all()  # three events are too few for an exponent


def test_a_run_that_only_prunes_has_no_gain(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((3, 4)) < 2
    frames = []
    for _ in range(4):
        mask = mask & (rng.random((3, 4)) < 0.8)
        frames.append({**MASKS, "fc1": mask})
    table = analyse(recorded(tmp_path / "p", frames), ["attachment"])["attachment"].table
    gain = table[table["kernel"] == "gain"]
    assert len(gain) and (gain["reason"] == "no edge was grown").all()


def test_windows_begin_at_the_snapshot_before_their_first_update(tmp_path: Path) -> None:
    frames = [MASKS, LATER, LATER, LATER, MASKS]  # updates at steps 1 and 4
    run = recorded(tmp_path / "f", frames)
    table = analyse(run, ["attachment"], parameters={"attachment": {"windows": 2}})["attachment"]
    part = table.table[(table.table["layer"] == "fc1") & (table.table["kernel"] == "gain")]
    part = part[part["end"] == "in"].set_index("window")
    assert part[["step_from", "step_to"]].to_numpy().tolist() == [[0, 4], [0, 1], [3, 4]]


def test_paths_by_hand(small: topolab.Run) -> None:
    table = first(small, "paths").set_index("layer")
    assert table["off_path"].to_dict() == {"input": 1, "fc1": 2, "fc2": 0}
    # inputs 0, 1, 2 through h0 to two outputs
    assert table["log10_paths"].tolist() == pytest.approx([np.log10(6)] * 3)
    assert table["effective_edges"].to_dict() == {"input": 0, "fc1": 3, "fc2": 2}
    assert table.loc["fc1", "sparsity"] == pytest.approx(1 - 4 / 12)
    assert table.loc["fc1", "effective_sparsity"] == pytest.approx(1 - 3 / 12)
    assert table.loc["input", ["reached", "reaching"]].tolist() == [1.0, 0.75]


def test_a_dense_grouped_convolution_is_dense(tmp_path: Path) -> None:
    layers = (
        topolab.LayerSpec("conv", "conv", (4, 2, 3, 3), groups=2, image_shape=(4, 6, 6)),
        topolab.LayerSpec("fc", "linear", (2, 4)),
    )
    masks = {"conv": np.ones((4, 2, 3, 3)), "fc": np.ones((2, 4))}
    run = recorded(tmp_path / "g", [masks], layers)
    paths = first(run, "paths").set_index("layer")
    assert paths.loc["conv", ["sparsity", "effective_sparsity"]].tolist() == [0.0, 0.0]
    nulls = first(run, "nulls", replicates=3)
    assert (nulls["moved"] == 0).all() and (nulls["reason"] != "").all()


def test_strength_and_weighted_heatmaps_by_hand(tmp_path: Path) -> None:
    weights = {
        "fc1": np.array([[1, -2, 3, 0], [4, 0, 0, 0], [0, 0, 0, 0]]),
        "fc2": np.array([[5, 0, 0], [-1, 0, 2]]),
    }
    run = recorded(tmp_path / "w", [MASKS], weights=[weights])
    table = first(run, "strength").set_index(["layer", "direction"])
    assert table.loc[("fc1", "in"), "mean"] == pytest.approx((6 + 4) / 3)
    assert table.loc[("fc1", "out"), "mean"] == pytest.approx((6 + 0 + 2) / 3)
    assert table.loc[("input", "out"), "ccv"] == pytest.approx(np.std([5, 2, 3, 0]) / 2.5)
    heat = first(run, "heatmap").set_index(["view", "row", "col"])["value"]
    assert [heat["input_strength", i, j] for i in (0, 1) for j in (0, 1)] == [5, 2, 3, 0]
    # strengths of h0, h1, h2: 6 + 6, 4, 2
    assert [heat["first_hidden_strength", i, j] for i in (0, 1) for j in (0, 1)] == [16, 12, 12, 0]
    without = first(recorded(tmp_path / "n", [MASKS]), "strength")
    assert without["mean"].isna().all() and without["reason"].str.contains("not recorded").all()
    weights["fc1"] = np.array([[np.nan, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    broken = first(recorded(tmp_path / "nan", [MASKS], weights=[weights]), "strength")
    assert broken.set_index(["layer", "direction"])["reason"]["fc1", "in"].endswith("not finite")


def test_gradient_by_hand(tmp_path: Path) -> None:
    gradient = {"fc1": np.array([3.0, 1.0, 9.0]), "fc2": np.array([1.0, 2.0])}
    run = recorded(tmp_path / "g", [MASKS], gradient=[gradient])
    table = first(run, "gradient").set_index("layer")
    assert np.isnan(table.loc["fc1", "ratio"])  # h2 has no weights: nothing to divide by
    assert "no weights" in table.loc["fc1", "reason"]
    assert table.loc["fc2", "ratio"] == 2.0
    deciles = first(run, "gradient", "gradient_deciles", parts=3)
    assert deciles[deciles["layer"] == "fc1"]["fan_in"].tolist() == [0, 1, 3]
    level = {"fc1": np.eye(3, 4), "fc2": MASKS["fc2"]}
    same = first(recorded(tmp_path / "s", [level], gradient=[gradient]), "gradient")
    assert "same fan-in" in same["reason"].iloc[0] and np.isnan(same["ratio"].iloc[0])
    broken = {"fc1": np.array([np.nan, 1, 1]), "fc2": np.array([1.0, 2.0])}
    bad = first(recorded(tmp_path / "b", [MASKS], gradient=[broken]), "gradient")
    assert "not finite" in bad["reason"].iloc[0]


def test_tau_dormant_by_hand(tmp_path: Path) -> None:
    activity = {"fc1": np.array([0.0, 0.05, 2.95]), "fc2": np.array([1.0, np.nan])}
    run = recorded(tmp_path / "a", [MASKS], activity=[activity])
    table = first(run, "dormant").set_index(["layer", "measure"])["count"]
    assert [table["fc1", f"tau_{tau}"] for tau in ("0", "0.025", "0.1")] == [1, 1, 2]
    assert ("fc2", "tau_0") not in table.index  # not finite: nothing is said


def test_nulls_of_a_mask_with_hubs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    layers = (
        topolab.LayerSpec("a", "linear", (40, 50)),
        topolab.LayerSpec("b", "linear", (30, 40)),
    )
    hub = rng.random((40, 50)) < np.where(np.arange(40) < 4, 0.8, 0.05)[:, None]
    run = recorded(tmp_path / "h", [{"a": hub, "b": rng.random((30, 40)) < 0.2}], layers)
    table = first(run, "nulls").set_index(["layer", "measure", "null"])
    assert table.loc[("a", "fan_in_ccv", "uniform"), "z"] > 10
    kept = table.loc[("a", "fan_in_ccv", "rewired")]
    assert np.isnan(kept["z"]) and "same value" in kept["reason"] and kept["moved"] > 0.3
    assert abs(table.loc[("b", "fan_in_ccv", "uniform"), "z"]) < 4
    assert set(table.index.get_level_values("layer")) == {"a", "b", "network"}


def test_spectral_by_hand(small: topolab.Run) -> None:
    table = first(small, "spectral").set_index("layer")
    values = np.linalg.svd(MASKS["fc1"].astype(float), compute_uv=False)
    assert table.loc["fc1", ["sigma1", "sigma2"]].tolist() == pytest.approx(values[:2].tolist())
    assert not table.loc["fc1", "proven"]


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
    assert set(rivals["step"]) == {1} and len(rivals) == 2 * 2 * 4
    assert set(rivals["rival"]) == set(topolab.metrics.powerlaw.RIVALS)
    table = result["powerlaw"].table
    assert table["p_value"].notna().all() and (table["replicates"] >= 100).all()
    searched = table[(table["variant"] == "searched") & (table["step"] == 1)]
    assert searched["x_min_error"].notna().all()
    assert table[table["step"] == 0]["x_min_error"].isna().all()
    none = analyse(run, ["powerlaw"], parameters={"powerlaw": {"rivals": "none"}})["powerlaw"]
    assert "not asked for" in none.tables["powerlaw_rivals"]["reason"].iloc[0]


@pytest.mark.parametrize(
    ("analysis", "name"),
    [("powerlaw", "hidden"), ("selection", "hidden"), ("exploration", "all"), ("nulls", "network")],
)
def test_names_that_stand_for_several_layers(tmp_path: Path, analysis: str, name: str) -> None:
    layers = (
        topolab.LayerSpec(name, "linear", (3, 4)),
        topolab.LayerSpec("out", "linear", (2, 3)),
    )
    run = recorded(tmp_path / "n", [{name: MASKS["fc1"], "out": MASKS["fc2"]}], layers)
    with pytest.raises(AnalysisError, match=f"a layer is named '{name}'"):
        analyse(run, [analysis])


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
