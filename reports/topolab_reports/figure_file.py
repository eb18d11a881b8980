"""``topolab.figure``: one figure of one or several runs as a file for a paper."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from topolab.api import analyse
from topolab.errors import AnalysisError, ConfigError, RunError
from topolab.options import whole
from topolab.progress import Progress, progress_shown
from topolab.registry import check_name, find, load_all
from topolab.run import Run, RunLike, open_runs
from topolab.store.files import replace_file
from topolab_reports.figures.base import RunFigure
from topolab_reports.output import at_least_one, file_to_write
from topolab_reports.report_data import ReportData, ReportMoment, view_runs
from topolab_reports.style import settings

__all__ = ["FORMATS", "figure", "figures"]

FORMATS = ("pdf", "svg", "png")
MOST_DPI = 2400


def figures() -> dict[str, dict[str, Any]]:
    """The figures that there are, by name.

    Returns
    -------
    dict
        Of each its title, the analyses it needs and the figure of a paper that it is the
        counterpart of.

    Examples
    --------
    >>> figures()["nsh-fig7"]["needs"]
    ['selection']
    """
    return load_all(
        "figures",
        lambda kind: {"title": kind.title, "source": kind.source, "needs": list(kind.needs)},
    )


def figure(
    name: str,
    runs: RunLike | Sequence[RunLike],
    out: str | os.PathLike[str] | None = None,
    *,
    step: int | None = None,
    columns: int | None = None,
    dpi: int = 300,
    workers: int = 1,
    force: bool = False,
    progress: Progress | bool | None = None,
) -> Path:
    """Draw one figure of one or several runs, ready for a paper.

    What is not analysed yet is analysed first. What ``topolab figure`` does, this function does.

    Parameters
    ----------
    name : str
        One of `topolab.figures`.
    runs : Run or path, or a sequence of them
        Drawn side by side; runs that differ only by their seed as one line with a band. A folder
        of runs stands for the runs in it.
    out : path, optional
        Ends in ``.pdf``, ``.svg`` or ``.png``; by default the name with ``.pdf``. Written
        atomically.
    step : int, optional
        The moment that a figure of single moments shows; by default the last. Every run is shown
        at its last snapshot at or before it.
    columns : int, optional
        Panels beside each other.
    dpi : int
        Of a PNG, and of what is kept as pixels in the others.
    workers : int
        Processes for analyses that are not computed yet.
    force : bool
        Overwrite a file that is there.
    progress : Progress, bool or None
        By default a bar where a person looks; False for none. The last report says in its detail
        what of a deep network is not drawn.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ConfigError
        If there is no such figure, a setting or the format has no meaning for it, a run has no
        snapshot at or before the step, or a file is there already.
    AnalysisError
        If the runs hold nothing for this figure to draw.
    RunError
        If there is no run, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> out = tempfile.mkdtemp() + "/degrees.svg"
    >>> figure("degree-ccdf", getfixture("example_run"), out).name
    'degrees.svg'
    """
    check_name("figures", name)
    several = open_runs(runs)
    columns = None if columns is None else at_least_one("columns", columns)
    dpi, workers = at_least_one("dpi", dpi), at_least_one("workers", workers)
    step = None if step is None else whole("step", step)
    path = _file(f"{name}.pdf" if out is None else out, name, force=force)
    if dpi > MOST_DPI:
        raise ConfigError(f"dpi {dpi}: at most {MOST_DPI}")
    drawer: RunFigure = find("figures", name)()
    if step is not None and not drawer.moment:
        raise ConfigError(f"figure {name} shows all times, so a step has no meaning for it")
    views = view_runs(several)
    data = ReportData(tuple(views), (_moment([view.run for view in views], step),))
    with progress_shown(progress) as tell:
        total = len(views) * len(drawer.needs) + 1
        for i, view in enumerate(views):
            for j, need in enumerate(drawer.needs):
                tell(name, i * len(drawer.needs) + j, total, f"{view.label}: {need}")
                results = analyse(view.run, [need], workers=workers, progress=False)
                view.results.update(results)
        tell(name, total - 1, total, drawer.title)
        table = drawer.table(data)
        part, note = drawer.limit_layers(table)
        if not drawer.panels(part, data.groups):
            raise AnalysisError(
                f"figure {name}: these runs hold nothing for it to draw. "
                f"{drawer.caption_for(table)}"
            )
        _write(drawer.draw(table, runs=data.groups, columns=columns), path, dpi)
        tell(name, total, total, note)
    return path


def _file(out: str | os.PathLike[str], name: str, *, force: bool) -> Path:
    path = file_to_write(out, example=f"{name}.pdf")
    if path.suffix.lower().lstrip(".") not in FORMATS:
        raise ConfigError(f"{path}: the name must end in .{', .'.join(FORMATS)}")
    if path.exists() and not force:
        raise ConfigError(
            f"{path}: is there already; choose another name, or overwrite it with force"
        )
    return path


def _moment(runs: Sequence[Run], step: int | None) -> ReportMoment:
    indices = []
    for run in runs:
        if not len(run):
            raise AnalysisError(f"{run.path}: has no snapshots yet, so nothing can be drawn")
        before = len(run) - 1 if step is None else int((run.steps <= step).sum()) - 1
        if before < 0:
            raise ConfigError(
                f"{run.path}: no snapshot at or before step {step}; the first is {run.steps[0]}"
            )
        indices.append(before)
    return ReportMoment(tuple(indices))


def _write(drawing: Figure, path: Path, dpi: int) -> None:
    kind = path.suffix.lower().lstrip(".")
    raw = io.BytesIO()
    dates = {"pdf": {"CreationDate": None, "Creator": "topolab"}, "png": {"Software": "topolab"},
             "svg": {"Date": None, "Creator": "topolab"}}[kind]  # fmt: skip
    with settings():
        drawing.savefig(raw, format=kind, dpi=dpi, metadata=dates)
    try:
        replace_file(path, raw.getvalue())
    except RunError as error:
        raise RunError(f"{path}: the figure could not be written ({error})") from error
