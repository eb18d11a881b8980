"""The page: self-contained, accessible, the same every time; and what it does in a browser."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from page import Page

import topolab
import topolab_reports.lookup as lookup
from conftest import record_example
from topolab.errors import ConfigError
from topolab.registry import find, load_all
from topolab_reports.build import build_report
from topolab_reports.figures.base import Panel, RunFigure
from topolab_reports.sections.base import Content, Section


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
        assert target.startswith("data:") or not re.match(r"[a-z]+:|//", target)
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
    page = Page(two[0])
    images = page.all("img")
    assert len(images) > 40
    assert all(len(image["alt"] or "") > 25 for image in images)
    moving = [panel for panel in page.script_data["panels"] if panel and panel["moving"]]
    # four moving figures of two runs, five moments each, and what each moment shows in words
    assert len(moving) == 4 * 2
    assert all(len(panel["alts"]) == 5 for panel in moving)
    ccdfs = [p["alts"] for p in moving if p["alts"][0].startswith("Degree distribution of one")]
    assert len(ccdfs) == 1 and len(set(ccdfs[0])) == 5
    assert {i["alt"] for i in images} >= {panel["alts"][-1] for panel in moving}


def test_what_moves_is_data_not_pictures(two: tuple[Path, list[topolab.Run]]) -> None:
    """The values that the page draws and reads out are those of the tables."""
    path, runs = two
    panels = [p for p in Page(path).script_data["panels"] if p and p["moving"]]
    assert not any(panel["whole"] for panel in panels)
    ccdf = next(p for p in panels if p["alts"][0].startswith("Degree distribution of one"))
    table = topolab.analyse(runs[0], ["degree"])["degree"].tables["degree_distribution"]
    here = table[
        (table["direction"] == "total") & (table["layer"] == "fc1") & (table["degree"] > 0)
    ]
    for frame, step in enumerate([0, 20, 30, 40, 60]):
        mark = [m["name"] for m in ccdf["marks"]].index("fc1")
        x, y = ccdf["frames"][frame][mark]
        expected = here[here["step"] == step]
        assert x == expected["degree"].tolist()
        assert y == pytest.approx(expected["ccdf"].tolist(), rel=1e-4)
    heat = next(p for p in panels if p["alts"][0].startswith("Degree of each input"))
    values = np.frombuffer(base64.b64decode(heat["image"]["frames"][0]), "<u2").astype(int) - 1
    degrees = topolab.analyse(runs[0], ["heatmap"])["heatmap"].table
    degrees = degrees[(degrees["view"] == "input_degree") & (degrees["step"] == 0)]
    assert heat["image"]["scale"] == 1.0
    assert values.tolist() == degrees.sort_values(["row", "col"])["value"].astype(int).tolist()


def test_headings_go_down_one_at_a_time(two: tuple[Path, list[topolab.Run]]) -> None:
    headings = Page(two[0]).headings
    assert headings[0] == 1 and headings.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(headings))


def test_every_section_is_there_and_has_a_finding(two: tuple[Path, list[topolab.Run]]) -> None:
    page = Page(two[0])
    assert "could not be drawn" not in page.text
    ids = [s["id"] for s in page.all("section") if "id" in s]
    assert ids == [
        "overview", "selection", "training", "degree", "powerlaw", "attachment", "kshell",
        "dormant", "kendall", "heatmap", "gradient", "exploration", "provenance",
    ]  # fmt: skip
    assert page.text.count('class="finding"') == 12
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
    sections = [s for s in load_all("sections").values() if not s.optional]
    needed = {name for section in sections for name in section.needs}
    for section in sections:
        needed |= {need for name in section.figures for need in find("figures", name).needs}
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


def test_tables_travel_with_the_page(two: tuple[Path, list[topolab.Run]]) -> None:
    """Every figure's table, as CSV and as Parquet, is what the figure draws; and its code."""
    path, runs = two
    files = {a["download"]: a["href"] or "" for a in Page(path).all("a") if "download" in a}
    read = {
        name: base64.b64decode(address.partition("base64,")[2]) for name, address in files.items()
    }
    csv = pd.read_csv(io.BytesIO(read["psn-ccv.csv"]))
    parquet = pd.read_parquet(io.BytesIO(read["psn-ccv.parquet"]))
    assert len(csv) == len(parquet) == (7 + 4) * 2
    expected = topolab.analyse(runs[0], ["degree"])["degree"].table
    expected = expected[(expected["direction"] == "in") & (expected["layer"] == "fc1")]["ccv"]
    mine = parquet[(parquet["run"] == "one") & (parquet["layer"] == "fc1")]["ccv"]
    assert mine.tolist() == expected.tolist()
    assert csv["ccv"].tolist() == pytest.approx(parquet["ccv"].tolist(), rel=1e-6)
    packed = next(name for name in read if name.endswith(".csv.gz"))
    assert gzip.decompress(read[packed]).startswith(b"run,group,step")
    assert b"class FanInInequality" in read["psn_ccv.py"]
    commands = re.findall(r"<code>(topolab figure [^<]*)</code>", Page(path).text)
    assert "topolab figure psn-ccv one two --out psn-ccv.pdf" in commands


