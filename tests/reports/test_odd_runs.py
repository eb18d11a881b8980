"""Pages of runs that are odd, or do not go together: other clocks, seeds, lengths, no edges."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page import Page

import topolab
from conftest import record_example
from topolab.errors import ConfigError
from topolab_reports.build import build_report
from topolab_reports.report_data import view_runs


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
        assert "At its end odd has no fit (fewer than two distinct" in text


def recorded(
    path: Path, steps: list[int], *, epochs: list[float] | None = None, seed: int | None = 1,
    config: dict[str, Any] | None = None, data: dict[str, Any] | None = None, fan_in: int = 0,
) -> topolab.Run:  # fmt: skip
    """A small run at these steps; with `fan_in` every neuron has so many inputs."""
    layers = (
        topolab.LayerSpec("fc1", "linear", (12, 16)),
        topolab.LayerSpec("fc2", "linear", (5, 12)),
    )
    rng = np.random.default_rng(seed or 0)
    options = {"layers": layers, "config": {"method": "m"} if config is None else config}
    with topolab.Recorder(path, seed=seed, data=data, **options) as recorder:
        for i, step in enumerate(steps):
            masks = {layer.name: rng.random(layer.shape) < 0.5 for layer in layers}
            if fan_in:
                masks = {k.name: np.arange(k.n_in) < np.full((k.n_out, 1), fan_in) for k in layers}
            metrics = {"test_accuracy": 0.5 + 0.01 * i}
            recorder.record(step, masks, epoch=epochs[i] if epochs else None, metrics=metrics)
    return topolab.open_run(path)


def frames_of(page: Page) -> list[str]:
    found = re.search(r'<ol id="moments" hidden>(.*?)</ol>', page.text, flags=re.DOTALL)
    assert found is not None
    return re.findall("<li>(.*?)</li>", found[1])


def test_a_run_without_epochs_puts_all_on_steps(tmp_path: Path) -> None:
    a = recorded(tmp_path / "a", [0, 100, 200, 300], epochs=[0, 1, 2, 3])
    b = recorded(tmp_path / "b", [0, 50, 100, 150, 200, 250], config={"method": "other"})
    page = Page(build_report([a, b], tmp_path / "r.html"))
    assert "could not be drawn" not in page.text
    assert "at or before the same step" in page.text
    assert [re.findall(r"step (\d+)", f) for f in frames_of(page)] == [
        ["0", "0"], ["100", "100"], ["200", "200"], ["300", "250"],
    ]  # fmt: skip
    cursors = [p["cursor"] for p in page.script_data["panels"] if p and "cursor" in p]
    assert [[0.0], [100.0], [200.0], [300.0]] in cursors
    assert [[0.0], [100.0], [200.0], [250.0]] in cursors  # a panel of b alone


def test_the_clock_is_that_of_the_run_that_goes_on_longest(tmp_path: Path) -> None:
    many = recorded(tmp_path / "a", list(range(10)), epochs=[i / 10 for i in range(10)])
    late = recorded(
        tmp_path / "b", [0, 100, 200], epochs=[0.0, 10.0, 20.0], config={"method": "other"}
    )
    frames = frames_of(Page(build_report([many, late], tmp_path / "r.html")))
    assert [re.findall(r"step (\d+)", f) for f in frames] == [
        ["0", "0"], ["9", "100"], ["9", "200"],
    ]  # fmt: skip


def test_one_frame_is_the_end(example_run: topolab.Run, tmp_path: Path) -> None:
    page = Page(build_report([example_run], tmp_path / "r.html", frames=1))
    assert "The page shows the last of 4 snapshots." in page.text
    assert "step 30" in frames_of(page)[0]


def test_layers_of_one_degree_are_to_be_seen(tmp_path: Path) -> None:
    """A line of one point would be nothing at all."""
    run = recorded(tmp_path / "a", [0, 1], fan_in=3)
    page = Page(build_report([run], tmp_path / "r.html", only=["degree"]))
    paths = [d["d"] or "" for d in page.all("path") if d.get("stroke")]
    assert paths and all(re.fullmatch(r"M[\d.,]+(L[\d.,]+)+", d) for d in paths)


def test_commands_lead_from_the_page_to_the_runs(tmp_path: Path) -> None:
    runs = [recorded(tmp_path / name / "s1", [0, 1], config={"method": name}) for name in "AB"]
    page = Page(build_report(runs, tmp_path / "r.html", only=["training"]))
    assert "topolab figure accuracy A/s1 B/s1 --out accuracy.pdf" in page.text
    with pytest.raises(ConfigError, match="given twice"):
        topolab.figure("accuracy", [runs[0], runs[0]], tmp_path / "f.pdf")


def test_only_runs_of_the_same_data_and_method_are_one_group(tmp_path: Path) -> None:
    def groups(**options: Any) -> list[str]:
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        runs = [
            recorded(place / f"x-s{seed}", [0, 1], seed=seed,
                     **{key: value[seed - 1] for key, value in options.items()})
            for seed in (1, 2)
        ]  # fmt: skip
        return [view.group for view in view_runs(runs)]

    assert groups() == ["x", "x"]
    assert groups(data=[{"name": "d", "n_train": n} for n in (100, 60000)]) == ["x-s1", "x-s2"]
    assert groups(config=[{}, {}]) == ["x-s1", "x-s2"]
    # Recorded by a user's own loop, which has settings of its own and no `method`.
    assert groups(config=[{"rule": "mine"}, {"rule": "mine"}]) == ["x", "x"]


def test_seeds_that_end_earlier_are_said(tmp_path: Path) -> None:
    runs = [recorded(tmp_path / f"g-s{n}", list(range(0, 10 * n, 10)), seed=n) for n in (3, 8)]
    for order in (runs, runs[::-1]):
        page = Page(build_report(order, tmp_path / "r.html", only=["training"]))
        alt = next(i["alt"] for i in page.all("img") if (i["alt"] or "").startswith("Test accur"))
        assert "mean of 2 seeds, fewer from 30 on" in str(alt) and "to 57 %" in str(alt)
        assert "3 to 8, ending at steps 20 to 70" in page.text


def test_the_reason_given_is_one_that_matters(tmp_path: Path) -> None:
    """Of layers in which there could be a hierarchy, not of one without any."""
    text = Page(build_report([recorded(tmp_path / "a", [0, 1])], tmp_path / "r.html")).text
    assert "Nothing is known of a: no gradients were recorded" in text


def test_whole_numbers_are_not_rounded(tmp_path: Path) -> None:
    run = recorded(tmp_path / "a", [0, 12345])
    page = Page(build_report([run], tmp_path / "r.html", only=["training"]))
    series = next(p for p in page.script_data["panels"] if p)["series"]
    assert series[0]["x"] == [0, 12345]
