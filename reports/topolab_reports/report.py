"""``topolab.report``: one HTML file about one or several runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from topolab.api import read_names
from topolab.errors import ConfigError
from topolab.progress import Progress, progress_shown
from topolab.run import RunLike, open_runs
from topolab_reports.build import build_report
from topolab_reports.output import at_least_one, file_to_write

__all__ = ["report"]

# A page of ours says so near its top; any other file is not overwritten.
MARK = b'<meta name="generator" content="topolab'


def report(
    runs: RunLike | Sequence[RunLike],
    out: str | os.PathLike[str] = "report.html",
    *,
    title: str | None = None,
    frames: int = 24,
    only: str | Sequence[str] | None = None,
    workers: int = 1,
    force: bool = False,
    progress: Progress | bool | None = None,
) -> Path:
    """Draw runs side by side on one self-contained page.

    What is not analysed yet is analysed first. An older report of this name is replaced. What
    ``topolab report`` does, this function does.

    Parameters
    ----------
    runs : Run or path, or a sequence of them
        A folder of runs stands for the runs in it. Runs that differ only by their seed are drawn
        as one line with a band.
    out : path
        The file to write; replaced atomically.
    title : str, optional
        Of the page; by default methods and data of the runs.
    frames : int
        Moments the time slider shows, at the most; the first and the last are always there.
    only : str or sequence of str, optional
        Names of the sections to show; by default all.
    workers : int
        Processes for analyses that are not computed yet.
    force : bool
        Overwrite a file that is no topolab report.
    progress : Progress, bool or None
        By default a bar where a person looks; False for none.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    ConfigError
        If a setting has no meaning, a section is unknown, a run was given twice, or something that
        is no report is in the place of the output.
    RunError
        If there is no run, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> page = report(getfixture("example_run"), tempfile.mkdtemp() + "/r.html", frames=2)
    >>> page.name, "Degree evolution" in page.read_text(encoding="utf-8")
    ('r.html', True)
    """
    several = open_runs(runs)
    frames, workers = at_least_one("frames", frames), at_least_one("workers", workers)
    sections = read_names(only, "only")
    path = file_to_write(out, example="report.html")
    if path.exists() and not force and MARK not in path.read_bytes()[:4096]:
        raise ConfigError(
            f"{path}: a file that is no topolab report is there; choose another name, "
            "or overwrite it with force"
        )
    with progress_shown(progress) as tell:
        return build_report(
            several, path, title=title, frames=frames, workers=workers, only=sections,
            progress=tell,
        )  # fmt: skip
