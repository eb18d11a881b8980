"""The page: self-contained, accessible, the same every time; and what it does in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import topolab
import topolab_reports.html as html
from conftest import record_example
from topolab.errors import ConfigError
from topolab.registry import find, load_all
from topolab_reports.figures import ccdf, kernel, matrix, pixels, shells, tail, timeline
from topolab_reports.html import build_report
from topolab_reports.images import png, svg
from topolab_reports.sections.base import Content, Section

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class Page(HTMLParser):
    """What a test asks of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[int] = []
        self.words: list[str] = []
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[topolab.Run]]]:
    folder = tmp_path_factory.mktemp("report")
    runs = [
        record_example(folder / "one", snapshots=7, seed=1),
        record_example(folder / "two", snapshots=4, seed=2),
    ]
    yield build_report(runs, folder / "report.html", max_frames=5), runs


def test_nothing_comes_from_outside(two: tuple[Path, list[topolab.Run]]) -> None:
    page = Page(two[0])
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") or name == "style" for name in attributes), (
            tag,
            attributes,
        )
        source = attributes.get("src") or ""
        assert source.startswith("data:") or not source
        target = attributes.get("href") or ""
        assert not re.match(r"[a-z]+:|//", target)
    assert not page.all("link") and "@import" not in page.text and "url(" not in page.text


def test_the_policy_allows_just_what_is_there(two: tuple[Path, list[topolab.Run]]) -> None:
    page = Page(two[0])
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv"))
    assert policy is not None and "default-src 'none'" in policy and "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page.text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_every_picture_describes_itself(two: tuple[Path, list[topolab.Run]]) -> None:
    images = Page(two[0]).all("img")
    assert len(images) > 30
    assert all(len(image["alt"] or "") > 25 for image in images)
    frames = [image for image in images if "data-frame" in image]
    assert {image["data-frame"] for image in frames} == {"0", "1", "2", "3", "4"}
    # three moving figures of two runs, five moments each; only the last moment is shown at first
    assert len(frames) == 3 * 2 * 5
    assert sum("hidden" not in image for image in frames) == 6
    ccdfs = [i["alt"] for i in frames if (i["alt"] or "").startswith("Degree distribution of one")]
    assert len(set(ccdfs)) == 5


def test_headings_go_down_one_at_a_time(two: tuple[Path, list[topolab.Run]]) -> None:
    headings = Page(two[0]).headings
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(headings))


def test_every_section_is_there_and_has_a_finding(two: tuple[Path, list[topolab.Run]]) -> None:
    page = Page(two[0])
    assert "could not be drawn" not in page.text
    ids = [s["id"] for s in page.all("section") if "id" in s]
    assert ids == [
        "selection", "training", "degree", "powerlaw", "attachment", "kshell", "dormant",
        "kendall", "heatmap", "gradient", "exploration", "provenance",
    ]  # fmt: skip
    assert page.text.count('class="finding"') == 11
    assert {a["href"] for a in page.all("a") if (a["href"] or "").startswith("#")} >= {
        f"#{i}" for i in ids
    }


def test_it_says_what_is_chosen_and_where_it_comes_from(
    two: tuple[Path, list[topolab.Run]],
) -> None:
    path, runs = two
    text = " ".join(" ".join(Page(path).words).split())
    assert "shows 5 of 7 snapshots, evenly chosen" in text
    assert "at or before the same epoch" in text
    for run in runs:
        assert str(run.manifest["run_id"]) in text
    links = [a["href"] for a in Page(path).all("a") if (a["href"] or "").endswith(".parquet")]
    needed = {name for section in load_all("sections").values() for name in section.needs}
    tables = sum(len(find("analyses", name).schemas) for name in needed)
    assert len(links) == 2 * tables
    assert all((path.parent / str(link)).is_file() for link in links)


