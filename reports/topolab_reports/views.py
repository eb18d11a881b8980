"""Sections and figures as the page shows them: what the template is given."""

from __future__ import annotations

from dataclasses import dataclass

from topolab_reports.downloads import Download
from topolab_reports.panels import PanelView
from topolab_reports.sections.base import Content

__all__ = ["FigureView", "SectionView"]


@dataclass(frozen=True)
class FigureView:
    """A figure as the page shows it, or why it is not there."""

    name: str
    title: str
    caption: str = ""
    source: str = ""
    panels: tuple[PanelView, ...] = ()
    downloads: tuple[Download, ...] = ()
    rows: int = 0
    command: str = ""
    code: str = ""
    error: str = ""


@dataclass(frozen=True)
class SectionView:
    """A section as the page shows it: its content, or why there is none."""

    name: str
    title: str
    content: Content | None = None
    figures: tuple[FigureView, ...] = ()
    error: str = ""