def test_the_same_runs_give_the_same_bytes(two: tuple[Path, list[topolab.Run]]) -> None:
    path, runs = two
    again = build_report(runs, path.with_name("again.html"), frames=5)
    assert again.read_bytes() == path.read_bytes()


def test_names_are_escaped(tmp_path: Path) -> None:
    run = record_example(tmp_path / "<script>alert(1)<")
    page = Page(build_report([run], tmp_path / "r.html", title="</title><script>alert(2)</script>"))
    assert len(page.all("script")) == 2 and "&lt;script&gt;alert(1)" in page.text


class Failing(Section):
    name = "failing"
    title = "A stranger's section"
    order = 15

    def build(self, data: Any) -> Content:
        raise RuntimeError("out of <b>luck</b>")


class Broken(RunFigure):
    name = "broken"
    title = "A stranger's figure"

    def table(self, data: Any) -> pd.DataFrame:
        raise KeyError("no such <column>")


class Odd(RunFigure):
    """Draws with what cannot be taken out of a picture: it becomes one picture a moment."""

    name = "odd"
    title = "Bars"

    def table(self, data: Any) -> pd.DataFrame:
        run = data.views[0].run
        return pd.DataFrame({"run": "example", "step": run.steps, "height": range(len(run))})

    def panels(self, table: pd.DataFrame, runs: Any = None) -> list[Panel]:
        def draw(rows: pd.DataFrame, *, ax: Any = None) -> Any:
            figure = Figure(figsize=(3, 2))
            axes = figure.add_axes((0.2, 0.2, 0.7, 0.7)) if ax is None else ax
            axes.bar([0], rows["height"])
            return axes.get_figure()

        return [Panel(table, draw, lambda rows: f"A bar of height {rows['height'].iloc[0]}.",
                      run="example")]  # fmt: skip


class Fine(Section):
    name = "fine"
    title = "Another stranger's"
    order = 16
    figures = ("broken", "odd", "missing")

    def build(self, data: Any) -> Content:
        facts = pd.DataFrame({"a": ["1 < 2"]})
        return Content("It works.", (*self.figures, Odd()), facts=facts)


def test_a_section_that_fails_costs_only_itself(
    example_run: topolab.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stranger(group: Any, name: str) -> Any:
        if name == "unloadable":
            raise ConfigError("cannot be loaded")
        if name == "missing":
            raise ConfigError("unknown figure")
        return {"failing": Failing, "fine": Fine, "broken": Broken, "odd": Odd}[name]

    monkeypatch.setattr(lookup, "names", lambda group: ["failing", "fine", "unloadable"])
    monkeypatch.setattr(lookup, "find", stranger)
    page = Page(build_report([example_run], tmp_path / "r.html"))
    assert page.text.count("This section could not be drawn") == 2
    assert page.text.count("This figure could not be drawn") == 2
    assert "no such &lt;column&gt;" in page.text and "unknown figure" in page.text
    bars = [p for p in page.script_data["panels"] if p and p["whole"]]
    assert len(bars) == 2 and len(set(bars[0]["frames"])) == 4
    assert bars[0]["alts"][2] == "A bar of height 2."
    assert "out of &lt;b&gt;luck&lt;/b&gt;" in page.text
    assert "It works." in page.text and "1 &lt; 2" in page.text


def test_some_sections_only(example_run: topolab.Run, tmp_path: Path) -> None:
    page = Page(build_report([example_run], tmp_path / "r.html", only=["degree", "training"]))
    assert [s["id"] for s in page.all("section") if "id" in s] == [
        "training", "degree", "provenance",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="unknown section 'degrees'; there is attachment, degree"):
        build_report([example_run], tmp_path / "r.html", only=["degrees"])


def test_no_run_or_one_twice(example_run: topolab.Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one run"):
        build_report([], tmp_path / "r.html")
    with pytest.raises(ConfigError, match="given twice"):
        build_report([example_run, topolab.open_run(example_run.path)], tmp_path / "r.html")
