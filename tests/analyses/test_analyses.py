"""Hand-worked networks for every analysis, and the contract that each registered one keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import topolab
from topolab.api import analyse, make_analysis
from topolab.errors import AnalysisError, ConfigError
from topolab.registry import find, names
from topolab.tables import check

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


@pytest.fixture(params=["small", "one", "empty", "full", "conv"])
def any_run(request: pytest.FixtureRequest, tmp_path: Path, small: topolab.Run) -> topolab.Run:
    """Runs that an analysis must survive: no edge, every edge, one snapshot, a convolution."""
    if request.param == "small":
        return small
    layers = LAYERS
    if request.param == "conv":
        layers = (
            topolab.LayerSpec("conv", "conv", (3, 1, 3, 3), image_shape=(1, 6, 6)),
            topolab.LayerSpec("fc1", "linear", (5, 48)),
            topolab.LayerSpec("fc2", "linear", (2, 5)),
        )
    share = {"empty": 0.0, "full": 1.1}.get(request.param, 0.4)
    rng = np.random.default_rng(0)
    with topolab.Recorder(tmp_path / "any", layers=layers) as recorder:
        for step in range(1 if request.param == "one" else 3):
            recorder.record(step, {layer.name: rng.random(layer.shape) < share for layer in layers})
    return topolab.open_run(tmp_path / "any")


@pytest.mark.parametrize("name", names("analyses"))
class TestContract:
    """What every registered analysis does, a stranger's too."""

    def test_tables_are_as_declared(self, name: str, any_run: topolab.Run) -> None:
        result = analyse(any_run, [name])[name]
        assert name in result.tables
        for table, schema in result.analysis.schemas.items():
            check(result.tables[table], schema)
            assert len(result.tables[table])

    def test_a_frame_is_pure(self, name: str, any_run: topolab.Run) -> None:
        analysis = make_analysis(name)
        state = analysis.prepare(any_run)
        if isinstance(analysis, topolab.SequentialAnalysis):
            memory = analysis.start(state)
            if len(any_run) > 1:
                memory, _ = analysis.visit(memory, any_run[0], state)
            one, two = (analysis.visit(memory, any_run[-1], state)[1] for _ in range(2))
        else:
            one, two = (analysis.frame(any_run[0], state) for _ in range(2))
        assert one.keys() == two.keys()
        for key in one:
            pd.testing.assert_frame_equal(one[key], two[key])
        assert analysis == make_analysis(name)

    def test_it_has_a_card_and_a_summary(self, name: str, any_run: topolab.Run) -> None:
        from topolab.cli.listing import card_of

        cls = find("analyses", name)
        card = card_of(cls)
        for heading in (
            "Definition",
            "Defaults",
            "Departures from the paper",
            "Evidence",
            "References",
        ):
            assert f"\n## {heading}\n" in card
        assert card.startswith(f"# `{name}`") and len(cls.summary) < 100
        for parameter in cls.defaults():
            assert f"`{parameter}`" in card

    def test_layers_that_do_not_chain_are_refused(
        self, name: str, any_run: topolab.Run, tmp_path: Path
    ) -> None:
        layers = [
            topolab.LayerSpec("a", "linear", (3, 4)),
            topolab.LayerSpec("b", "linear", (2, 7)),
        ]
        with topolab.Recorder(tmp_path / "odd", layers=layers) as recorder:
            recorder.record(0, {"a": np.ones((3, 4)), "b": np.ones((2, 7))})
        with pytest.raises(AnalysisError, match="takes 7 inputs but a has 3"):
            analyse(tmp_path / "odd", [name])


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
