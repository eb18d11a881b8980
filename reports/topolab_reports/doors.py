"""The doors of the reports: what the commands call, and ``topolab.report`` and its kin."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from topolab.errors import ConfigError
from topolab.progress import Progress, progress_shown
from topolab.run import RunLike, open_runs
from topolab_reports.html import build_report

__all__ = ["report"]

# A page of ours says so near its top; any other file is not overwritten.
MARK = b'<meta name="generator" content="topolab'


def report(
    runs: RunLike | Sequence[RunLike],
    out: str | os.PathLike[str] = "report.html",
    *,
    title: str | None = None,
    frames: int = 24,
    only: Sequence[str] | None = None,
    workers: int = 1,
    force: bool = False,
    progress: Progress | bool | None = None,
) -> Path:
    """Draw runs side by side on one self-contained page.

    What is not analysed yet is analysed first. An older report of this name is replaced.
    """
    opened = open_runs(runs)
    path = Path(out)
    if path.is_dir():
        raise ConfigError(
            f"{path}: is a folder; give the file to write, such as {path}/report.html"
        )
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}; make it first")
    if path.exists() and not force and MARK not in path.read_bytes()[:4096]:
        raise ConfigError(
            f"{path}: a file that is no topolab report is there; choose another --out, or --force"
        )
    if frames < 1:
        raise ConfigError(f"--frames {frames}: at least one is needed")
    with progress_shown(progress) as tell:
        build_report(
            opened, path, title=title, max_frames=frames, workers=workers, only=only,
            progress=lambda done, total, what: tell("report", done, total, what),
        )  # fmt: skip
    return path
