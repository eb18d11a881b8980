"""Where the files of a run lie; see ``docs/snapshot-format.md``."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["RunFiles"]


class RunFiles:
    """The paths of a run's files, whether they exist or not.

    Parameters
    ----------
    path : path
        The folder of the run.

    Examples
    --------
    >>> RunFiles("runs/mine").resume_state.as_posix()
    'runs/mine/resume/state.safetensors'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.manifest_file = self.path / "run.json"
        self.snapshots = self.path / "snapshots"
        self.resume_state = self.path / "resume" / "state.safetensors"
        self.final_weights = self.path / "final.safetensors"
        self.tables = self.path / "tables"
        self.done_file = self.path / "DONE"
        self.failed_file = self.path / "FAILED.json"
        self.writer_file = self.path / "writer.json"
        self.lock_file = self.path / ".lock"

    def exists(self) -> bool:
        """Whether there is a run here."""
        return self.manifest_file.is_file()

    def finished(self) -> bool:
        """Whether there is a run here that was marked as done."""
        return self.done_file.is_file()
