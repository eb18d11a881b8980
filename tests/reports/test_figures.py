"""Figures: the contract that every one keeps, groups of seeds, order, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import topolab
from conftest import record_example
from topolab.errors import AnalysisError, ConfigError
from topolab.registry import find
from topolab.testing import contract_of
from topolab_reports.report_data import ReportData, choose_moments, view_runs
from topolab_reports.testing import deep_run

ORDERED = ("tail-fit", "degree-time", "nsh-fig13", "nsh-fig12", "wiring")


class TestEveryFigure(contract_of("figures")):
    of_seeds = ("nist-stability",)


def data_of_runs(runs: list[topolab.Run], *needs: str) -> ReportData:
    views = view_runs(runs)
    for view in views:
        view.results.update(topolab.analyse(view.run, needs))
    return ReportData(tuple(views), choose_moments(runs, 3))


@pytest.fixture
def seeds(tmp_path: Path) -> ReportData:
    """Three seeds of one setting beside a run of another."""
    again = [
        record_example(tmp_path / f"again-s{seed}", snapshots=4, seed=seed, method="set")
        for seed in (5, 6, 7)
    ]
    b = record_example(tmp_path / "b", snapshots=3, seed=2, method="rigl")
    return data_of_runs([*again, b], "degree")


def test_long_names_of_many_layers_do_not_run_into_each_other(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    deep = data_of_runs([deep_run(tmp_path_factory.getbasetemp())], "wiring")
    figure = find("figures", "wiring")()
    drawing = figure.panels(figure.table(deep))[0].draw(figure.table(deep).query("step == 0"))
    drawing.canvas.draw()
    boxes = [
        text.get_window_extent() for ax in drawing.axes for text in ax.texts if text.get_text()
    ]
    assert len(boxes) == 15  # thirteen layers and two groups of inputs
    assert len({text.get_text() for ax in drawing.axes for text in ax.texts}) >= 14
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_seeds_are_one_line_in_a_band(seeds: ReportData) -> None:
    assert seeds.groups == ["again", "b"] and [v.label for v in seeds.representatives] == [
        "again-s5", "b",
    ]  # fmt: skip
    figure = find("figures", "psn-ccv")()
    table = figure.table(seeds)
    panel = figure.panels(table, seeds.groups)[0]
    ax = panel.draw(panel.last).axes[0]
    (line, _) = [x for x in ax.lines if not str(x.get_label()).startswith("_")]
    of_again = table[(table["group"] == "again") & (table["layer"] == "fc1")]
    by_step = of_again.groupby("step")["ccv"]
    assert line.get_ydata() == pytest.approx(by_step.mean().to_numpy())
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(by_step.min().min())
    assert band.max() == pytest.approx(by_step.max().max())
    assert "again (3 seeds)" in [t.get_text() for t in ax.texts]
    assert "mean of 3 seeds" in panel.describe(panel.last)
    sd = find("figures", "nist-stability")().table(seeds)
    accuracy = [view.run[2].metrics["test_accuracy"] for view in seeds.views[:3]]
    assert sd[sd["step"] == 20]["sd"].item() == pytest.approx(np.std(accuracy, ddof=1))


@pytest.fixture(scope="module")
def z_before_a(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    folder = tmp_path_factory.mktemp("order")
    return data_of_runs(
        [record_example(folder / label, seed=1, method=label, snapshots=2) for label in ("z", "a")],
        *sorted({need for name in ORDERED for need in find("figures", name).needs}),
    )


@pytest.mark.parametrize("name", ORDERED)
def test_runs_keep_their_order(z_before_a: ReportData, name: str) -> None:
    """Of panels and colours, not that of the alphabet."""
    table = find("figures", name)().table(z_before_a)
    assert list(table["run"].unique()) == ["z", "a"]


def test_runs_of_one_setting_need_different_seeds_to_be_one_group(tmp_path: Path) -> None:
    runs = [record_example(tmp_path / name, seed=3) for name in ("x1", "x2")]
    assert [v.group for v in view_runs(runs)] == ["x1", "x2"]
    runs.append(record_example(tmp_path / "y", seed=4, method="rigl"))
    assert [v.group for v in view_runs(runs)] == ["x1", "x2", "y"]


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_a_figure_as_a_file(example_run: topolab.Run, tmp_path: Path, kind: str) -> None:
    out = topolab.figure("degree-ccdf", [example_run], tmp_path / f"f.{kind}", dpi=60)
    magic = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}[kind]
    assert out.read_bytes().startswith(magic)
    again = topolab.figure("degree-ccdf", [example_run], tmp_path / f"g.{kind}", dpi=60)
    assert again.read_bytes() == out.read_bytes()
    for name in ("degree-ccdf", "tail-fit", "nsh-fig13"):
        now, then = (
            topolab.figure(
                name, [example_run], tmp_path / f"{name}-{step}.{kind}", dpi=60, step=step
            )
            for step in (15, 30)
        )
        assert now.read_bytes() != then.read_bytes()


def test_what_cannot_be_drawn_is_said(example_run: topolab.Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.pdf, \.svg, \.png"):
        topolab.figure("degree-ccdf", [example_run], tmp_path / "f.gif")
    with pytest.raises(ConfigError, match="no snapshot at or before step -1; the first is 0"):
        topolab.figure("degree-ccdf", [example_run], tmp_path / "f.pdf", step=-1)
    with pytest.raises(AnalysisError, match="hold nothing for it to draw"):
        topolab.figure("nist-stability", [example_run], tmp_path / "f.pdf")
    with pytest.raises(ConfigError, match="shows all times, so a step has no meaning"):
        topolab.figure("wiring", [example_run], tmp_path / "f.pdf", step=10)
    with pytest.raises(ConfigError, match="at most 2400"):
        topolab.figure("wiring", [example_run], tmp_path / "f.pdf", dpi=200000)
    with pytest.raises(ConfigError, match="unknown figure"):
        topolab.figure("nsh-fig99", [example_run], tmp_path / "f.pdf")
    assert not list(tmp_path.glob("f.*"))
