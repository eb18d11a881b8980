"""Ways of drawing: what each draws of a table by hand, and golden pictures."""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image as Picture

from topolab_reports.images import png, svg
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

GOLDEN = Path(__file__).parent / "golden"

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
    assert tuple(columns[1].get_colors()[1][:3]) == wiring.COLOURS["on no path"]
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


def test_seeds_recorded_at_other_times_are_interpolated() -> None:
    table = pd.DataFrame(
        {"run": ["a"] * 3 + ["b"] * 2, "group": "g", "step": [0, 10, 20, 0, 20],
         "epoch": [0.0, 1, 2, 0, 2], "y": [0.0, 1.0, 2.0, 2.0, 6.0]}
    )  # fmt: skip
    ((group, _, _, line),) = timeline.lines(table, y="y", time="step")
    assert group == "g"
    assert line["value"].tolist() == [1.0, 2.5, 4.0] and line["n"].tolist() == [2, 2, 2]
    assert line["low"].tolist() == [0.0, 1.0, 2.0] and line["high"].tolist() == [2.0, 4.0, 6.0]


def test_a_bounded_law_is_drawn_as_it_was_fitted() -> None:
    """Its line ends at the bound, and is that of the law up to there, also where it is flat."""
    data = pd.DataFrame({"degree": [1, 2, 3, 4], "ccdf": [1.0, 0.75, 0.5, 0.25]})
    fits = pd.DataFrame(
        {"variant": ["searched"], "alpha": [0.5], "x_min": [2], "x_max": [3], "n": [8],
         "n_tail": [6], "ks_distance": [0.1], "reason": ["no p: few replicates have a fit"]}
    )  # fmt: skip
    line = tail.draw(data, fits=fits).axes[0].get_lines()[-1]
    weights = np.array([2.0, 3.0]) ** -0.5
    assert line.get_xdata().tolist() == [2, 3]
    assert line.get_ydata() == pytest.approx([0.75, 0.75 * weights[1] / weights.sum()])
    # A fit without a p is a fit.
    assert "alpha 0.50" in tail.describe(fits, run="r")