def test_numbers_in_words_are_those_of_the_tables(two: tuple[Path, list[topolab.Run]]) -> None:
    path, runs = two
    table = topolab.analyse(runs[0], ["degree"])["degree"].table
    line = table[(table["layer"] == "fc1") & (table["direction"] == "in")]["ccv"]
    assert re.search(rf"CCV of fc1 (rose|fell|stayed)[^.]*{line.iloc[-1]:.2f}", Page(path).text)
    accuracy = 100 * runs[0][-1].metrics["test_accuracy"]
    assert f"{accuracy:.2f} % in one" in Page(path).text


def test_the_same_runs_give_the_same_bytes(two: tuple[Path, list[topolab.Run]]) -> None:
    path, runs = two
    again = build_report(runs, path.with_name("again.html"), max_frames=5)
    assert again.read_bytes() == path.read_bytes()


def test_names_are_escaped(tmp_path: Path) -> None:
    run = record_example(tmp_path / "<script>alert(1)<")
    page = Page(build_report([run], tmp_path / "r.html", title="</title><script>alert(2)</script>"))
    assert len(page.all("script")) == 1 and "&lt;script&gt;alert(1)" in page.text


class Failing(Section):
    name = "failing"
    title = "A stranger's section"
    order = 15

    def build(self, context: Any) -> Content:
        raise RuntimeError("out of <b>luck</b>")


class Fine(Section):
    name = "fine"
    title = "Another stranger's"
    order = 16

    def build(self, context: Any) -> Content:
        return Content("It works.", facts=pd.DataFrame({"a": ["1 < 2"]}))


