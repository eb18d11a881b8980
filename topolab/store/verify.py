"""Checking a run: every file, every byte, and that none is missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from topolab.errors import TopolabError
from topolab.store.folder import RunFolder, is_snapshot_name

__all__ = ["Problem", "Verification", "verify_run"]


@dataclass(frozen=True)
class Problem:
    """One file that is not as it should be."""

    file: str
    message: str


@dataclass(frozen=True)
class Verification:
    """The outcome of `verify_run`."""

    path: Path
    checked: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.problems


def verify_run(path: str | Path) -> Verification:
    """Read every snapshot of a run and say which are damaged, foreign or missing.

    Parameters
    ----------
    path : path
        The folder of the run.

    Returns
    -------
    Verification
        ``problems`` names every file that is wrong; a gap in the numbering is one too.

    Raises
    ------
    RunError
        If there is no run, or its manifest cannot be read.
    """
    folder = RunFolder(path)
    manifest = folder.manifest()
    layers = folder.layers(manifest)
    problems: list[Problem] = []
    # Before the listing: a run that is finished in the meantime has more, never fewer.
    done: dict[str, object] = {}
    for note in (folder.done_file, folder.failed_file):
        try:
            content = folder.read_note(note) or {}
            done = content if note == folder.done_file else done
        except TopolabError as error:
            problems.append(Problem(str(note), str(error).removeprefix(f"{note}: ")))
    listing = folder.listing()
    last_step = -1
    expected = 0
    digests: list[str] = []
    for stored in listing:
        if stored.index > expected:
            missing = f"{expected:06d}" + ("" if stored.index == expected + 1 else " and later")
            problems.append(Problem(str(folder.snapshots), f"snapshot {missing} is missing"))
        elif stored.index < expected or stored.step <= last_step:
            problems.append(Problem(str(stored.path), "its number or step is there twice"))
        expected = stored.index + 1
        last_step = max(last_step, stored.step)
        try:
            digests.append(folder.read(stored, layers, str(manifest["run_id"])).digest)
        except TopolabError as error:
            message = str(error).removeprefix(f"{stored.path}: ")
            problems.append(Problem(str(stored.path), message))
    recorded = done.get("snapshots")
    if isinstance(recorded, int) and recorded > expected:
        problems.append(
            Problem(
                str(folder.snapshots),
                f"{recorded} snapshots were recorded, {expected} are there",
            )
        )
    if folder.snapshots.is_dir():
        for other in sorted(folder.snapshots.iterdir()):
            if not is_snapshot_name(other.name) and not other.name.startswith("."):
                problems.append(Problem(str(other), "not a snapshot file of this run"))
    return Verification(folder.path, len(listing), tuple(problems))
