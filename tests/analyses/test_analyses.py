"""Hand-worked networks for every analysis, and the contract that each registered one keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import topolab
from topolab.api import analyse
from topolab.errors import AnalysisError, ConfigError
from topolab.testing import contract_of

# Four inputs in a 2 x 2 image, three hidden neurons, two outputs:
#   h0 reads 0, 1, 2; h1 reads 0 and feeds nobody; h2 reads nothing and feeds output 1.
LAYERS = (
    topolab.LayerSpec("fc1", "linear", (3, 4), image_shape=(1, 2, 2)),
    topolab.LayerSpec("fc2", "linear", (2, 3)),
)
MASKS = {
    "fc1": np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]),
    "fc2": np.array([[1, 0, 0], [1, 0, 1]]),
}


@pytest.fixture
def small(tmp_path: Path) -> topolab.Run:
    with topolab.Recorder(tmp_path / "small", layers=LAYERS) as recorder:
        recorder.record(0, MASKS, epoch=0.0)
        recorder.record(5, {**MASKS, "fc1": np.array([[0, 0, 0, 1], [1, 1, 0, 0], [1, 0, 0, 0]])})
    return topolab.open_run(tmp_path / "small")


def first(
    run: topolab.Run, name: str, table: str | None = None, **parameters: object
) -> pd.DataFrame:
    result = analyse(run, [name], parameters={name: parameters})[name]
    frame = result.tables[table or name]
    return frame[frame["step"] == 0] if "step" in frame else frame


def test_degree_by_hand(small: topolab.Run) -> None:
    table = first(small, "degree").set_index(["layer", "direction"])
    assert table.loc[("fc1", "in"), ["n_edges", "max", "min"]].tolist() == [4, 3, 0]
    assert table.loc[("fc1", "out"), "n_edges"] == 3
    assert table.loc[("fc1", "total"), "n_edges"] == 7
    assert table.loc[("fc1", "in"), "ccv"] == pytest.approx(np.std([3, 1, 0]) / (4 / 3))
    assert table.loc[("input", "out"), "mean"] == 1.0
    assert ("input", "in") not in table.index and ("fc2", "out") not in table.index
    spread = first(small, "degree", "degree_distribution")
    part = spread[(spread["layer"] == "input") & (spread["direction"] == "out")]
    assert part[["degree", "count"]].to_numpy().tolist() == [[0, 1], [1, 2], [2, 1]]
    assert part["ccdf"].tolist() == [1.0, 0.75, 0.25]


def test_kshell_by_hand(small: topolab.Run) -> None:
    """Without the last layer only the star around input 0 and h0 is left: a tree, 1-shell."""
    table = first(small, "kshell").set_index(["layer", "role"])["count"]
    assert table["input"].to_dict() == {"core": 3, "crust": 0, "isolated": 1}
    assert table["fc1"].to_dict() == {"core": 2, "crust": 0, "isolated": 1}
    assert "fc2" not in table.index.get_level_values(0)
    whole = first(small, "kshell", exclude_output=False).set_index(["layer", "role"])["count"]
    assert whole["fc2"].to_dict() == {"core": 2, "crust": 0, "isolated": 0}
    shells = first(small, "kshell", "kshell_shells")
    assert shells.groupby("layer")["count"].sum().to_dict() == {"input": 4, "fc1": 3}


def test_dormant_by_hand(small: topolab.Run) -> None:
    table = first(small, "dormant", thresholds=(2,)).set_index(["layer", "measure"])["count"]
    assert table["input"].to_dict() == {"below_2": 3, "no_output": 1, "off_path": 1}
    assert table["fc1"].to_dict() == {"below_2": 2, "no_input": 1, "no_output": 1, "off_path": 2}
    assert table["fc2"].to_dict() == {"below_2": 1, "no_input": 0, "off_path": 0}


def test_heatmap_by_hand(small: topolab.Run) -> None:
    table = first(small, "heatmap")
    image = table[table["view"] == "input_degree"].pivot(index="row", columns="col", values="value")
    assert image.to_numpy().tolist() == [[2, 1], [1, 0]]
    back = table[table["view"] == "first_hidden"].pivot(index="row", columns="col", values="value")
    assert back.to_numpy().tolist() == [[6, 5], [5, 0]]  # h0 has degree 5, h1 1, h2 1


def test_kendall_by_hand(small: topolab.Run) -> None:
    table = first(small, "kendall").set_index(["layer", "step_a", "step_b"])["tau"]
    assert table["input", 0, 0] == 1.0
    # inputs: (2, 1, 1, 0) and then (2, 1, 0, 1): four pairs agree, one pair is reversed or tied
    from scipy.stats import kendalltau

    assert table["input", 0, 5] == pytest.approx(kendalltau([2, 1, 1, 0], [2, 1, 0, 1]).statistic)
    assert table["input", 0, 5] == table["input", 5, 0]


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
    table = first(topolab.open_run(tmp_path / "r"), "powerlaw", x_min=5, replicates=20)
    assert table[["layer", "variant"]].to_numpy().tolist() == [
        ["a", "searched"], ["a", "fixed"], ["hidden", "searched"], ["hidden", "fixed"],
    ]  # fmt: skip
    law = topolab.metrics.powerlaw.fit(hubs, 5)
    fixed = table.iloc[1]
    assert (fixed["alpha"], fixed["n_tail"], fixed["x_min"]) == (law.alpha, law.n_tail, 5)
    assert 0 <= fixed["p_value"] <= 1
    none = first(topolab.open_run(tmp_path / "r"), "powerlaw", x_min=5000).iloc[1]
    assert np.isnan(none["alpha"]) and "x_min = 5000" in none["reason"]


class TestEveryAnalysis(contract_of("analyses")):
    pass


def test_unknown_names_and_parameters(small: topolab.Run) -> None:
    with pytest.raises(ConfigError, match="unknown analysis 'degre'"):
        analyse(small, ["degre"])
    with pytest.raises(ConfigError, match="no parameter xmin; it has x_min"):
        analyse(small, ["powerlaw"], parameters={"powerlaw": {"xmin": 3}})
    with pytest.raises(ConfigError, match="not among the analyses"):
        analyse(small, ["degree"], parameters={"powerlaw": {"x_min": 3}})
    for name, bad in (
        ("powerlaw", {"x_min": 0}),
        ("powerlaw", {"rivals": "some"}),
        ("powerlaw", {"stop_at": 1.5}),
        ("powerlaw", {"x_max": 50}),
        ("kendall", {"direction": "up"}),
        ("dormant", {"taus": (-0.1,)}),
        ("attachment", {"replicates": 1}),
        ("exploration", {"hub_shares": (2.0,)}),
        ("gradient", {"parts": 0}),
        ("nulls", {"swaps": 0}),
        ("selection", {"nulls": 3}),
    ):
        with pytest.raises(AnalysisError):
            analyse(small, [name], parameters={name: bad})
