"""The contracts of figures and sections; `topolab.testing.contract_of` finds them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import matplotlib.figure
import pandas as pd
import pytest

from topolab.api import analyse
from topolab.errors import ConfigError
from topolab.registry import Group, find, names
from topolab.testing import Contract, make_run
from topolab_reports.figures.base import RunFigure
from topolab_reports.report_data import ReportData, choose_moments, view_runs
from topolab_reports.sections.base import Content, Section

__all__ = ["FigureContract", "SectionContract", "report_data_of"]


def report_data_of(folder: Path, *needs: str, runs: int = 2) -> ReportData:
    """What figures and sections are given: small runs side by side, analysed.

    Parameters
    ----------
    folder : Path
        Where the runs are written.
    *needs : str
        Names of analyses.
    runs : int
    """
    made = [make_run(folder / f"run{i}", seed=i, rich=True) for i in range(runs)]
    views = view_runs(made)
    for view in views:
        view.results.update(analyse(view.run, list(needs), progress=False) if needs else {})
    return ReportData(tuple(views), choose_moments(made, 3))


class FigureContract(Contract):
    """What every registered figure does."""

    group: ClassVar[Group] = "figures"

    @pytest.mark.parametrize("runs", [1, 2])
    def test_it_draws_on_new_and_on_given_axes(self, name: str, runs: int, tmp_path: Path) -> None:
        """A panel describes itself in sentences; drawing changes no table."""
        figure = self.entry(name)()
        assert isinstance(figure, RunFigure) and figure.name == name and figure.title
        assert set(figure.needs) <= set(names("analyses"))
        data = report_data_of(tmp_path, *figure.needs, runs=runs)
        table = figure.table(data)
        before = table.copy()
        assert figure.caption_for(table) == "" or figure.caption_for(table).endswith(".")
        panels = figure.panels(table, data.groups)
        for panel in panels:
            assert len(panel.last) and panel.describe(panel.last).endswith((".", ")"))
            axes = matplotlib.figure.Figure().subplots()
            assert panel.draw(panel.last, ax=axes) is axes.get_figure()
        assert isinstance(figure.draw(table, runs=data.groups), matplotlib.figure.Figure)
        with pytest.raises(ConfigError, match="panels here, and ax has"):
            figure.draw(table, ax=[matplotlib.figure.Figure().subplots()] * (len(panels) + 1))
        pd.testing.assert_frame_equal(table, before)


class SectionContract(Contract):
    """What every registered section does."""

    group: ClassVar[Group] = "sections"

    def test_it_says_something_of_what_it_names(self, name: str, tmp_path: Path) -> None:
        """Its analyses and figures are registered; its finding is a sentence."""
        section = self.entry(name)()
        assert isinstance(section, Section) and section.name == name and section.title
        assert set(section.needs) <= set(names("analyses"))
        assert set(section.figures) <= set(names("figures"))
        needs = {n for f in section.figures for n in find("figures", f).needs} | set(section.needs)
        content = section.build(report_data_of(tmp_path, *sorted(needs)))
        assert isinstance(content, Content) and content.finding.endswith(".")
