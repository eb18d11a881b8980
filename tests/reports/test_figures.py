"""Figures: the contract that every registered one keeps, their groups of seeds, their files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import topolab
from conftest import record_example
from topolab.errors import AnalysisError, ConfigError
from topolab.registry import find, names
from topolab_reports.figures.base import RunFigure
from topolab_reports.panels import draw_panel
from topolab_reports.report_data import ReportData, choose_moments, view_runs

NEEDED = sorted({need for name in names("figures") for need in find("figures", name).needs})


def data_of_runs(runs: list[topolab.Run], moments: int = 3) -> ReportData:
    views = view_runs(runs)
    for view in views:
        view.results.update(topolab.analyse(view.run, NEEDED))
    return ReportData(tuple(views), choose_moments(runs, moments))


@pytest.fixture(scope="module")
def report_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, ReportData]]:
    folder = tmp_path_factory.mktemp("figures")
    a = record_example(folder / "a", snapshots=4, seed=1, method="set", rich=True)
    b = record_example(folder / "b", snapshots=3, seed=2, method="rigl", rich=True)
    again = [
        record_example(folder / f"again-s{seed}", snapshots=4, seed=seed, method="set", rich=True)
        for seed in (5, 6, 7)
    ]
    yield {
        "two": data_of_runs([a, b]),
        "seeds": data_of_runs([*again, b]),
        "poor": data_of_runs([record_example(folder / "poor", snapshots=1)]),
    }


@pytest.mark.parametrize("kind", ["two", "seeds", "poor"])
@pytest.mark.parametrize("name", names("figures"))
def test_every_figure_keeps_the_contract(
    report_data: dict[str, ReportData], name: str, kind: str
) -> None:
    """What the base class promises; a new figure passes this by being registered."""
    data = report_data[kind]
    figure: RunFigure = find("figures", name)()
    assert figure.name == name and figure.title and set(figure.needs) <= set(names("analyses"))
    table = figure.table(data)
    before = table.copy()
    assert figure.caption_for(table) == "" or figure.caption_for(table).endswith(".")
    panels = figure.panels(table, data.groups)
    if kind == "seeds" or (kind == "two" and name != "nist-stability"):
        assert panels, "nothing is drawn of a run that has everything"
    for panel in panels:
        assert panel.describe(panel.last).endswith((".", ")"))
        assert len(panel.last)
        if kind == "two":
            view = draw_panel(panel, data)
            assert view.src.startswith("data:image/") and all(view.alts)
            assert not view.frames, "its moments are pictures, not marks"
        axes = Figure().subplots()
        assert panel.draw(panel.last, ax=axes) is axes.get_figure()
    drawing = figure.draw(table, runs=data.groups)
    assert isinstance(drawing, Figure)
    with pytest.raises(ConfigError, match="panels here, and ax has"):
        figure.draw(table, ax=[Figure().subplots() for _ in range(len(panels) + 1)])
    pd.testing.assert_frame_equal(table, before)  # drawing changes nothing


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    """Thirteen layers of long names; one fits nothing before it."""
    rng = np.random.default_rng(4)
    names_ = [f"encoder.block{i}.attention.query" for i in range(12)]
    layers = [
        topolab.LayerSpec(n, "linear", (9, 9), source="x:in" if i == 6 else None)
        for i, n in enumerate(names_)
    ]
    layers.append(topolab.LayerSpec("head", "linear", (3, 9), maskable=False))
    path = tmp_path_factory.mktemp("deep") / "run"
    with topolab.Recorder(path, layers=layers, config={"method": "mine"}, seed=1) as recorder:
        for step in range(3):
            masks = {s.name: rng.random(s.shape) < 0.5 for s in layers[:-1]}
            masks["head"] = np.ones((3, 9), dtype=bool)
            recorder.record(
                step, masks, metrics={"test_accuracy": 0.5} | {f"dropped.{n}": 2.0 for n in names_},
                weights={n: m * rng.normal(size=m.shape) for n, m in masks.items()},
                activity={n: rng.random(len(m)) for n, m in masks.items()},
                gradient={n: rng.random(len(m)) for n, m in masks.items()},
            )  # fmt: skip
    return data_of_runs([topolab.open_run(path)])


@pytest.mark.parametrize("name", names("figures"))
def test_a_deep_network_is_no_mile_of_panels(deep: ReportData, name: str) -> None:
    figure: RunFigure = find("figures", name)()
    table = figure.table(deep)
    part, note = figure.limit_layers(table)
    panels = figure.panels(part, deep.groups)
    assert len(panels) <= 24
    assert isinstance(figure.draw(table, runs=deep.groups), Figure)
    layers = [n for n in table.get("layer", pd.Series(dtype=str)).unique() if ":" not in str(n)]
    if figure.by_layer and len(layers) > 6:
        layers_drawn = list(part["layer"].unique())
        assert (len(layers_drawn), layers_drawn[0], layers_drawn[-1]) == (6, layers[0], layers[-1])
        assert note == f"6 of {len(layers)} layers are drawn; the data have all."
    else:
        assert note == "" and part is table


def test_long_names_of_many_layers_do_not_run_into_each_other(deep: ReportData) -> None:
    figure = find("figures", "wiring")()
    drawing = figure.panels(figure.table(deep))[0].draw(figure.table(deep).query("step == 0"))
    drawing.canvas.draw()
    boxes = [
        text.get_window_extent() for ax in drawing.axes for text in ax.texts if text.get_text()
    ]
    assert len(boxes) == 15  # thirteen layers and two groups of inputs
    assert len({text.get_text() for ax in drawing.axes for text in ax.texts}) >= 14
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize("name", names("figures"))
def test_values_that_are_missing_break_no_figure(
    report_data: dict[str, ReportData], name: str
) -> None:
    figure: RunFigure = find("figures", name)()
    table = figure.table(report_data["two"])
    whole = ["step", "degree", "count", "decile", "neuron", "rank_group", "source_group",
             "target_group", "edges", "possible", "coreness"]  # fmt: skip
    for column in table.columns.difference(whole):
        if table[column].dtype.kind == "f":
            table[column] = np.nan
    for panel in figure.panels(table):
        assert isinstance(panel.draw(panel.last), Figure)
        assert panel.describe(panel.last)
    assert isinstance(figure.draw(table), Figure)


def test_seeds_are_one_line_in_a_band(report_data: dict[str, ReportData]) -> None:
    data = report_data["seeds"]
    assert data.groups == ["again", "b"] and [v.label for v in data.representatives] == [
        "again-s5", "b",
    ]  # fmt: skip
    figure = find("figures", "psn-ccv")()
    table = figure.table(data)
    panel = figure.panels(table, data.groups)[0]
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
    sd = find("figures", "nist-stability")().table(data)
    accuracy = [view.run[2].metrics["test_accuracy"] for view in data.views[:3]]
    assert sd[sd["step"] == 20]["sd"].item() == pytest.approx(np.std(accuracy, ddof=1))


@pytest.fixture(scope="module")
def z_before_a(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    folder = tmp_path_factory.mktemp("order")
    return data_of_runs(
        [record_example(folder / label, seed=1, method=label, snapshots=2) for label in ("z", "a")]
    )


@pytest.mark.parametrize("name", ["tail-fit", "degree-time", "nsh-fig13", "nsh-fig12", "wiring"])
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
