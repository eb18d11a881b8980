"""The sections and figures that are registered; one that cannot be loaded says why in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from topolab.errors import ConfigError
from topolab.registry import did_you_mean, find, names
from topolab.run import Run
from topolab_reports.figures.base import RunFigure
from topolab_reports.sections.base import Section
from topolab_reports.views import FigureView, SectionView

__all__ = ["analyses_of", "check_sections", "load_figure", "load_sections"]

#: Where a section stands that cannot say its own order: at the end.
_LAST = 10_000


def check_sections(only: Sequence[str] | None) -> None:
    """Refuse names of sections that there are not.

    Raises
    ------
    ConfigError
        Naming the first unknown one, what there is, and which is like it.
    """
    known = names("sections")
    for name in sorted(set(only or ()) - set(known)):
        hint = did_you_mean(name, known)
        raise ConfigError(f"unknown section {name!r}; there is {', '.join(known)}{hint}")


def load_sections(
    runs: Sequence[Run], only: Sequence[str] | None = None
) -> list[Section | SectionView]:
    """Every registered section in order; one that cannot be imported becomes an error box.

    Parameters
    ----------
    runs : sequence of Run
        An optional section is left out unless its tables are there of each of these.
    only : sequence of str, optional
        Names of the sections; by default all.
    """
    entries: list[tuple[int, str, Section | SectionView]] = []
    for name in names("sections"):
        if only is not None and name not in only:
            continue
        try:
            section: Section = find("sections", name)()
            if section.optional and only is None and not _has_tables(section, runs):
                continue
            entries.append((int(section.order), name, section))
        except Exception as error:  # a stranger's section may fail in any way
            entries.append((_LAST, name, SectionView(name, name, error=str(error))))
    entries.sort(key=lambda item: item[:2])
    return [section for _, _, section in entries]


def _has_tables(section: Section, runs: Sequence[Run]) -> bool:
    """Whether every run has the tables of every analysis that a section needs."""
    return bool(runs) and all(
        (run.tables_folder / f"{need}.parquet").exists() for run in runs for need in section.needs
    )


def load_figure(name: str) -> RunFigure | FigureView:
    """A registered figure, or what stands in its place."""
    try:
        figure = find("figures", name)()
        assert isinstance(figure, RunFigure), f"{type(figure).__name__} is no RunFigure"
        return figure
    except Exception as error:  # a stranger's figure may fail in any way
        return FigureView(name, name, error=str(error))


def analyses_of(
    sections: Sequence[Section | SectionView], figures: Mapping[str, RunFigure | FigureView]
) -> list[str]:
    """The registered analyses that sections and figures need."""
    needs = {need for section in sections if isinstance(section, Section) for need in section.needs}
    for figure in figures.values():
        if isinstance(figure, RunFigure):
            needs |= set(figure.needs)
    return sorted(needs & set(names("analyses")))
