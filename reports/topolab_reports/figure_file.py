"""One figure of one or several runs as a file for a paper."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from topolab.api import analyse
from topolab.errors import AnalysisError, ConfigError, RunError
from topolab.registry import find
from topolab.run import Run
from topolab.store.files import replace_file
from topolab_reports.figures.base import RunFigure
from topolab_reports.report_data import ReportData, ReportMoment, view_runs
from topolab_reports.style import settings

__all__ = ["FORMATS", "draw_figure"]

FORMATS = ("pdf", "svg", "png")
MOST_DPI = 2400


def draw_figure(
    runs: Sequence[Run],
    name: str,
    out: str | Path,
    *,
    step: int | None = None,
    columns: int | None = None,
    dpi: int = 300,
    workers: int = 1,
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Draw a registered figure.

    Parameters
    ----------
    runs : sequence of Run
        SectionView side by side; runs that differ only by their seed as one line with a band.
    name : str
        See ``topolab figures``.
    out : path
        Ends in ``.pdf``, ``.svg`` or ``.png``; replaced atomically.
    step : int, optional
        The moment that a figure of single moments shows; by default the last. Every run is shown
        at its last snapshot at or before it.
    columns : int, optional
        Panels beside each other.
    dpi : int
        Of a PNG, and of what is kept as pixels in the others.
    workers : int
        Processes for analyses that are not cached yet.
    progress : callable, optional
        Called with what is being done.

    Returns
    -------
    Path

    Raises
    ------
    ConfigError
        If the format is unknown, the step has no meaning for this figure, or a run has no
        snapshot at or before it.
    AnalysisError
        If the runs hold nothing for this figure to draw.
    RunError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> out = tempfile.mkdtemp() + "/degrees.svg"
    >>> draw_figure([getfixture("example_run")], "degree-ccdf", out).name
    'degrees.svg'
    """
    out = Path(out)
    kind = out.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise ConfigError(f"{out}: the name must end in .{', .'.join(FORMATS)}")
    figure: RunFigure = find("figures", name)()
    if step is not None and not figure.moment:
        raise ConfigError(f"figure {name} shows all times, so a step has no meaning for it")
    if dpi > MOST_DPI:
        raise ConfigError(f"dpi {dpi}: at most {MOST_DPI}")
    views = view_runs(runs)
    for view in views:
        if not len(view.run):
            raise AnalysisError(f"{view.run.path}: has no snapshots yet, so nothing can be drawn")
        for need in figure.needs:
            if progress is not None:
                progress(f"{view.label}: {need}")
            view.results.update(analyse(view.run, [need], workers=workers))
    data = ReportData(tuple(views), (_moment([view.run for view in views], step),))
    if progress is not None:
        progress(figure.title)
    table = figure.table(data)
    part, note = figure.limit_layers(table)
    if note and progress is not None:
        progress(note)
    if not figure.panels(part, data.groups):
        raise AnalysisError(
            f"figure {name}: these runs hold nothing for it to draw. {figure.caption_for(table)}"
        )
    drawing = figure.draw(table, runs=data.groups, columns=columns)
    raw = io.BytesIO()
    dates = {"pdf": {"CreationDate": None, "Creator": "topolab"}, "png": {"Software": "topolab"},
             "svg": {"Date": None, "Creator": "topolab"}}[kind]  # fmt: skip
    with settings():
        drawing.savefig(raw, format=kind, dpi=dpi, metadata=dates)
    try:
        replace_file(out, raw.getvalue())
    except RunError as error:
        raise RunError(f"{out}: the figure could not be written ({error})") from error
    return out


def _moment(runs: Sequence[Run], step: int | None) -> ReportMoment:
    indices = []
    for run in runs:
        before = len(run) - 1 if step is None else int((run.steps <= step).sum()) - 1
        if before < 0:
            raise ConfigError(
                f"{run.path}: no snapshot at or before step {step}; the first is {run.steps[0]}"
            )
        indices.append(before)
    return ReportMoment(tuple(indices))