def test_a_section_that_fails_costs_only_itself(
    example_run: topolab.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stranger(group: Any, name: str) -> Any:
        if name == "unloadable":
            raise ConfigError("cannot be loaded")
        return {"failing": Failing, "fine": Fine}[name]

    monkeypatch.setattr(html, "names", lambda group: ["failing", "fine", "unloadable"])
    monkeypatch.setattr(html, "find", stranger)
    page = Page(build_report([example_run], tmp_path / "r.html"))
    assert page.text.count("could not be drawn") == 2
    assert "out of &lt;b&gt;luck&lt;/b&gt;" in page.text
    assert "It works." in page.text and "1 &lt; 2" in page.text


def odd_run(path: Path, sort: str) -> topolab.Run:
    if sort == "one snapshot":
        return record_example(path, snapshots=1)
    layers = (
        topolab.LayerSpec("fc1", "linear", (3, 4)),
        topolab.LayerSpec("fc2", "linear", (2, 3)),
    )
    fill = {"no edges": 0, "all edges": 1}.get(sort, 0)
    with topolab.Recorder(path, layers=layers) as recorder:
        if sort != "empty":
            for step in range(3):
                recorder.record(step, {layer.name: np.full(layer.shape, fill) for layer in layers})
    return topolab.open_run(path)


@pytest.mark.parametrize("sort", ["one snapshot", "no edges", "all edges", "empty"])
def test_odd_runs_give_a_page_that_says_so(tmp_path: Path, sort: str) -> None:
    text = Page(build_report([odd_run(tmp_path / "odd", sort)], tmp_path / "r.html")).text
    if sort == "empty":
        assert "odd has no snapshots yet" in text
    else:
        assert "could not be drawn" not in text
    if sort in ("no edges", "all edges"):
        assert "does not say how its inputs lie in an image" in text
    if sort == "no edges":
        assert "At its end odd has no fit" in text


def test_no_run_or_one_twice(example_run: topolab.Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one run"):
        build_report([], tmp_path / "r.html")
    with pytest.raises(ConfigError, match="given twice"):
        build_report([example_run, topolab.open_run(example_run.path)], tmp_path / "r.html")


# -- figures -----------------------------------------------------------------------------------

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
    assert ax.get_legend().get_texts()[0].get_text() == "fc1 (25.0 % without an edge)"
    assert ccdf.describe(table, run="r") == "Degree distribution of r. fc1: median 2, largest 5."


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
    said = kernel.describe(table, what="fc1, edges gain")
    assert "0.1 times chance at degree 1, 8 times at degree 100" in said
    assert "b: too few events" in said
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
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    figure = Figure()
    ax = figure.subplots()
    assert timeline.draw(TIMES, y="y", ylabel="y", ax=ax) is figure
    assert dict(mpl.rcParams) == before


def test_pictures_are_small_and_repeatable() -> None:
    one, two = (timeline.draw(TIMES, y="y", ylabel="y") for _ in range(2))
    assert png(one) == png(two) and svg(one) == svg(two)
    assert len(png(one)) < 40_000
    # Glyphs are scaled by 1/64 and the like; cutting those numbers would shrink all text.
    scales = set(re.findall(rb"scale\((0\.\d+)", svg(one)))
    assert b"0.015625" in scales


def test_colours_that_are_values_are_kept() -> None:
    """A palette would merge neighbouring colours of a map, and so change what it says."""
    from io import BytesIO

    from matplotlib import colormaps
    from PIL import Image as Picture

    values = pd.DataFrame(
        {"channel": 0, "row": np.repeat(np.arange(16), 16), "col": np.tile(np.arange(16), 16),
         "value": np.arange(256.0)}
    )  # fmt: skip
    picture = Picture.open(BytesIO(png(pixels.draw(values, vmax=255.0), colours=None)))
    shown = set(picture.convert("RGB").get_flattened_data())
    expected = {tuple(c[:3]) for c in colormaps["viridis"](np.arange(256), bytes=True).tolist()}
    assert expected <= shown


# -- in a browser --------------------------------------------------------------------------------


def browse(tmp_path: Path, address: str, *options: str) -> str:
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
            "--virtual-time-budget=3000", "--enable-logging=stderr", "--v=0", *options, address,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not said, said
    return done.stdout


@pytest.mark.chromium
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("frame", [0, 2, 4])
def test_the_time_control_moves_every_linked_figure(
    two: tuple[Path, list[topolab.Run]], tmp_path: Path, frame: int
) -> None:
    dom = browse(tmp_path, f"{two[0].as_uri()}#frame={frame}", "--dump-dom")
    (tmp_path / "dom.html").write_text(dom, encoding="utf-8")
    page = Page(tmp_path / "dom.html")
    shown = [i["data-frame"] for i in page.all("img") if "data-frame" in i and "hidden" not in i]
    assert shown == [str(frame)] * 6
    (slider,) = page.all("input")
    assert "one: step" in (slider["aria-valuetext"] or "")
    said = re.search(r'<output[^>]*id="moment"[^>]*>(.*?)</output>', dom)
    assert said is not None and f"one: step {[0, 20, 30, 40, 60][frame]}" in said[1]


@pytest.mark.chromium
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(
    ("key", "then"), [("ArrowLeft", 3), ("ArrowRight", 4)], ids=["left", "right"]
)
def test_the_keyboard_and_the_slider_work(
    two: tuple[Path, list[topolab.Run]], tmp_path: Path, key: str, then: int
) -> None:
    """The page's own script, driven by events: a copy of the page with one script more."""
    drive = (
        f"document.body.dispatchEvent(new KeyboardEvent('keydown',{{key:'{key}',bubbles:true}}));"
        "document.title=document.getElementById('frame').value;"
        "var r=document.getElementById('frame');r.value='1';r.dispatchEvent(new Event('input'));"
        "document.getElementById('play').click();"
    )
    digest = base64.b64encode(hashlib.sha256(drive.encode()).digest()).decode()
    text = two[0].read_text(encoding="utf-8")
    text = text.replace("script-src '", f"script-src 'sha256-{digest}' '")
    text = text.replace("</body>", f"<script>{drive}</script></body>")
    copy = tmp_path / "driven.html"
    copy.write_text(text, encoding="utf-8")
    dom = browse(tmp_path, copy.as_uri(), "--dump-dom")
    assert f"<title>{then}</title>" in dom
    # Play went on from moment 1 to the end and stopped there.
    assert re.search(r'<button[^>]*id="play"[^>]*aria-pressed="false"[^>]*>Play</button>', dom)
    shown = re.findall(r'data-frame="(\d)"(?! hidden)', dom)
    assert set(shown) == {"4"}
