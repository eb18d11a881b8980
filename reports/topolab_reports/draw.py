"""Drawing sections and their figures for the page; one that fails costs only itself."""

from __future__ import annotations

import base64
import inspect
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from topolab_reports.downloads import downloads
from topolab_reports.figures.base import RunFigure
from topolab_reports.lookup import load_figure
from topolab_reports.panels import draw_panel
from topolab_reports.report_data import ReportData
from topolab_reports.run_cards import folder_from
from topolab_reports.sections.base import Section
from topolab_reports.views import FigureView, SectionView

__all__ = ["draw_section"]


def draw_section(
    section: Section,
    data: ReportData,
    figures: Mapping[str, RunFigure | FigureView],
    *,
    missing: Mapping[str, str],
    out: Path,
    tick: Callable[[str], None],
) -> SectionView:
    """Build a section and draw its figures.

    Parameters
    ----------
    section : Section
    data : ReportData
    figures : mapping of str to RunFigure or FigureView
        Those that are loaded already, by name.
    missing : mapping of str to str
        Why there are no tables of an analysis, by its name.
    out : Path
        Where the page will be.
    tick : callable
        Called with what is being drawn.
    """
    reasons = [missing[need] for need in section.needs if need in missing]
    if reasons:
        return SectionView(section.name, section.title, error="; ".join(reasons))
    if not data.views:
        return SectionView(section.name, section.title, error="no run has a snapshot")
    try:
        content = section.build(data)
    except Exception as error:  # one section that fails must not cost the page
        return SectionView(section.name, section.title, error=f"{type(error).__name__}: {error}")
    views = []
    for name in content.figures:
        figure = figures.get(name) or load_figure(name) if isinstance(name, str) else name
        tick(figure.title)
        view = _draw_figure(figure, data, missing, out)
        if view.panels or view.error or view.caption != figure.caption:
            views.append(view)
    return SectionView(section.name, section.title, content, tuple(views))


def _draw_figure(
    figure: RunFigure | FigureView, data: ReportData, missing: Mapping[str, str], out: Path
) -> FigureView:
    if isinstance(figure, FigureView):
        return figure
    reasons = [missing[need] for need in figure.needs if need in missing]
    if reasons:
        return FigureView(figure.name, figure.title, error="; ".join(reasons))
    try:
        table = figure.table(data)
        part, note = figure.limit_layers(table)
        caption = " ".join(text for text in (figure.caption_for(table), note) if text)
        panels = tuple(draw_panel(panel, data) for panel in figure.panels(part, data.groups))
        runs = " ".join(shlex.quote(folder_from(out, view.run)) for view in data.views)
        return FigureView(
            figure.name,
            figure.title,
            caption,
            figure.source,
            panels,
            tuple(downloads(table, figure.name)),
            len(table),
            f"topolab figure {figure.name} {runs} --out {figure.name}.pdf",
            _source_of(figure),
        )
    except Exception as error:  # one figure that fails must not cost its section
        return FigureView(figure.name, figure.title, error=f"{type(error).__name__}: {error}")


def _source_of(figure: RunFigure) -> str:
    """The file that draws it, as a data address; empty where it cannot be read."""
    try:
        path = inspect.getsourcefile(type(figure))
        text = Path(path).read_bytes() if path else b""
    except (OSError, TypeError):
        text = b""
    return "data:text/plain;base64," + base64.b64encode(text).decode() if text else ""
