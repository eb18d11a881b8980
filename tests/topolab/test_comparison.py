"""Comparisons over seeds and methods, against scipy and statsmodels on the same numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from scipy.stats import t as student
from scipy.stats import wilcoxon
from statsmodels.stats.multitest import multipletests

import topolab
from topolab.comparison import (
    GROUPS,
    PAIRS,
    SETTINGS,
    UPDATES,
    VALUES,
    compare,
    differing_settings,
)
from topolab.errors import AnalysisError, ConfigError, TableError
from topolab.tables import Column, check, read_table

LAYERS = (
    topolab.LayerSpec("fc1", "linear", (30, 20)),
    topolab.LayerSpec("fc2", "linear", (3, 30)),
)
OFFSET = {"rigl": 0.02, "set": 0.0, "random": 0.01}


def made(folder: Path, method: str, seed: int, **config: object) -> topolab.Run:
    rng = np.random.default_rng(seed)
    accuracy = rng.uniform(0.7, 0.9) + OFFSET[method] * (1 + 0.1 * seed)
    path = folder / f"{method}-{seed}-{len(config)}"
    settings = {"method": method, "epochs": 2, "threads": seed, **config}
    with topolab.Recorder(path, layers=LAYERS, config=settings, seed=seed) as recorder:
        for step in range(3):
            masks = {layer.name: rng.random(layer.shape) < 0.3 for layer in LAYERS}
            recorder.record(step, masks, metrics={"test_accuracy": accuracy + 0.001 * step})
    return topolab.open_run(path)


@pytest.fixture
def runs(tmp_path: Path) -> list[topolab.Run]:
    return [made(tmp_path, m, s) for m in OFFSET for s in range(1, 8)]


def test_means_intervals_and_paired_tests(runs: list[topolab.Run]) -> None:
    compared = compare(runs, ["method"], only=["degree"])
    for table, schema in (
        (compared.values, VALUES),
        (compared.groups, GROUPS),
        (compared.pairs, PAIRS),
    ):
        check(table, schema)
    by_hand = {m: np.array([r[-1].metrics["test_accuracy"] for r in runs
                            if r.config["method"] == m]) for m in OFFSET}  # fmt: skip
    groups = compared.groups[compared.groups["measure"] == "training.test_accuracy"]
    groups = groups.set_index("group")
    for method, values in by_hand.items():
        row = groups.loc[method]
        assert row["n"] == 7 and row["mean"] == pytest.approx(values.mean())
        half = student.ppf(0.975, 6) * values.std(ddof=1) / np.sqrt(7)
        assert (row["high"] - row["low"]) / 2 == pytest.approx(half)
    pairs = compared.pairs[compared.pairs["measure"] == "training.test_accuracy"]
    assert pairs[["a", "b"]].to_numpy().tolist() == [
        ["rigl", "set"], ["rigl", "random"], ["set", "random"],
    ]  # fmt: skip
    p = []
    for _, row in pairs.iterrows():
        d = by_hand[row["a"]] - by_hand[row["b"]]
        assert row["difference"] == pytest.approx(d.mean())
        assert row["cohen_d"] == pytest.approx(d.mean() / d.std(ddof=1))
        p.append(wilcoxon(d).pvalue)
        assert row["p_value"] == pytest.approx(p[-1]) and row["p_least"] == 2**-6
    assert pairs["p_holm"].tolist() == pytest.approx(list(multipletests(p, method="holm")[1]))
    assert pairs["p_value"].min() == 2**-6  # every seed says the same
    assert "degree.ccv[fc1, in]" in set(compared.values["measure"])


def test_settings_that_differ_make_the_groups(runs: list[topolab.Run], tmp_path: Path) -> None:
    assert differing_settings(runs) == ["method"]  # neither the seed nor the threads
    assert compare(runs, only=["degree"]).by == ("method",)
    longer = made(tmp_path, "set", 9, epochs=5)
    with pytest.raises(ConfigError, match=r"set differ in more .*: epochs; .*: method,epochs$"):
        compare([*runs, longer], ["method"], only=["degree"])
    both = compare([*runs, longer], ["method", "epochs"], only=["degree"])
    assert "method=set, epochs=5" in set(both.groups["group"])
    alone = both.groups[both.groups["group"] == "method=set, epochs=5"]
    assert alone["low"].isna().all() and (alone["reason"] == "a single run").all()
    with_it = both.pairs[both.pairs["b"] == "method=set, epochs=5"]
    assert (with_it["n"] == 0).all() and with_it["p_value"].isna().all()
    assert with_it["reason"].str.startswith("0 seeds").all()


def test_what_cannot_be_compared(runs: list[topolab.Run], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least two"):
        compare(runs[:1])
    with pytest.raises(ConfigError, match="no run has a setting optimiser; they have epochs, meth"):
        compare(runs, ["optimiser"])
    again = made(tmp_path / "more", "set", 1)
    with pytest.raises(ConfigError, match="two runs of set have the seed 1"):
        compare([*runs, again], ["method"], only=["degree"])
    with pytest.raises(ConfigError, match="no measures"):
        compare(runs, ["method"], only=["kendall"])
    with pytest.raises(ConfigError, match="not among the analyses"):
        compare(runs, ["method"], only=["degree"], parameters={"powerlaw": {"x_min": 3}})


def test_an_analysis_that_cannot_answer_is_left_out(tmp_path: Path) -> None:
    runs = []
    for method in ("a", "b"):
        with topolab.Recorder(
            tmp_path / method, layers=[topolab.LayerSpec("fc", "linear", (3, 4))],
            config={"method": method}, seed=1,
        ) as recorder:  # fmt: skip
            recorder.record(0, {"fc": np.eye(3, 4)})
        runs.append(topolab.open_run(tmp_path / method))
    measures = set(compare(runs, ["method"]).values["measure"])
    assert any(m.startswith("degree.") for m in measures)
    assert not any(m.startswith(("powerlaw.", "selection.")) for m in measures)
    with pytest.raises(AnalysisError, match="no hidden neurons"):
        compare(runs, ["method"], only=["powerlaw"])
    bare = []
    for name in ("x", "y"):
        with topolab.Recorder(tmp_path / name, layers=runs[0].layers) as recorder:
            recorder.record(0, {"fc": np.eye(3, 4)})
        bare.append(tmp_path / name)
    with pytest.raises(ConfigError, match="no seed in its manifest"):
        compare(bare, only=["degree"])


def test_equal_values_have_no_test(tmp_path: Path) -> None:
    runs = [made(tmp_path, m, s) for m in ("set", "rigl") for s in (1, 2)]
    table = compare(runs, ["method"], only=["paths"]).pairs
    part = table[table["measure"] == "paths.effective_sparsity[input]"].iloc[0]
    assert part["reason"] == "0 seeds with a value in both groups"
    with_same = compare([made(tmp_path / "b", m, 1) for m in ("set", "rigl")], only=["degree"])
    assert with_same.pairs["reason"].str.startswith("1 seeds").all()


def test_verdicts_are_judged_together(runs: list[topolab.Run], tmp_path: Path) -> None:
    quick = {"selection": {"replicates": 20, "replicates_through_time": 0, "nulls": 20}}
    compared = compare(runs[:9], ["method"], only=["selection"], parameters=quick)
    found = compared.across["selection"]
    assert found.columns[:3].tolist() == ["group", "run", "layer"] and len(found) == 9
    alone = {r.name: topolab.analyse(r, ["selection"], parameters=quick)["selection"].table
             for r in runs[:9]}  # fmt: skip
    for _, row in found.iterrows():
        own = alone[row["run"]].set_index("layer").loc[row["layer"]]
        assert row["p_decay"] == pytest.approx(own["p_decay"], nan_ok=True)
        if np.isfinite(row["p_decay"]):
            assert row["p_decay_holm"] >= own["p_decay_holm"]
    paths = compared.save(tmp_path / "out")
    names = ("values", "groups", "pairs", "settings", "updates", "selection", "selection_pooled")
    assert {p.name for p in paths} == {f"{n}.{end}" for n in names for end in ("parquet", "csv")}
    back, about = read_table(tmp_path / "out" / "pairs.parquet", PAIRS)
    pd.testing.assert_frame_equal(back, compared.pairs)
    assert about == {"by": ["method"]}


def test_what_analyses_say_across_runs_is_saved_with_its_meanings(
    runs: list[topolab.Run], tmp_path: Path
) -> None:
    """As every other table: each column has the unit and the sentence that it was declared with."""
    quick = {"selection": {"replicates": 20, "replicates_through_time": 0, "nulls": 20}}
    compared = compare(runs[:2], ["method"], only="selection", parameters=quick)
    schema = compared.across_schemas["selection"]
    assert [c.name for c in schema[:3]] == ["group", "run", "layer"]
    compared.save(tmp_path)
    saved = pq.read_table(tmp_path / "selection.parquet")
    assert saved.column_names == [c.name for c in schema]
    for column in schema:
        assert column.meaning and saved.schema.field(column.name).metadata == {
            b"unit": column.unit.encode(), b"meaning": column.meaning.encode()
        }  # fmt: skip
    back, _ = read_table(tmp_path / "selection.parquet", schema)
    pd.testing.assert_frame_equal(back, compared.across["selection"])


def test_an_analysis_must_declare_what_it_says_across_runs(
    runs: list[topolab.Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from topolab_analyses.degree import Degree

    def across(self: Degree, tables: object) -> pd.DataFrame:
        return pd.DataFrame({"run": [runs[0].name], "spread": [1.5]})

    monkeypatch.setattr(Degree, "across", across)
    with pytest.raises(TableError, match=r"degree across runs: .* not declared \['spread'\]"):
        compare(runs[:2], only="degree")
    schema = (Column("run", str), Column("spread", float, "edges", "Of all."))
    monkeypatch.setattr(Degree, "across_schema", schema)
    found = compare(runs[:2], only="degree").across["degree"]
    assert found.to_dict("records") == [{"group": "all", "run": runs[0].name, "spread": 1.5}]


def changing(folder: Path, seed: int, changes: int, **config: object) -> topolab.Run:
    """A run of four snapshots whose masks change so often."""
    path = folder / f"{config['method']}-{seed}"
    masks = [np.random.default_rng(seed + i).random((3, 8)) < 0.5 for i in range(4)]
    layers = [topolab.LayerSpec("fc", "linear", (3, 8))]
    with topolab.Recorder(path, layers=layers, config=config, seed=seed) as recorder:
        for step in range(4):
            recorder.record(step, {"fc": masks[min(step, changes)]})
    return topolab.open_run(path)


def test_it_says_what_else_differs(tmp_path: Path) -> None:
    """Settings that go with the method are compared too, and how often the masks changed."""
    common = {"epochs": 2, "threads": 3, "hidden": [16, 8]}
    runs = [
        changing(tmp_path, seed, changes, **common, **own)
        for seed, first, second in ((1, 3, 1), (2, 2, 1))
        for changes, own in (
            (first, {"method": "a", "init": "erk", "gradient": "dense", "masked": None}),
            (second, {"method": "b", "init": "er"}),
        )
    ]
    compared = compare(runs, "method", only="degree")
    assert compared.differs == {
        "gradient": {"a": "dense", "b": "-"},
        "init": {"a": "erk", "b": "er"},
    }
    assert compared.updates == {"a": (2, 3), "b": (1, 1)}
    by_both = compare(runs, ["method", "init"], only="degree")
    assert list(by_both.differs) == ["gradient"]
    assert compare(runs, only="degree").differs == {}
    compared.save(tmp_path / "out")
    settings, _ = read_table(tmp_path / "out" / "settings.parquet", SETTINGS)
    assert settings.to_numpy().tolist()[2:] == [["init", "a", "erk"], ["init", "b", "er"]]
    updates, _ = read_table(tmp_path / "out" / "updates.parquet", UPDATES)
    assert updates.to_numpy().tolist() == [["a", 2, 3], ["b", 1, 1]]


def test_lists_are_written_as_they_are_typed(tmp_path: Path) -> None:
    runs = [
        changing(tmp_path, 1, 3, method=name, hidden=hidden)
        for name, hidden in (("a", [16, 8]), ("b", []))
    ]
    assert compare(runs, "method", only="degree").differs == {"hidden": {"a": "16,8", "b": "-"}}


def test_ties_cannot_go_below_the_least_p() -> None:
    """Five seeds that all differ by the same amount: 2 of 32 signs are as extreme."""
    from topolab.paired_tests import signed_rank_test

    level = pd.DataFrame({"a": [0.8839, 0.884, 0.88, 0.87, 0.86]})
    level["b"] = level["a"] - 0.001
    found = signed_rank_test(level, "a", "b")
    assert found["p_value"] == found["p_least"] == 2**-4
    mixed = pd.DataFrame({"a": [1.0, 2, 3, 4, 5, 6], "b": [0.0, 1, 2, 3, 4, 7]})
    assert 2**-5 < signed_rank_test(mixed, "a", "b")["p_value"] <= 1


def test_other_networks_and_data_are_no_seeds(tmp_path: Path) -> None:
    wide = (
        topolab.LayerSpec("fc1", "linear", (60, 20)),
        topolab.LayerSpec("fc2", "linear", (3, 60)),
    )
    paths = []
    for i, (layers, data) in enumerate(((LAYERS, "x"), (wide, "x"), (LAYERS, "y"))):
        with topolab.Recorder(
            tmp_path / str(i), layers=layers, config={"method": "a"}, seed=i, data={"name": data}
        ) as recorder:
            recorder.record(0, {layer.name: np.ones(layer.shape) for layer in layers})
        paths.append(tmp_path / str(i))
    with pytest.raises(ConfigError, match="different networks"):
        compare(paths[:2], ["method"], only=["degree"])
    with pytest.raises(ConfigError, match="different data sets"):
        compare(paths[::2], ["method"], only=["degree"])
