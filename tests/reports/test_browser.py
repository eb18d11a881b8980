"""The page in Chromium: what it loads, draws, says and lets a reader do."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser import CHROMIUM, Browser
from PIL import Image as Picture

import topolab
from conftest import record_example
from topolab_reports.build import build_report

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
Two = tuple[Path, list[topolab.Run]]


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    browser.size(1280, 900)
    yield browser
    browser.close()


def test_it_loads_without_an_error_or_a_request(tab: Browser, two: Two) -> None:
    tab.go(two[0].as_uri())
    assert tab.console == []
    outside = [url for url in tab.requests if not url.startswith(("data:", "blob:", "about:"))]
    assert outside == [two[0].as_uri()]
    broken = "[...document.images].filter(i => !i.complete || i.naturalWidth === 0).length"
    assert tab.js(broken) == 0 and tab.js("document.images.length") > 40


def marks(tab: Browser) -> list[list[str]]:
    """What moves: every path and image of every panel, and the words below it."""
    found = tab.js(
        "[...document.querySelectorAll('.moving')].map(p => [...p.querySelectorAll('path')]"
        ".map(e => e.getAttribute('d')).concat([...p.querySelectorAll('image')]"
        ".map(e => e.getAttribute('href')), p.querySelector('.says').textContent))"
    )
    return [list(map(str, one)) for one in found]


def test_the_slider_changes_every_linked_figure(tab: Browser, two: Two) -> None:
    tab.go(two[0].as_uri())
    last = marks(tab)
    assert len(last) == 8
    tab.js(
        "(() => { const r = document.getElementById('frame'); r.value = 0;"
        " r.dispatchEvent(new Event('input')); })()"
    )
    first = marks(tab)
    assert all(a != b for a, b in zip(first, last, strict=True))
    said = tab.js("document.getElementById('moment').textContent")
    assert said.startswith("one: step 0, epoch 0.00, test accuracy 50.0 %")
    assert tab.js("document.getElementById('frame').getAttribute('aria-valuetext')") == said
    alts = tab.js("[...document.querySelectorAll('.moving img')].map(i => i.alt)")
    assert alts == [one[-1] for one in first]
    # The line that marks the moment is at the left end of every time axis.
    at = tab.js(
        "[...document.querySelectorAll('.now[y2]')].filter(l => l.hasAttribute('x1'))"
        ".map(l => Number(l.getAttribute('x1')))"
    )
    assert len(at) > 20 and max(at) < 130


def test_the_script_draws_what_the_page_came_with(tab: Browser, two: Two) -> None:
    """Without scripts the last moment is there; with them the same is drawn again."""
    plain = two[0].read_text(encoding="utf-8")
    tab.go(two[0].as_uri())
    drawn = tab.js("document.querySelector('.moving path').getAttribute('d')")
    came = plain.split('<path d="')[1].split('"')[0]

    def corners(path: str) -> list[tuple[float, float]]:
        """Points of a path of M, L, H and V, without those in the middle of a straight line."""
        points: list[tuple[float, float]] = []
        for part in path.replace("M", " M").replace("L", " L").replace("H", " H").replace(
            "V", " V"
        ).split():  # fmt: skip
            kind, numbers = part[0], [float(v) for v in part[1:].split(",")]
            x, y = points[-1] if points else (0.0, 0.0)
            points.append({"H": (numbers[0], y), "V": (x, numbers[0])}.get(kind)
                          or (numbers[0], numbers[-1]))  # fmt: skip
        return [p for i, p in enumerate(points) if i == 0 or p != points[i - 1]]

    assert np.allclose(corners(drawn), corners(came), atol=0.11)


@pytest.mark.parametrize(("key", "then"), [("ArrowLeft", 3), ("ArrowRight", 4)])
def test_arrow_keys_move_the_time(tab: Browser, two: Two, key: str, then: int) -> None:
    tab.go(two[0].as_uri())
    tab.key(key)
    assert tab.js("document.getElementById('frame').value") == str(then)


def test_everything_can_be_reached_and_used_by_keyboard(tab: Browser, two: Two) -> None:
    tab.go(two[0].as_uri())
    reached = []
    for _ in range(24):
        tab.key("Tab")
        reached.append(tab.js("document.activeElement.id || document.activeElement.textContent"))
    assert reached[0] == "Skip to the report" and reached[1] == "At a glance"
    assert "play" in reached and "frame" in reached
    tab.js("document.getElementById('frame').focus()")
    tab.key("Home")
    assert tab.js("document.getElementById('frame').value") == "0"
    tab.js("document.querySelector('details summary').focus()")
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert tab.js(outline) != "none"


def test_play_goes_to_the_end_and_stops(tab: Browser, two: Two) -> None:
    tab.go(f"{two[0].as_uri()}#frame=2")
    assert tab.js("document.getElementById('frame').value") == "2"
    tab.js("document.getElementById('play').click()")
    assert tab.js("document.getElementById('play').textContent") == "Pause"
    tab.js("new Promise(done => setTimeout(done, 2200))")
    assert tab.js("document.getElementById('frame').value") == "4"
    assert tab.js("document.getElementById('play').getAttribute('aria-pressed')") == "false"


def test_the_pointer_reads_values(tab: Browser, two: Two) -> None:
    path, runs = two
    tab.go(path.as_uri())
    place = tab.js(
        "(() => { const img = [...document.images].find(i => i.alt.startsWith('Test accuracy'));"
        " img.scrollIntoView({block: 'center', behavior: 'instant'});"
        " const b = img.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
    )
    left, top, width, height = place
    tab.move(left + width * 0.55, top + height * 0.5)
    said = tab.js("document.getElementById('tip').innerText").splitlines()
    assert said[0] == "epoch 3"
    accuracy = 100 * runs[0].at(step=30).metrics["test_accuracy"]
    assert f"one: {accuracy:.4g}" in said and len(said) == 3
    matrix = tab.js(
        "(() => { const i = [...document.images].find(i => i.alt.includes('Kendall'));"
        " i.scrollIntoView({block: 'center', behavior: 'instant'});"
        " const b = i.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
    )
    tab.move(matrix[0] + matrix[2] * 0.4, matrix[1] + matrix[3] * 0.5)
    assert tab.js("document.getElementById('tip').innerText").startswith("steps ")
    tab.move(2, 2)
    assert tab.js("document.getElementById('tip').hidden") is True
    tab.js("document.getElementById('heatmap').scrollIntoView({behavior: 'instant'})")
    box = tab.js(
        "(() => { const b = document.querySelector('#heatmap .marks image')"
        ".getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
    )
    tab.move(box[0] + box[2] * 1.5 / 6, box[1] + box[3] * 2.5 / 6)
    table = topolab.analyse(runs[0], ["heatmap"])["heatmap"].table
    pixel = table[(table["view"] == "input_degree") & (table["step"] == 60)]
    pixel = pixel[(pixel["row"] == 2) & (pixel["col"] == 1)]["value"].item()
    said = tab.js("document.getElementById('tip').innerText").splitlines()
    assert said == ["row 2, column 1", f"{pixel:g}"]


def test_tables_download(tab: Browser, two: Two, tmp_path: Path) -> None:
    tab.go(two[0].as_uri())
    tab.do("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path),
           eventsEnabled=False)  # fmt: skip
    wanted = ["psn-ccv.csv", "psn-ccv.parquet", "nsh-fig20.parquet"]
    for name in wanted:
        tab.js(f"document.querySelector('a[download=\"{name}\"]').click()")
        tab.js(
            "new Promise(done => setTimeout(done, 400))"
        )  # one at a time: Chromium asks a reader about many at once
    for _ in range(50):
        if all((tmp_path / name).exists() for name in wanted):
            break
        tab.js("new Promise(done => setTimeout(done, 100))")
    table = pd.read_parquet(tmp_path / "psn-ccv.parquet")
    assert len(pd.read_csv(tmp_path / "psn-ccv.csv")) == len(table) == 22
    assert len(pd.read_parquet(tmp_path / "nsh-fig20.parquet")) == 3 * (7**2 + 4**2)


def brightness(tab: Browser) -> float:
    return float(np.asarray(Picture.open(BytesIO(tab.picture())).convert("L")).mean())


def test_dark_print_and_phone(tab: Browser, two: Two) -> None:
    tab.go(two[0].as_uri())
    light = brightness(tab)
    tab.media(color_scheme="dark")
    assert brightness(tab) < 0.6 * light
    tab.media("print")
    hidden = "getComputedStyle(document.querySelector('%s')).display"
    assert tab.js(hidden % "#time") == "none" and tab.js(hidden % ".contents") == "none"
    assert tab.js(hidden % ".panel img") == "block"
    pdf = base64.b64decode(tab.do("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 50_000
    tab.media()
    tab.size(390, 844)
    assert tab.js("document.documentElement.scrollWidth") <= 390
    widest = "Math.max(...[...document.querySelectorAll('.panel')].map(p => p.offsetWidth))"
    assert tab.js(widest) <= 390
    tab.size(1280, 900)


def test_motion_is_reduced_for_those_who_ask(tab: Browser, two: Two) -> None:
    tab.go(two[0].as_uri())
    scroll = "getComputedStyle(document.documentElement).scrollBehavior"
    assert tab.js(scroll) == "smooth"
    tab.media(reduced_motion="reduce")
    assert tab.js(scroll) == "auto"
    tab.media()


def axe() -> str:
    """The accessibility checker: a newer one fetched by `make axe`, or the one tests install."""
    newer = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
    if newer.exists():
        return newer.read_text(encoding="utf-8")
    found = importlib.util.find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("no axe-core: make axe, or install the extra test")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(tab: Browser, two: Two, scheme: str, width: int) -> None:
    tab.go(two[0].as_uri())
    tab.size(width, 900)
    tab.media(color_scheme=scheme)
    tab.js(axe() + "; 1")
    found: list[dict[str, Any]] = json.loads(
        tab.js("axe.run(document, {resultTypes: ['violations']}).then(r => "
               "JSON.stringify(r.violations))")
    )  # fmt: skip
    tab.media()
    tab.size(1280, 900)
    bad = [f"{v['impact']}: {v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]
    if os.environ.get("TOPOLAB_AXE"):
        print(tab.js("axe.version"), bad)  # noqa: T201
    assert bad == []


def test_a_long_run_opens_and_says_what_is_chosen(tab: Browser, tmp_path: Path) -> None:
    run = record_example(tmp_path / "long", snapshots=120)
    page = build_report([run], tmp_path / "long.html")
    tab.go(page.as_uri())
    assert tab.console == []
    text = tab.js("document.getElementById('chosen').textContent")
    assert "24 of 120 snapshots, evenly chosen" in " ".join(text.split())
    assert page.stat().st_size < 10e6
