"""Figures: the contract that every registered one keeps, what each draws, and golden pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image as Picture

import topolab
from conftest import record_example
from topolab.errors import AnalysisError, ConfigError
from topolab.registry import find, names
from topolab_reports.figures.base import RunFigure
from topolab_reports.images import png, svg
from topolab_reports.panels import draw_panel
from topolab_reports.plots import (
    ccdf,
    ccdf_by_run,
    ccdf_over_time,
    deciles,
    kernel,
    matrix,
    pixels,
    profile,
    relation,
    shellmap,
    shells,
    tail,
    timeline,
    wiring,
)
from topolab_reports.report_data import ReportData, choose_moments, view_runs

NEEDED = sorted({need for name in names("figures") for need in find("figures", name).needs})
GOLDEN = Path(__file__).parent / "golden"


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


@pytest.mark.parametrize("name", ["tail-fit", "degree-time", "nsh-fig13", "nsh-fig12", "wiring"])
def test_runs_keep_their_order(tmp_path: Path, name: str) -> None:
    """Of panels and colours, not that of the alphabet."""
    runs = [
        record_example(tmp_path / label, seed=1, method=label, snapshots=2) for label in ("z", "a")
    ]
    table = find("figures", name)().table(data_of_runs(runs))
    assert list(table["run"].unique()) == ["z", "a"]


def test_runs_of_one_setting_need_different_seeds_to_be_one_group(tmp_path: Path) -> None:
    runs = [record_example(tmp_path / name, seed=3) for name in ("x1", "x2")]
    assert [v.group for v in view_runs(runs)] == ["x1", "x2"]
    runs.append(record_example(tmp_path / "y", seed=4, method="rigl"))
    assert [v.group for v in view_runs(runs)] == ["x1", "x2", "y"]


def test_seeds_recorded_at_other_times_are_interpolated() -> None:
    table = pd.DataFrame(
        {"run": ["a"] * 3 + ["b"] * 2, "group": "g", "step": [0, 10, 20, 0, 20],
         "epoch": [0.0, 1, 2, 0, 2], "y": [0.0, 1.0, 2.0, 2.0, 6.0]}
    )  # fmt: skip
    ((group, _, _, line),) = timeline.lines(table, y="y", time="step")
    assert group == "g"
    assert line["value"].tolist() == [1.0, 2.5, 4.0] and line["n"].tolist() == [2, 2, 2]
    assert line["low"].tolist() == [0.0, 1.0, 2.0] and line["high"].tolist() == [2.0, 4.0, 6.0]


# -- files -----------------------------------------------------------------------------------------


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


# -- what each way of drawing draws ----------------------------------------------------------------

TIMES = pd.DataFrame(
    {
        "run": ["a", "a", "b", "b"], "step": [0, 10, 0, 10], "epoch": [0.0, 1.0, 0.0, 1.0],
        "y": [0.1, 0.4, 0.2, np.nan], "s": [0.01, 0.02, 0.0, np.nan],
    }
)  # fmt: skip


def test_a_timeline_has_a_line_a_run() -> None:
    figure = timeline.draw(TIMES, y="y", ylabel="y (1)", band="s", percent=True)
    (ax,) = figure.axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[10, 40], [20]]
    assert len(ax.collections) == 2 and ax.get_xlabel() == "epoch"
    assert [t.get_text() for t in ax.texts] == ["b", "a"]
    assert "a from 10 % to 40 %" in timeline.describe(TIMES, y="y", what="Y", percent=True)
    nothing = timeline.draw(TIMES.assign(y=np.nan), y="y", ylabel="y")
    assert "no values" in nothing.axes[0].texts[0].get_text()


def test_a_ccdf_is_steps_with_honest_zeros() -> None:
    table = pd.DataFrame(
        {"layer": "fc1", "degree": [0, 2, 5], "count": [1, 2, 1], "ccdf": [1.0, 0.75, 0.25]}
    )
    figure = ccdf.draw(table)
    ax = figure.axes[0]
    assert ax.lines[0].get_drawstyle() == "steps-pre"
    assert ax.lines[0].get_xdata().tolist() == [2, 5]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_legend().get_texts()[0].get_text() == "fc1"
    assert ccdf.describe(table, run="r") == (
        "Degree distribution of r. fc1: median 2, largest 5, 25.0 % without an edge."
    )


def test_a_kernel_leaves_out_bins_of_few_events() -> None:
    table = pd.DataFrame(
        {
            "run": ["a"] * 4 + ["b"], "degree": [1.0, 10, 100, 300, 5],
            "events": [50, 60, 70, 3, 2],
            "value": [0.1, 1.0, 8.0, 99.0, 1.0], "low": [0.0, 0.9, 7.0, 1.0, 0.5],
            "high": [0.2, 1.1, 9.0, 999.0, 2.0],
        }
    )  # fmt: skip
    figure = kernel.draw(table, runs=["a", "b"])
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
    assert [list(line.get_ydata()) for line in lines] == [[0.1, 1.0, 8.0]]
    text = kernel.describe(table, what="fc1, edges gain")
    assert "0.1 times chance at degree 1, 8 times at degree 100" in text
    assert "b: too few events" in text
    nothing = kernel.draw(table[table["run"] == "b"])
    assert "nothing to draw" in nothing.axes[0].texts[0].get_text()


def test_a_tail_shows_only_the_fits_there_are() -> None:
    data = pd.DataFrame({"degree": [1, 2, 4, 8], "ccdf": [1, 0.5, 0.25, 0.125]})
    fits = pd.DataFrame(
        {"variant": ["searched", "fixed"], "alpha": [2.0, np.nan], "x_min": [2, 0], "n": [8, 8],
         "n_tail": [4, 0], "ks_distance": [0.1, np.nan], "reason": ["", "too few"]}
    )  # fmt: skip
    figure = tail.draw(data, fits=fits)
    assert len(figure.axes[0].lines) == 2
    assert figure.axes[0].lines[1].get_ydata()[0] == pytest.approx(0.5)  # the share in the tail
    assert "no fit, too few" in tail.describe(fits, run="r")


def test_matrices_images_and_shells() -> None:
    square = pd.DataFrame(
        {"step_a": [0, 0, 5, 5], "step_b": [0, 5, 0, 5], "tau": [1, 0.25, 0.25, 1]}
    )
    assert len(matrix.draw(square).axes) == 2
    assert "0.25" in matrix.describe(square, run="r", layer="l")
    image = pd.DataFrame(
        {"channel": 0, "row": [0, 0, 1, 1], "col": [0, 1, 0, 1], "value": [0, 0, 0, 8]}
    )
    drawn = pixels.draw(image, vmax=8.0).axes[0].images[0]
    assert drawn.get_array().tolist() == [[0, 0], [0, 8]] and drawn.get_clim() == (0, 8)
    assert "centre of mass at row 1.0, column 1.0" in pixels.describe(image, run="r", what="W")
    roles = pd.DataFrame(
        {"step": [0] * 3 + [5] * 3, "epoch": np.nan, "role": ["core", "crust", "isolated"] * 2,
         "share": [0.5, 0.3, 0.2, 0.6, 0.4, 0.0]}
    )  # fmt: skip
    figure = shells.draw(roles)
    assert len(figure.axes[0].collections) == 3 and figure.axes[0].get_xlabel() == "step"
    assert "core from 50.0 % to 60.0 %" in shells.describe(roles, run="r", layer="l")


def test_figures_draw_on_given_axes_and_leave_settings_alone() -> None:
    before = dict(mpl.rcParams)
    figure = Figure()
    ax = figure.subplots()
    assert timeline.draw(TIMES, y="y", ylabel="y", ax=ax) is figure
    assert dict(mpl.rcParams) == before


def test_pictures_are_small_and_repeatable() -> None:
    one, two = (timeline.draw(TIMES, y="y", ylabel="y") for _ in range(2))
    assert png(one) == png(two) and svg(one) == svg(two)
    assert len(png(one)) < 40_000
    # On the page letters are letters, not outlines, and only the points of lines are shortened.
    assert b"<text" in svg(one) and b"DejaVuSans" not in svg(one)
    assert re.search(rb'width="\d+\.\d{3,}"', svg(one))


def test_colours_that_are_values_are_kept() -> None:
    """A palette would merge neighbouring colours of a map, and so change what it says."""
    from matplotlib import colormaps

    values = pd.DataFrame(
        {"channel": 0, "row": np.repeat(np.arange(16), 16), "col": np.tile(np.arange(16), 16),
         "value": np.arange(256.0)}
    )  # fmt: skip
    picture = Picture.open(BytesIO(png(pixels.draw(values, vmax=255.0), colours=None)))
    shown = set(picture.convert("RGB").get_flattened_data())
    expected = {tuple(c[:3]) for c in colormaps["viridis"](np.arange(256), bytes=True).tolist()}
    assert expected <= shown


def neurons_and_bundles() -> pd.DataFrame:
    """Three inputs, two hidden neurons of which one is on no path, one output."""
    neurons = pd.DataFrame(
        {"kind": "neuron", "layer": ["input"] * 3 + ["h"] * 2 + ["o"],
         "rank_group": [0, 1, 2, 0, 1, 0], "degree": [2, 1, 0, 3, 0, 1],
         "role": ["core", "crust", "isolated", "core", "isolated", "output"],
         "on_path": [True, True, False, True, False, True]}
    )  # fmt: skip
    bundles = pd.DataFrame(
        {"kind": "bundle", "layer": ["h", "h", "o"], "source": ["input", "input", "h"],
         "source_group": [0, 1, 0], "target_group": [0, 0, 0], "edges": [1, 1, 1],
         "possible": [1, 1, 1], "density": [1.0, 1.0, 1.0]}
    )  # fmt: skip
    return pd.concat([neurons, bundles], ignore_index=True)


def test_a_wiring_shows_every_neuron_and_the_densest_bundles() -> None:
    table = neurons_and_bundles()
    ax = wiring.draw(table).axes[0]
    columns = [c for c in ax.collections if hasattr(c, "get_segments")]
    assert [len(c.get_segments()) for c in columns] == [3, 2, 1]
    bars = columns[1].get_segments()
    lengths = [bar[1][0] - bar[0][0] for bar in bars]
    assert lengths[0] > 10 * lengths[1] > 0  # without an edge, and still to be seen
    assert tuple(columns[1].get_colors()[1][:3]) == wiring.COLOURS["dormant"]
    shapes = [c for c in ax.collections if not hasattr(c, "get_segments")]
    assert [len(c.get_paths()) for c in shapes] == [2, 1]
    assert {t.get_text() for t in ax.texts} == {"input\n3", "h\n2", "o\n1"}
    text = wiring.describe(table, run="r")
    assert "h: 2 neurons, largest degree 3, mean 1.5, 50 % in the core, 1 on no path" in text
    nobody = wiring.draw(table[table["kind"] == "bundle"])
    assert "no neurons" in nobody.axes[0].texts[0].get_text()


def test_a_wiring_of_four_thousand_neurons_is_no_hairball() -> None:
    """As many marks as neurons, and no more bundles than can be told apart."""
    rng = np.random.default_rng(0)
    n = 2000
    neurons = pd.DataFrame(
        {"kind": "neuron", "layer": ["input"] * n + ["h"] * n,
         "rank_group": np.tile(np.arange(n) * 16 // n, 2), "degree": rng.integers(0, 99, 2 * n),
         "role": "core", "on_path": True}
    )  # fmt: skip
    a, b = np.divmod(np.arange(256), 16)
    bundles = pd.DataFrame(
        {"kind": "bundle", "layer": "h", "source": "input", "source_group": a, "target_group": b,
         "edges": rng.integers(1, 99, 256), "possible": 100}
    )  # fmt: skip
    table = pd.concat([neurons, bundles.assign(density=bundles["edges"] / 100)])
    ax = wiring.draw(table).axes[0]
    marks = [len(c.get_paths()) for c in ax.collections]
    assert sorted(marks) == [60, 2000, 2000]
    assert len(png(wiring.draw(table))) < 150_000


def test_the_other_ways_of_drawing() -> None:
    steps = pd.DataFrame(
        {"step": np.repeat(np.arange(20), 2), "epoch": np.nan, "degree": [1, 4] * 20,
         "ccdf": [1.0, 0.5] * 20}
    )  # fmt: skip
    assert len(ccdf_over_time.draw(steps).axes[0].lines) == ccdf_over_time.MOST
    assert "median 4, largest 4 at the end" in ccdf_over_time.describe(steps, run="r")
    line = pd.DataFrame({"layer": "a", "position": [0.25, 0.75], "fan_in": [9, 1]})
    assert profile.draw(line).axes[0].lines[0].get_ydata().tolist() == [9, 1]
    assert "from 9 down to 1, mean 5.0" in profile.describe(line, run="r")
    points = pd.DataFrame(
        {"group": "g", "layer": ["a", "a", "b"], "x": [1.0, 2, 3], "y": [2.0, 4, 6]}
    )
    drawn = relation.draw(points, x="x", y="y", xlabel="x", ylabel="y")
    assert len(drawn.axes[0].lines) == 2
    assert relation.correlation(points, "x", "y") == (pytest.approx(1.0), 3)
    assert np.isnan(relation.correlation(points.assign(y=1.0), "x", "y")[0])
    tenths = pd.DataFrame({"run": "r", "decile": [1, 10], "relative": [0.5, 2.0]})
    assert len(deciles.draw(tenths).axes[0].lines) == 1
    assert "0.50 in the lowest decile, 2.00 in the highest" in deciles.describe(tenths, what="G")
    both = pd.DataFrame({"group": ["a", "b"], "degree": [3, 5], "ccdf": [1.0, 1.0]})
    assert len(ccdf_by_run.draw(both).axes[0].lines) == 2
    sizes = pd.DataFrame({"step": [0, 0, 9], "epoch": np.nan, "coreness": [1, 3, 3],
                          "count": [5, 2, 7]})  # fmt: skip
    mesh = shellmap.draw(sizes).axes[0].collections[0].get_array()
    assert mesh.filled(0).tolist() == [[0, 0], [5, 0], [0, 0], [2, 7]]
    assert "5 neurons in the fullest (1)" in shellmap.describe(sizes, run="r", layer="l")


# -- golden pictures -------------------------------------------------------------------------------


def golden_pictures() -> dict[str, Figure]:
    rng = np.random.default_rng(3)
    degree = np.arange(1, 60)
    tables = pd.DataFrame(
        {"layer": np.repeat(["input", "fc1"], 59), "degree": np.tile(degree, 2), "count": 1,
         "ccdf": np.concatenate([1.0 / degree, np.exp(-degree / 20.0)])}
    )  # fmt: skip
    time = pd.DataFrame(
        {"run": np.repeat(["a", "b", "c"], 30), "group": np.repeat(["g", "g", "c"], 30),
         "step": np.tile(np.arange(30), 3), "epoch": np.tile(np.arange(30) / 3, 3),
         "y": np.concatenate([np.linspace(0, k, 30) ** 0.5 for k in (1.0, 2.0, 0.5)])}
    )  # fmt: skip
    image = pd.DataFrame(
        {"channel": 0, "row": np.repeat(np.arange(8), 8), "col": np.tile(np.arange(8), 8),
         "value": rng.integers(0, 50, 64)}
    )  # fmt: skip
    tau = pd.DataFrame(
        [
            {"step_a": a, "step_b": b, "tau": 1 - abs(a - b) / 12}
            for a in range(10)
            for b in range(10)
        ]
    )
    return {
        "ccdf": ccdf.draw(tables, title="run"),
        "timeline": timeline.draw(
            time, y="y", ylabel="y (1)", title="seeds", levels=[(0.8, "rule")]
        ),
        "pixels": pixels.draw(image, title="run", label="degree (edges)", vmax=50),
        "matrix": matrix.draw(tau, title="run: fc1", vmin=0.0),
        "wiring": wiring.draw(neurons_and_bundles(), title="small"),
    }


@pytest.mark.parametrize("name", ["ccdf", "timeline", "pixels", "matrix", "wiring"])
def test_figures_look_as_they_did(name: str) -> None:
    """Against pictures that were looked at. TOPOLAB_GOLDEN=write makes them anew."""
    picture = png(golden_pictures()[name], dpi=60, colours=None)
    path = GOLDEN / f"{name}.png"
    if os.environ.get("TOPOLAB_GOLDEN") == "write":
        path.write_bytes(picture)
    now, then = (
        np.asarray(Picture.open(source).convert("RGB").resize((132, 90)), float)
        for source in (BytesIO(picture), path)
    )
    # Other versions of the font or the renderer move edges by part of a pixel, not more.
    assert np.sqrt(((now - then) ** 2).mean()) < 6.0
