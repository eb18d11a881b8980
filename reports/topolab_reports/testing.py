"""The contracts of figures and sections; `topolab.testing.contract_of` finds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from topolab.api import analyse
from topolab.errors import ConfigError
from topolab.layers import LayerSpec
from topolab.recorder import Recorder
from topolab.registry import Group, find, names
from topolab.run import Run, open_run
from topolab.testing import Contract, make_run
from topolab_reports.figures.base import MOST_LAYERS, RunFigure
from topolab_reports.panels import draw_panel
from topolab_reports.report_data import ReportData, choose_moments, view_runs
from topolab_reports.sections.base import Content, Section

__all__ = ["FigureContract", "SectionContract", "deep_run", "report_data_of", "several_runs"]

#: Which runs stand side by side: two methods, seeds of one beside another, one of one snapshot.
SIDES = ("two", "seeds", "poor")
#: Columns of numbers that are counts or places: they are never missing.
NEVER_MISSING = ("step", "degree", "count", "decile", "neuron", "rank_group", "source_group",
                 "target_group", "edges", "possible", "coreness")  # fmt: skip


def report_data_of(runs: Sequence[Run], needs: Collection[str]) -> ReportData:
    """What figures and sections are given: runs side by side, analysed.

    Parameters
    ----------
    runs : sequence of Run
    needs : collection of str
        Names of analyses; what one of them cannot answer is left out, as on a page.
    """
    views = view_runs(runs)
    for view in views:
        found = analyse([view.run], sorted(needs), on_error="skip", progress=False)
        view.results.update(found[view.run] if needs else {})
    return ReportData(tuple(views), choose_moments(runs, 3))


@cache
def several_runs(base: Path) -> Mapping[str, Sequence[Run]]:
    """Small runs that have everything a run can hold, and a poor one, for each of `SIDES`.

    Parameters
    ----------
    base : Path
        In a new folder of it they are written, once; so they are analysed once too.
    """
    folder = Path(mkdtemp(dir=base, prefix="several-"))
    a = make_run(folder / "a", seed=1, rich=True, method="set")
    b = make_run(folder / "b", seed=2, rich=True, method="rigl")
    again = [
        make_run(folder / f"again-s{seed}", seed=seed, rich=True, method="set") for seed in (5, 6)
    ]
    return {"two": [a, b], "seeds": [*again, b], "poor": [make_run(folder / "poor", "one")]}


@cache
def deep_run(base: Path) -> Run:
    """A run of thirteen layers of long names; one of them fits nothing before it.

    Parameters
    ----------
    base : Path
        In a new folder of it the run is written, once.
    """
    path = Path(mkdtemp(dir=base, prefix="deep-")) / "run"
    rng = np.random.default_rng(4)
    called = [f"encoder.block{i}.attention.query" for i in range(12)]
    layers = [
        LayerSpec(name, "linear", (9, 9), source="x:in" if i == 6 else None)
        for i, name in enumerate(called)
    ]
    layers.append(LayerSpec("head", "linear", (3, 9), maskable=False))
    with Recorder(path, layers=layers, config={"method": "mine"}, seed=1) as recorder:
        for step in range(3):
            masks = {layer.name: rng.random(layer.shape) < 0.5 for layer in layers[:-1]}
            masks["head"] = np.ones((3, 9), dtype=bool)
            recorder.record(
                step, masks,
                metrics={"test_accuracy": 0.5} | {f"dropped.{name}": 2.0 for name in called},
                weights={name: mask * rng.normal(size=mask.shape) for name, mask in masks.items()},
                activity={name: rng.random(len(mask)) for name, mask in masks.items()},
                gradient={name: rng.random(len(mask)) for name, mask in masks.items()},
            )  # fmt: skip
    return open_run(path)


class FigureContract(Contract):
    """What every registered figure does.

    Attributes
    ----------
    of_seeds : sequence of str
        Figures that have nothing to draw without several seeds of one setting.
    """

    group: ClassVar[Group] = "figures"
    of_seeds: ClassVar[Sequence[str]] = ()

    @classmethod
    def needs(cls) -> set[str]:
        """The analyses of all figures that are tested."""
        return {need for name in cls.chosen() for need in find("figures", name).needs}

    @classmethod
    @cache
    def sides_of(cls, base: Path) -> Mapping[str, ReportData]:
        """Runs side by side, analysed once for all figures."""
        runs = several_runs(base)
        return {side: report_data_of(of_side, cls.needs()) for side, of_side in runs.items()}

    @classmethod
    @cache
    def deep_of(cls, base: Path) -> ReportData:
        """A deep network, analysed once for all figures."""
        return report_data_of([deep_run(base)], cls.needs())

    @pytest.fixture
    def sides(self, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ReportData]:
        """Runs side by side, for each of `SIDES`."""
        return self.sides_of(tmp_path_factory.getbasetemp())

    @pytest.fixture
    def deep(self, tmp_path_factory: pytest.TempPathFactory) -> ReportData:
        """A deep network."""
        return self.deep_of(tmp_path_factory.getbasetemp())

    def test_it_says_what_it_is(self, name: str) -> None:
        """Its name is that of its entry point, and its analyses are registered."""
        figure = self.entry(name)()
        assert isinstance(figure, RunFigure) and figure.name == name and figure.title
        assert set(figure.needs) <= set(names("analyses"))

    @pytest.mark.parametrize("side", SIDES)
    def test_it_draws_on_new_and_on_given_axes(
        self, name: str, side: str, sides: Mapping[str, ReportData]
    ) -> None:
        """A panel describes itself in sentences; drawing changes no table."""
        figure, data = self.entry(name)(), sides[side]
        table = figure.table(data)
        before = table.copy()
        assert figure.caption_for(table) == "" or figure.caption_for(table).endswith(".")
        panels = figure.panels(table, data.groups)
        if side == "seeds" or (side == "two" and name not in self.of_seeds):
            assert panels, "nothing is drawn of a run that has everything"
        for panel in panels:
            assert len(panel.last) and panel.describe(panel.last).endswith((".", ")"))
            axes = Figure().subplots()
            assert panel.draw(panel.last, ax=axes) is axes.get_figure()
        assert isinstance(figure.draw(table, runs=data.groups), Figure)
        with pytest.raises(ConfigError, match="panels here, and ax has"):
            figure.draw(table, ax=[Figure().subplots() for _ in range(len(panels) + 1)])
        pd.testing.assert_frame_equal(table, before)

    def test_it_moves_on_the_page(self, name: str, sides: Mapping[str, ReportData]) -> None:
        """Every moment has its text, and is made of marks, not a picture of its own."""
        figure, data = self.entry(name)(), sides["two"]
        for panel in figure.panels(figure.table(data), data.groups):
            view = draw_panel(panel, data)
            assert view.src.startswith("data:image/") and all(view.alts)
            assert not view.frames, "its moments are pictures, not marks"

    def test_a_deep_network_is_no_mile_of_panels(self, name: str, deep: ReportData) -> None:
        """With ``by_layer`` six layers are drawn, evenly, and a sentence says so."""
        figure = self.entry(name)()
        table = figure.table(deep)
        part, note = figure.limit_layers(table)
        assert len(figure.panels(part, deep.groups)) <= 24
        assert isinstance(figure.draw(table, runs=deep.groups), Figure)
        layers = [n for n in table.get("layer", pd.Series(dtype=str)).unique() if ":" not in str(n)]
        if figure.by_layer and len(layers) > MOST_LAYERS:
            kept = list(part["layer"].unique())
            assert (len(kept), kept[0], kept[-1]) == (6, layers[0], layers[-1])
            assert note == f"6 of {len(layers)} layers are drawn; the data have all."
        else:
            assert note == "" and part is table

    def test_values_that_are_missing_break_nothing(
        self, name: str, sides: Mapping[str, ReportData]
    ) -> None:
        """Whatever is no number in the tables, something is drawn and said."""
        figure = self.entry(name)()
        table = figure.table(sides["two"]).copy()
        for column in table.columns.difference(list(NEVER_MISSING)):
            if table[column].dtype.kind == "f":
                table[column] = np.nan
        for panel in figure.panels(table):
            assert isinstance(panel.draw(panel.last), Figure)
            assert panel.describe(panel.last)
        assert isinstance(figure.draw(table), Figure)


class SectionContract(Contract):
    """What every registered section does."""

    group: ClassVar[Group] = "sections"

    @classmethod
    @cache
    def sides_of(cls, base: Path) -> Mapping[str, ReportData]:
        """Runs side by side, analysed once for all sections."""
        needs: set[str] = set()
        for section in (find("sections", name) for name in cls.chosen()):
            needs |= set(section.needs)
            needs |= {need for name in section.figures for need in find("figures", name).needs}
        runs = several_runs(base)
        return {side: report_data_of(of_side, needs) for side, of_side in runs.items()}

    @pytest.fixture
    def sides(self, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, ReportData]:
        """Runs side by side, for each of `SIDES`."""
        return self.sides_of(tmp_path_factory.getbasetemp())

    def test_it_says_what_it_is(self, name: str) -> None:
        """Its analyses and figures are registered."""
        section = self.entry(name)()
        assert isinstance(section, Section) and section.name == name and section.title
        assert set(section.needs) <= set(names("analyses"))
        assert set(section.figures) <= set(names("figures"))

    @pytest.mark.parametrize("side", SIDES)
    def test_it_says_something_of_what_it_names(
        self, name: str, side: str, sides: Mapping[str, ReportData]
    ) -> None:
        """Its finding is a sentence, its facts are text, its figures are those it names."""
        section = self.entry(name)()
        content = section.build(sides[side])
        assert isinstance(content, Content) and content.finding.endswith(".")
        assert all(isinstance(f, RunFigure) or f in section.figures for f in content.figures)
        if content.facts is not None:
            assert content.facts.map(lambda cell: isinstance(cell, str)).all(axis=None)
