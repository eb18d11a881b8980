"""Runs of several widths, and what only all of them can say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_worked import MASKS, recorded

import topolab
from topolab.api import make_analysis
from topolab.errors import AnalysisError
from topolab.metrics.scaling import fit_scaling, tail_measures

WIDTHS = (120, 240, 480)


def run_of(folder: Path, n: int, seed: int, **config: object) -> topolab.Run:
    """n hidden neurons that read from 400; one hub for every 40, with n / 4 inputs each."""
    rng = np.random.default_rng(1000 * n + seed)
    layers = (
        topolab.LayerSpec("fc1", "linear", (n, 400)),
        topolab.LayerSpec("fc2", "linear", (10, n), maskable=False),
    )
    mask = rng.random((n, 400)) < 0.05
    for hub in range(n // 40):
        mask[hub] = rng.permutation(400) < n // 4
    start = {"fc1": rng.random((n, 400)) < 0.05, "fc2": np.ones((10, n), bool)}
    settings = {"hidden": [n], **config}
    name = "-".join(map(str, settings.values()))
    path = folder / f"{name}-{n}-{seed}"
    with topolab.Recorder(path, layers=layers, config=settings, seed=seed) as recorder:
        recorder.record(0, start)
        recorder.record(5, {**start, "fc1": mask})
        recorder.finish({})
    return topolab.open_run(path)


def test_a_run_says_how_far_its_degrees_reach_at_the_end(tmp_path: Path) -> None:
    run = run_of(tmp_path, 120, 0)
    (row,) = topolab.analyse(run, ["scaling"])["scaling"].table.to_dict("records")
    degrees = run[-1].masks["fc1"].sum(1) + 10
    found = tail_measures(degrees, None, 410)
    assert row["step"] == 5 and row["layer"] == "fc1" and row["neurons"] == 120
    assert row["capacity"] == 410 and row["k_max"] == degrees.max() == 40
    assert row["mean"] == degrees.mean() and row["top"] == found.top
    assert row["x_min"] == found.x_min and row["reason"] == found.reason
    fixed = topolab.analyse(run, ["scaling"], parameters={"scaling": {"x_min": 25}})
    assert fixed["scaling"].table["x_min"].tolist() == [25]


def test_runs_of_several_widths_give_exponents(tmp_path: Path) -> None:
    runs = [run_of(tmp_path, n, seed) for n in WIDTHS for seed in (1, 2, 3)]
    compared = topolab.compare(runs, ["hidden"], only=["scaling"])
    table = compared.pooled["scaling"].set_index("measure")
    each = compared.across["scaling"]
    assert len(each) == 9 and table["layer"].unique().tolist() == ["fc1"]
    for measure in ("mean", "k_max", "top", "capacity"):
        found = fit_scaling(each["neurons"], each[measure])
        assert table.loc[measure, "exponent"] == pytest.approx(found.exponent)
        assert table.loc[measure, "low"] == pytest.approx(found.low)
        assert (table.loc[measure, "sizes"], table.loc[measure, "runs"]) == (3, 9)
    # n / 4 inputs and ten outputs: not quite a power of n.
    assert table.loc["k_max", "exponent"] == pytest.approx(0.85, abs=0.02)
    for column in ("exponent", "low", "high"):
        assert table.loc["capacity", column] == pytest.approx(0, abs=1e-9)
    assert abs(table.loc["mean", "exponent"]) < 0.4
    assert (table["structural"] == 0.5).all()
    (said,) = compared.statements["scaling"]
    assert said.startswith("fc1: over 3 sizes the mean degree goes as n^")
    assert f"the largest degree goes as n^{table.loc['k_max', 'exponent']:.2f} (" in said
    assert "a structural cut-off goes as n^0.50" in said


def test_one_width_has_no_exponent(tmp_path: Path) -> None:
    runs = [run_of(tmp_path, 120, seed, drop=drop) for drop in (0.1, 0.2) for seed in (1, 2)]
    compared = topolab.compare(runs, ["drop"], only=["scaling"])
    assert "scaling" not in compared.pooled and len(compared.across["scaling"]) == 4


def test_widths_in_several_groups_are_not_mixed(tmp_path: Path) -> None:
    runs = [run_of(tmp_path, n, s, drop=d) for n in WIDTHS for s in (1, 2) for d in (0.1, 0.2)]
    compared = topolab.compare(runs, ["hidden", "drop"], only=["scaling"])
    table = compared.pooled["scaling"]
    assert table["exponent"].isna().all() and table["low"].isna().all()
    assert table["reason"].str.contains("several groups").all()
    (said,) = compared.statements["scaling"]
    assert "no exponent of size, since runs of one size are in several groups" in said


def test_what_is_refused(tmp_path: Path) -> None:
    run = recorded(tmp_path / "r", [MASKS])
    with pytest.raises(AnalysisError, match="x_min must be at least 1"):
        topolab.analyse(run, ["scaling"], parameters={"scaling": {"x_min": -1}})
    one = recorded(
        tmp_path / "one", [{"fc": np.eye(3)}], (topolab.LayerSpec("fc", "linear", (3, 3)),)
    )
    with pytest.raises(AnalysisError, match="no hidden neurons"):
        topolab.analyse(one, ["scaling"])
    table = topolab.analyse(run, ["scaling"])["scaling"].table
    assert table["cutoff"].isna().all() and (table["reason"] != "").all()
    assert make_analysis("scaling").statements(table) == ()
