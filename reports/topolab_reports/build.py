"""The report: runs analysed, sections drawn, put together on one self-contained page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from topolab.analysis import Result
from topolab.api import analyse
from topolab.errors import ConfigError, RunError, TopolabError
from topolab.progress import Progress
from topolab.run import Run
from topolab.store.files import replace_file
from topolab_reports.draw import draw_section
from topolab_reports.lookup import analyses_of, check_sections, load_figure, load_sections
from topolab_reports.output import at_least_one
from topolab_reports.page import render_page
from topolab_reports.report_data import ReportData, RunView, choose_moments, view_runs
from topolab_reports.run_cards import default_title
from topolab_reports.sections.base import Section
from topolab_reports.views import SectionView

__all__ = ["build_report"]

Tables = Callable[[Run, str], Mapping[str, Result]]


def build_report(
    runs: Sequence[Run],
    out: str | Path,
    *,
    title: str | None = None,
    frames: int = 24,
    workers: int = 1,
    progress: Progress | None = None,
    only: Sequence[str] | None = None,
    live: str = "",
    tables: Tables | None = None,
) -> Path:
    """Write one HTML file about one or several runs, side by side.

    Parameters
    ----------
    runs : sequence of Run
        With the same layer names, for their figures to stand beside each other. Runs that differ
        only by their seed are drawn as one line with a band.
    out : path
        The file to write; replaced atomically.
    title : str, optional
    frames : int
        Moments of the time control, evenly chosen; the first and the last are always there.
    workers : int
        Processes for analyses that are not cached yet.
    progress : Progress, optional
        Told of each part.
    only : sequence of str, optional
        Names of the sections to show; by default all.
    live : str
        Of which state of the runs the page tells. With one, it asks the server it came from
        whether there is a newer one, see ``topolab watch``; without one, it asks nobody anything.
    tables : callable, optional
        Given a run and the name of an analysis, its results by name; by default `topolab.analyse`,
        which keeps them in the run's folder.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        If there is no run, or one is named twice.
    RunError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> page = build_report([getfixture("example_run")], tempfile.mkdtemp() + "/r.html")
    >>> "Degree evolution" in page.read_text(encoding="utf-8")
    True
    """
    out = Path(out)
    if not runs:
        raise ConfigError("a report needs at least one run")
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise ConfigError("a run was given twice; a report shows each once")
    frames = at_least_one("frames", frames)
    check_sections(only)
    views = view_runs([run for run in runs if len(run)])
    sections = load_sections([view.run for view in views], only)
    figures = {name: load_figure(name) for section in sections if isinstance(section, Section)
               for name in section.figures}  # fmt: skip
    needs = analyses_of(sections, figures)
    total = len(views) * len(needs) + len(sections) + len(figures) + 1
    tick = _counter(progress, total)
    get = tables or (lambda run, name: analyse(run, [name], workers=workers, progress=False))
    missing = _analyse(views, needs, get, tick)
    moments = choose_moments([view.run for view in views], frames) if views else ()
    data = ReportData(tuple(views), moments)
    section_views = []
    for section in sections:
        tick(section.title)
        section_views.append(
            section
            if isinstance(section, SectionView)
            else draw_section(section, data, figures, missing=missing, out=out, tick=tick)
        )
    tick("writing")
    page = render_page(
        section_views, data, runs, title=title or default_title(views), out=out, live=live
    )
    try:
        replace_file(out, page.encode())
    except RunError as error:
        raise RunError(f"{out}: the report could not be written ({error})") from error
    if progress is not None:
        progress("report", total, total)
    return out


def _analyse(
    views: Sequence[RunView], needs: Sequence[str], get: Tables, tick: Callable[[str], None]
) -> dict[str, str]:
    """Fill in the results of each run; of analyses that a run cannot answer, why."""
    missing = {}
    for view in views:
        for name in needs:
            tick(f"{view.label}: {name}")
            try:
                view.results.update(get(view.run, name))
            except TopolabError as error:
                missing[name] = f"{view.label}: {error}"
    return missing


def _counter(progress: Progress | None, total: int) -> Callable[[str], None]:
    done = -1

    def tick(what: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress("report", min(done, total - 1), total, what)

    return tick
